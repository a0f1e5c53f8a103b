import Datasets
import Testing

@Suite struct ImageRecognitionTests {
  private func recognise(_ bytes: [UInt8]) -> ImageFormat? {
    bytes.withUnsafeBytes { ImageFormat.recognise($0) }
  }

  private func text(_ start: String, padding: Int = 40) -> [UInt8] {
    Array(start.utf8) + [UInt8](repeating: 0, count: padding)
  }

  private static func container(_ brand: String, _ others: [String]) -> [UInt8] {
    let size = UInt8(16 + 4 * others.count)
    return [0, 0, 0, size] + Array("ftyp\(brand)\0\0\0\0\(others.joined())".utf8)
      + [UInt8](repeating: 0, count: 20)
  }

  @Test func everyFormatIsRecognisedByItsContent() {
    let tag: [UInt8] = [8, 0, 0x16, 0, 0x55, 0x49, 4, 0, 0x31, 0x2e, 0x32, 0]
    let untyped: [UInt8] = [8, 0, 8, 0, 2, 0, 0, 0, 0x41, 0x42, 8, 0, 0x16, 0, 4, 0, 0, 0]
    let meta: [UInt8] = [2, 0, 0, 0, 0x55, 0x4c, 4, 0, 0xb0, 0, 0, 0]
    let files: [([UInt8], ImageFormat)] = [
      (text("GIF89a"), .gif), (text("8BPS\0\u{1}"), .psd), (text("%PDF-1.7\n"), .pdf),
      ([0xff, 0x0a, 0xfa], .jpegXL), (text("\0\0\0\u{c}JXL \r\n"), .jpegXL),
      (text("\0\0\0\u{c}jP  \r\n"), .jpeg2000), ([0xff, 0x4f, 0xff, 0x51, 0, 0x2f], .jpeg2000),
      ([UInt8](repeating: 0, count: 128) + text("DICM"), .dicom), (tag, .dicom),
      (untyped, .dicom), (meta, .dicom),
      (Self.container("heic", ["mif1"]), .heif), (Self.container("mif1", ["heic"]), .heif),
      (Self.container("avif", ["mif1"]), .avif), (Self.container("mif1", ["miaf", "avif"]), .avif),
      (Self.container("crx ", ["isom"]), .cameraRaw), (text("FUJIFILMCCD-RAW 0201"), .cameraRaw),
      (text("IIRO\u{8}"), .cameraRaw), (text("II*\0\u{10}\0\0\0CR\u{2}"), .cameraRaw),
      (text("P7\nWIDTH 2\n"), .pam), (text("P5 1 1 255\n"), .pnm), (text("II+\0\u{8}"), .tiff),
      (text("MM\0*\0\0\0\u{8}"), .tiff), (text("RIFF\0\0\0\0WEBPVP8 "), .webp),
      (text("<svg xmlns='x'>"), .svg),
      (text("\u{feff}<?xml version=\"1.0\"?>\n<!-- drawn -->\n<svg>"), .svg),
      (targa(kind: 2, bits: 24, pixels: 4 * 3 * 3), .tga),
      (targa(kind: 11, bits: 8, pixels: 6), .tga),
    ]
    for (bytes, format) in files { #expect(recognise(bytes) == format, "\(format) \(bytes)") }
    for format in ImageFormat.allCases {
      #expect(format.isDecoded == (format.conversion == nil))
    }
  }

  private func targa(kind: UInt8, bits: UInt8, pixels: Int) -> [UInt8] {
    [0, 0, kind, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 3, 0, bits, 0x20]
      + [UInt8](repeating: 9, count: pixels)
  }

  @Test func otherFilesAreNotMistakenForImages() throws {
    let others: [[UInt8]] = [
      [], [0], text("hello, world: this is a text of some length"), text("BMW makes cars, it says"),
      text("<html><body>svg</body></html>"), text("P1000 is a number"),
      text("RIFF\0\0\0\0WAVEfmt "),
      Self.container("isom", ["mp41", "mp42"]), Self.container("qt  ", []),
      [UInt8](repeating: 0x20, count: 9_000), [UInt8](repeating: 0, count: 300),
      [UInt8](repeating: 0xff, count: 300),
      [8, 0, 8, 0, 0xff, 0xff, 0xff, 0xff], [2, 0, 0, 0, 0x41],
      targa(kind: 2, bits: 24, pixels: 4 * 3 * 3 - 1), targa(kind: 4, bits: 24, pixels: 99),
    ]
    for bytes in others { #expect(recognise(bytes) == nil, "\(bytes)") }
    // Random bytes: two or more fields must be valid by chance.
    var state: UInt64 = 7
    var hits = 0
    for _ in 0..<20_000 {
      let bytes = (0..<200).map { _ -> UInt8 in
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return UInt8(truncatingIfNeeded: state >> 33)
      }
      if recognise(bytes) != nil { hits += 1 }
    }
    #expect(hits < 10)
  }

  @Test func aContentCutAnywhereIsRecognisedWithinItsBounds() {
    let whole = Self.container("mif1", ["miaf", "avif"])
    for length in 0..<whole.count { _ = recognise(Array(whole[..<length])) }
    var lying = whole
    lying[0..<4] = [0xff, 0xff, 0xff, 0xff]
    #expect(recognise(lying) == .avif)
    for bytes in [
      text("II*\0", padding: 0), text("BM", padding: 2), [8, 0], text("ftyp", padding: 0),
    ] {
      for length in 0...bytes.count { _ = recognise(Array(bytes[..<length])) }
    }
  }

  @Test func aVerdictNamesTheFormatAndTheCommandThatConvertsIt() throws {
    let folder = try TestFolder()
    try folder.write(Self.container("heic", ["mif1"]), "root/a/photo.heic")
    let file = try #require(
      try SnapshotBuilder(root: folder.path("root"), transform: tinyTransform).inspect().first)
    #expect(file.verdict == .unsupported(.heif))
    #expect(
      file.reason == "HEIF, which is not supported. Convert all such files: "
        + "find . -iname '*.hei[cf]' -exec heif-convert {} {}.png \\;")
  }
}
