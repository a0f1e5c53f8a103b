import Datasets
import Foundation
import Glibc
import Testing

/// The files of Tests/Golden/formats and the results of an independent program.
struct GoldenFormats: Decodable {
  struct Entry: Decodable {
    let height: Int
    let width: Int
    let channels: Int
    let bits: Int
    let orientation: Int
    let tolerance: Int
    let hasMore: Bool
    let samples: [Int]
  }

  let images: [String: Entry]

  static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().appendingPathComponent("Golden/formats")

  static func load() throws -> GoldenFormats {
    let data = try Data(contentsOf: folder.appendingPathComponent("expected.json"))
    return try JSONDecoder().decode(GoldenFormats.self, from: data)
  }

  static func bytes(_ name: String) throws -> [UInt8] {
    Array(try Data(contentsOf: folder.appendingPathComponent(name)))
  }
}

extension ImageCodec {
  /// The result of resizing one file to 8 × 8 pixels.
  func outcome(_ bytes: [UInt8]) -> DecodeOutcome? {
    let files = EncodedImages()
    bytes.withUnsafeBytes { files.append($0) }
    let transform = ImageTransform(height: 8, width: 8, channels: .grey, maximumEnlargement: 64)
    var pixels = [UInt8](repeating: 0, count: transform.byteCount)
    return pixels.withUnsafeMutableBufferPointer { decode(files, with: transform, into: $0) }.first
  }
}

@Suite struct ImageFormatTests {
  @Test func everyKindOfTIFFWebPBMPAndPNMDecodesToItsIndependentReference() throws {
    let golden = try GoldenFormats.load()
    #expect(golden.images.count == 198)
    let codec = ImageCodec()
    for (name, entry) in golden.images {
      let (image, orientation) = try codec.decode(GoldenFormats.bytes(name))
      let shape = ImageShape(height: entry.height, width: entry.width, channels: entry.channels)
      #expect(image.shape == shape, "\(name)")
      #expect(image.bitDepth == entry.bits, "\(name)")
      #expect(orientation == entry.orientation, "\(name)")
      let differences = zip(image.numbers, entry.samples).map { abs($0 - $1) }
      #expect(differences.count == entry.samples.count, "\(name)")
      #expect((differences.max() ?? 0) <= entry.tolerance, "\(name)")
    }
  }

  @Test func theFirstImageOfSeveralIsUsedWithARemark() throws {
    let golden = try GoldenFormats.load()
    let codec = ImageCodec()
    var several: Set<String> = []
    for (name, entry) in golden.images {
      let remarks: DecodeRemarks = entry.hasMore ? .furtherPages : []
      let isTurned = entry.orientation >= 5
      let expected = DecodeOutcome.decoded(
        height: isTurned ? entry.width : entry.height,
        width: isTurned ? entry.height : entry.width, remarks: remarks)
      #expect(try codec.outcome(GoldenFormats.bytes(name)) == expected, "\(name)")
      if entry.hasMore { several.insert(name) }
    }
    #expect(several == ["two-pages.tif", "animated.webp", "animated-part.webp", "two-images.pgm"])
  }

  @Test func theRemarkAppearsInTheListOfFiles() throws {
    let folder = try TestFolder()
    try folder.write(GoldenFormats.bytes("two-pages.tif"), "root/a/pages.tif")
    try folder.write(GoldenFormats.bytes("rgb8.tif"), "root/a/page.tif")
    let builder = SnapshotBuilder(root: folder.path("root"), transform: tinyTransform)
    let files = try builder.inspect()
    #expect(files.map(\.verdict) == [.accepted, .accepted])
    #expect(files.map(\.remarks) == [[], .furtherPages])
    #expect(files[0].reason == "accepted.")
    #expect(files[1].reason.hasPrefix("accepted; only the first page"))
    let known = Dictionary(uniqueKeysWithValues: files.map { ($0.path, $0) })
    #expect(try builder.inspect(known: known) == files)
  }

  /// A truncation that removes no pixel (padding, a second page, the last newline) may be accepted;
  /// then the pixels must be those of the whole file.
  @Test func aFileCutAnywhereIsRefusedOrLosesNoPixel() throws {
    let codec = ImageCodec()
    for name in try GoldenFormats.load().images.keys {
      let bytes = try GoldenFormats.bytes(name)
      let whole = try codec.decode(bytes).image
      var refusals = 0
      let lengths = stride(from: 0, to: bytes.count, by: 1 + bytes.count / 1_000)
      for length in lengths {
        do throws(DecodeFailure) {
          let image = try codec.decode(Array(bytes[..<length])).image
          if image != whole { Issue.record("\(name) cut to \(length) bytes has other pixels") }
        } catch {
          refusals += 1
        }
      }
      #expect(refusals >= Array(lengths).count / 3, "\(name)")
    }
  }

  @Test func aCutFileIsCalledTruncatedAndNotDamaged() throws {
    let codec = ImageCodec()
    for name in [
      "rgb16.tif", "bigtiff-little.tif", "rgb16-many-tiles.tif", "rgb8-lzw.tif",
      "rgb-lossless.webp",
      "rgba-lossy.webp", "animated.webp", "palette8.bmp", "rgb32.bmp", "rle8.bmp", "fields8888.bmp",
      "rgb-raw255.ppm", "rgb-plain255.ppm", "bitmap-raw.pbm",
    ] {
      let bytes = try GoldenFormats.bytes(name)
      for share in [8, 3, 2] {
        #expect(codec.failure(Array(bytes[..<(bytes.count / share)])) == .truncated, "\(name)")
      }
    }
  }

  @Test func anyDamageEndsInAResult() throws {
    let codec = ImageCodec()
    var refusals = 0
    for name in try GoldenFormats.load().images.keys {
      let bytes = try GoldenFormats.bytes(name)
      for index in stride(from: 0, to: bytes.count, by: 1 + bytes.count / 500) {
        for pattern: UInt8 in [0xff, 0x01, 0x80] {
          var damaged = bytes
          damaged[index] ^= pattern
          if codec.failure(damaged) != nil { refusals += 1 }
        }
      }
    }
    #expect(refusals > 10_000)
  }

  @Test func aReusedDecoderReadsFormatsLikeFreshOnes() throws {
    let codec = ImageCodec()
    for name in try GoldenFormats.load().images.keys.sorted() {
      let bytes = try GoldenFormats.bytes(name)
      _ = codec.failure(Array(bytes.dropLast(20)))
      #expect(try codec.decode(bytes).image == ImageCodec().decode(bytes).image, "\(name)")
    }
  }

  @Test func aWorkerDecodesTheseFormatsLikeTheCodec() throws {
    var ends: [CInt] = [-1, -1]
    try #require(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0)
    let theirs = ends[1]
    Thread { _ = DecodeWorker.serve(input: theirs, output: theirs, isConfined: false) }.start()
    let connection = DecoderConnection(socket: ends[0], silence: 60)
    _ = try connection.awaitHello()
    let files = EncodedImages()
    for name in try GoldenFormats.load().images.keys.sorted() {
      try GoldenFormats.bytes(name).withUnsafeBytes { files.append($0) }
    }
    let transform = ImageTransform(height: 9, width: 11, channels: .rgb, maximumEnlargement: 16)
    var here = [UInt8](repeating: 0, count: files.count * transform.byteCount)
    var there = here
    let outcomes = here.withUnsafeMutableBufferPointer {
      ImageCodec().decode(files, with: transform, into: $0)
    }
    let answers = try there.withUnsafeMutableBufferPointer {
      try connection.decode(files, with: transform, into: $0)
    }
    #expect(answers == outcomes)
    #expect(there == here)
    #expect(!outcomes.contains { if case .failed = $0 { true } else { false } })
  }
}
