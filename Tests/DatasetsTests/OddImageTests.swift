import Foundation
import Testing

@testable import Datasets

/// The files of Tests/Golden/odd and the results of other programs.
struct OddImages: Decodable {
  struct File: Decodable, Sendable, CustomTestStringConvertible {
    let name: String
    private let bytes: Data
    let colour: ImageTransform.Colour
    let failure: DecodeFailure?
    let height: Int?
    let width: Int?
    let channels: Int?
    let bits: Int?
    let orientation: Int?
    let tolerance: Int?
    private let sampleBytes: Data?

    private enum CodingKeys: String, CodingKey {
      case name, colour, failure, height, width, channels, bits, orientation, tolerance
      case bytes = "data"
      case sampleBytes = "samples"
    }

    var data: [UInt8] { Array(bytes) }
    var testDescription: String { name }

    /// The samples, in the byte order of the file: little-endian if they are words.
    var samples: [Int] {
      let bytes = Array(sampleBytes ?? Data())
      guard bits == 16 else { return bytes.map(Int.init) }
      return stride(from: 0, to: bytes.count, by: 2).map {
        Int(bytes[$0]) | Int(bytes[$0 + 1]) << 8
      }
    }
  }

  let files: [File]

  static func load() throws -> OddImages {
    let folder = GoldenImages.folder.deletingLastPathComponent()
    let data = try Data(contentsOf: folder.appendingPathComponent("odd/odd.json"))
    return try JSONDecoder().decode(OddImages.self, from: data)
  }

  static func file(_ name: String) throws -> File {
    try #require(try load().files.first { $0.name == name }, "\(name)")
  }
}

@Suite struct OddImageTests {
  @Test func everyOddFileMatchesOtherProgramsOrHasTheRightReason() throws {
    let files = try OddImages.load().files
    #expect(files.count == 231)
    let codec = ImageCodec()
    for file in files {
      let result = file.data.withUnsafeBytes { bytes in
        Result { () throws(DecodeFailure) in try codec.decode(bytes, colour: file.colour) }
      }
      switch result {
      case .failure(let failure): #expect(failure == file.failure, "\(file.name)")
      case .success(let (image, orientation)):
        #expect(file.failure == nil, "\(file.name)")
        let shape = ImageShape(
          height: file.height ?? 1, width: file.width ?? 1, channels: file.channels ?? 1)
        #expect(image.shape == shape, "\(file.name)")
        #expect(image.bitDepth == file.bits, "\(file.name)")
        #expect(orientation == file.orientation, "\(file.name)")
        let worst = zip(image.numbers, file.samples).map { abs($0 - $1) }.max() ?? .max
        #expect(worst <= file.tolerance ?? 0, "\(file.name)")
      }
    }
  }

  @Test(arguments: ["tEXt", "zTXt", "iTXt", "iCCP", "eXIf", "tIME", "mkBT", "caBX"])
  func metadataOfAnySizeAreSkipped(name: String) throws {
    let plain = try GoldenImages.bytes("rgb8.png")
    let expected = try ImageCodec().decode(plain).image
    for size in [(1 << 20) - 1, 1 << 20, 3 << 20] {
      // With a wrong checksum too: content that is not read cannot be wrong.
      let chunk =
        withUnsafeBytes(of: UInt32(size).bigEndian) { Array($0) } + Array(name.utf8)
        + [UInt8](repeating: 0x41, count: size + 4)
      let file = Array(plain[..<33]) + chunk + plain[33...]
      #expect(try ImageCodec().decode(file).image == expected, "\(size)")
    }
  }

  @Test func orientationIsReadFromTextsOfAnySizeInBoundedTime() throws {
    let plain = try GoldenImages.bytes("rgb8.png")
    var file = Array(plain[..<33])
    // Ten thousand texts that claim to be compressed XMP but are empty.
    let key = Array("XML:com.adobe.xmp".utf8)
    let body = Array("iTXt".utf8) + key + [0, 1, 0, 0, 0] + [UInt8](repeating: 0x78, count: 30)
    for _ in 0..<10_000 {
      file += withUnsafeBytes(of: UInt32(body.count - 4).bigEndian) { Array($0) } + body
      file += [0, 0, 0, 0]
    }
    file += plain[33...]
    #expect(try ImageCodec().decode(file).orientation == 1)
  }

  @Test func damageIsDescribed() {
    #expect("\(DecodeFailure.wrongChecksum)".contains("checksum"))
    #expect("\(DecodeFailure.damagedPixels)".contains("compressed pixels"))
    #expect(Set(DecodeFailure.allCases.map { "\($0)" }).count == DecodeFailure.allCases.count)
  }

  @Test func aFolderOfOddFilesKeepsEveryFileThatOtherProgramsRead() throws {
    let folder = try TestFolder()
    let files = try OddImages.load().files
    for (number, file) in files.enumerated() {
      try folder.write(file.data, "root/\(file.failure == nil ? "good" : "bad")/\(number).png")
    }
    let found = try SnapshotBuilder(root: folder.path("root"), transform: tinyTransform).inspect()
    let good = found.filter { $0.className == "good" }
    #expect(good.allSatisfy { $0.verdict == .accepted || $0.verdict.code == "duplicate" })
    let bad = found.filter { $0.className == "bad" }
    #expect(bad.allSatisfy { $0.verdict.needsAttention })
    #expect(good.count + bad.count == files.count)
    let summary = ImageSetSummary(of: found)
    #expect(summary.classesWithoutImage == ["bad"])
    #expect(summary.total == files.count)
  }
}
