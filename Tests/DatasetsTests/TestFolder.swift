import Datasets
import Foundation
import Glibc

/// A scratch directory that is deleted with its last reference.
final class TestFolder: Sendable {
  let path: String

  init() throws {
    var template = Array((NSTemporaryDirectory() + "/figment-test-XXXXXX").utf8CString)
    guard let made = mkdtemp(&template) else { throw POSIXError(.EIO) }
    path = String(cString: made)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  func path(_ name: String) -> String { path + "/" + name }

  /// Writes a file and creates the folders above it.
  func write(_ bytes: [UInt8], _ name: String) throws {
    let file = path(name)
    let folder = String(file[..<(file.lastIndex(of: "/") ?? file.startIndex)])
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    try Data(bytes).write(to: URL(fileURLWithPath: file))
  }

  func makeFolder(_ name: String) throws {
    try FileManager.default.createDirectory(
      atPath: path(name), withIntermediateDirectories: true)
  }

  func bytes(_ name: String) throws -> [UInt8] {
    Array(try Data(contentsOf: URL(fileURLWithPath: path(name))))
  }
}

/// A grey square image as PNG, different for every `shade`.
func tinyPNG(_ shade: Int, side: Int = 8) -> [UInt8] {
  let bytes = (0..<(side * side)).map { UInt8(truncatingIfNeeded: $0 &* 3 &+ shade) }
  var image = bytes
  image[0] = UInt8(truncatingIfNeeded: shade)
  if side > 1 { image[1] = UInt8(truncatingIfNeeded: shade >> 8) }
  return PNGEncoder().encode(
    Image(shape: ImageShape(height: side, width: side, channels: 1), bytes: image))
}

let tinyTransform = ImageTransform(height: 8, width: 8, channels: .grey)

/// The files of Tests/Golden/images and the results of an independent program.
struct GoldenImages: Decodable {
  struct Entry: Decodable {
    let height: Int
    let width: Int
    let channels: Int
    let bits: Int
    let orientation: Int
    let tolerance: Int
    let samples: [Int]
  }

  struct Transformed: Decodable, Sendable {
    let image: String
    let height: Int
    let width: Int
    let channels: ImageTransform.Channels
    let fit: ImageTransform.Fit
    let tolerance: Int
    let pixels: [Int]
  }

  let images: [String: Entry]
  let transforms: [Transformed]

  static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().appendingPathComponent("Golden/images")

  static func load() throws -> GoldenImages {
    let data = try Data(contentsOf: folder.appendingPathComponent("expected.json"))
    return try JSONDecoder().decode(GoldenImages.self, from: data)
  }

  static func bytes(_ name: String) throws -> [UInt8] {
    Array(try Data(contentsOf: folder.appendingPathComponent(name)))
  }
}

extension ImageCodec {
  func decode(_ bytes: [UInt8]) throws(DecodeFailure) -> (image: Image, orientation: Int) {
    let result: Result<(image: Image, orientation: Int), DecodeFailure> = bytes.withUnsafeBytes {
      bytes in
      do throws(DecodeFailure) {
        return .success(try decode(bytes))
      } catch {
        return .failure(error)
      }
    }
    return try result.get()
  }

  func failure(_ bytes: [UInt8]) -> DecodeFailure? {
    do throws(DecodeFailure) {
      _ = try decode(bytes)
      return nil
    } catch {
      return error
    }
  }
}

extension Image {
  var numbers: [Int] {
    switch samples {
    case .bytes(let bytes): bytes.map(Int.init)
    case .words(let words): words.map(Int.init)
    }
  }
}
