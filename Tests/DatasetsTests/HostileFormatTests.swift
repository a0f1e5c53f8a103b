import Datasets
import Testing

/// TIFF, WebP, BMP and PNM files that claim too much or are unsupported.
@Suite struct HostileFormatTests {
  private let codec = ImageCodec()

  @Test func aTIFFThatClaimsTooManyPixelsIsRefusedByItsHeader() {
    #expect(codec.failure(TIFFBytes().bytes) == nil)
    for (tag, value, failure): (UInt16, UInt32, DecodeFailure) in [
      (256, 16_385, .sideTooLong), (257, 0xffff_ffff, .sideTooLong), (256, 0, .corrupt),
      (257, 0, .corrupt), (278, 0, .corrupt),
    ] {
      #expect(codec.failure(TIFFBytes([tag: .longs([value])]).bytes) == failure, "\(tag) \(value)")
    }
    let large: [UInt16: TIFFBytes.Value] = [256: .shorts([16_000]), 257: .shorts([16_000])]
    #expect(codec.failure(TIFFBytes(large).bytes) == .tooManyPixels)
    // A strip with more rows than the image is common.
    #expect(codec.failure(TIFFBytes([278: .longs([0xffff_ffff])]).bytes) == nil)
    // 40 megapixels, of which 64 bytes exist.
    let short: [UInt16: TIFFBytes.Value] = [
      256: .shorts([8_000]), 257: .shorts([5_000]), 278: .shorts([5_000]),
    ]
    #expect(codec.failure(TIFFBytes(short).bytes) == .truncated)
    // A wrong size with all pixels present, as some writers store it.
    #expect(codec.failure(TIFFBytes([279: .longs([0xffff_ffff])]).bytes) == nil)
  }

  @Test func tilesThatReachFarBeyondTheImageAreRefused() {
    let whole = TIFFBytes(tile: 16, 16, [325: .longs([256])])
    var full = whole
    full.entries[325] = .longs([256])
    full.data = [UInt8](repeating: 7, count: 256)
    #expect(codec.failure(full.bytes) == nil)
    for (height, width): (UInt32, UInt32) in [
      (1 << 20, 1 << 20), (0x7fff_fff0, 16), (16, 0xffff_fff0), (1 << 14, 1 << 14),
    ] {
      #expect(
        codec.failure(TIFFBytes(tile: height, width).bytes) == .tooManyPixels, "\(height) \(width)")
    }
    for (height, width): (UInt32, UInt32) in [(0, 16), (16, 0), (0, 0)] {
      #expect(codec.failure(TIFFBytes(tile: height, width).bytes) != nil, "\(height) \(width)")
    }
  }

  @Test func misleadingDirectoriesEndInAVerdict() {
    var file = TIFFBytes()
    // A next directory that is the same one, lies outside the file, or is not a directory.
    for next: UInt32 in [72, 0xffff_fff0, 9] {
      file.next = next
      #expect(codec.outcome(file.bytes) == .decoded(height: 8, width: 8), "\(next)")
    }
    file.next = 0
    var bytes = file.bytes
    bytes[4..<8] = [0xf0, 0xff, 0xff, 0xff]
    #expect(codec.failure(bytes) == .truncated)
    bytes = file.bytes
    bytes[72..<74] = [0, 0]
    #expect(codec.failure(bytes) == .corrupt)
    bytes[72..<74] = [0xff, 0xff]
    #expect(codec.failure(bytes) == .corrupt)
    let big: [UInt8] = [0x49, 0x49, 43, 0, 8, 0, 0, 0]
    let everywhere = [UInt8](repeating: 0xff, count: 8)
    #expect(codec.failure(big + everywhere) == .truncated)
    #expect(codec.failure(big + TIFFBytes.little(UInt64(16)) + everywhere) == .corrupt)
    #expect(codec.failure([0x49, 0x49, 43, 0, 4, 0, 0, 0] + everywhere) == .corrupt)
  }

  @Test func samplesWithoutADeclaredRangeAreNamed() {
    for (bits, format): (UInt16, UInt16) in [(32, 3), (16, 3), (8, 2), (16, 2), (32, 1), (64, 1)] {
      let file = TIFFBytes([258: .shorts([bits]), 339: .shorts([format])])
      #expect(codec.failure(file.bytes) == .noDeclaredRange, "\(bits) \(format)")
    }
  }

  @Test func unsupportedColoursAndCompressionsAreNamed() {
    let kinds: [[UInt16: TIFFBytes.Value]] = [
      [259: .shorts([6])], [259: .shorts([34_661])], [259: .shorts([34_712])],
      [259: .shorts([777])], [262: .shorts([8]), 258: .shorts([8, 8, 8]), 277: .shorts([3])],
      [262: .shorts([4])],
      // Two channels, neither of them alpha.
      [258: .shorts([8, 8]), 277: .shorts([2]), 338: .shorts([0])],
      [258: .shorts([8, 8]), 277: .shorts([2])],
    ]
    for kind in kinds { #expect(codec.failure(TIFFBytes(kind).bytes) == .rareKind, "\(kind)") }
  }

  @Test func cameraRawIsNotReadAsItsThumbnail() throws {
    var canon = TIFFBytes().bytes
    canon[8..<10] = [0x43, 0x52]
    let files = [
      TIFFBytes([50_706: .longs([1])]).bytes, TIFFBytes([262: .shorts([32_803])]).bytes,
      TIFFBytes([254: .longs([1]), 330: .longs([8])]).bytes, canon,
    ]
    let folder = try TestFolder()
    for (number, file) in files.enumerated() {
      #expect(codec.failure(file) == .cameraRaw)
      try folder.write(file, "root/a/\(number).nef")
    }
    let verdicts = try SnapshotBuilder(root: folder.path("root"), transform: tinyTransform)
      .inspect().map(\.verdict)
    #expect(verdicts == Array(repeating: .unsupported(.cameraRaw), count: 4))
  }

  @Test func limitsHoldForEveryFormat() throws {
    for name in [
      "rgb16.tif", "rgb8-tiles.tif", "rgb-lossy.webp", "animated.webp", "rgb32.bmp",
      "rle8.bmp", "rgb-raw65535.ppm", "grey-plain255.pgm",
    ] {
      let bytes = try GoldenFormats.bytes(name)
      let (height, width) = try {
        let shape = try codec.decode(bytes).image.shape
        return (shape.height, shape.width)
      }()
      func failure(_ change: (inout DecodeLimits) -> Void) -> DecodeFailure? {
        var limits = DecodeLimits.standard
        change(&limits)
        return ImageCodec(limits: limits).failure(bytes)
      }
      #expect(failure { $0.fileBytes = bytes.count - 1 } == .fileTooLarge, "\(name)")
      #expect(failure { $0.side = width - 1 } == .sideTooLong, "\(name)")
      #expect(failure { $0.pixels = height * width - 1 } == .tooManyPixels, "\(name)")
      #expect(failure { $0.memoryBytes = height * width - 1 } == .outOfMemory, "\(name)")
    }
  }

  @Test func aBMPThatClaimsTooMuchIsRefusedByItsHeader() throws {
    let bytes = try GoldenFormats.bytes("palette8.bmp")
    func changed(_ place: Int, _ number: UInt32) -> DecodeFailure? {
      var file = bytes
      file[place..<(place + 4)] = TIFFBytes.little(number)[...]
      return codec.failure(file)
    }
    #expect(changed(18, 16_385) == .sideTooLong)
    #expect(changed(18, 0) == .corrupt)
    #expect(changed(22, 0) == .corrupt)
    #expect(changed(22, 0x8000_0000) == .sideTooLong)
    #expect(changed(22, 0xffff_0000) == .sideTooLong)
    #expect(changed(22, 16_000) == .truncated)
    #expect(changed(10, 0xffff_fff0) == .truncated)
    #expect(changed(10, 20) == .corrupt)
    #expect(changed(14, 41) == .notAnImage)
    #expect(changed(30, 4) == .rareKind)  // a JPEG inside
    #expect(changed(46, 3) == .unknownColour)
    var large = bytes
    large[18..<26] = (TIFFBytes.little(UInt32(16_000)) + TIFFBytes.little(UInt32(16_000)))[...]
    #expect(codec.failure(large) == .tooManyPixels)
  }

  @Test func runsThatLeaveTheImageAreRefused() throws {
    let bytes = try GoldenFormats.bytes("rle8.bmp")
    let start = Int(bytes[10]) + Int(bytes[11]) << 8
    func runs(_ codes: [UInt8]) -> DecodeFailure? { codec.failure(Array(bytes[..<start]) + codes) }
    #expect(runs([0, 1]) == nil)
    #expect(runs([]) == .truncated)
    #expect(runs([200, 1]) == .truncated)
    #expect(runs([200, 1, 0, 1]) == nil)  // clipped at the end of the row, like everywhere
    #expect(runs([0, 2, 200, 0, 0, 1]) == .damagedPixels)
    #expect(runs([0, 2, 0, 9, 1, 1, 0, 1]) == .damagedPixels)
    #expect(runs([0, 2, 0, 9, 0, 1]) == nil)
    #expect(runs([0, 9, 1, 2]) == .truncated)
    #expect(runs([1, 255, 0, 1]) == .unknownColour)
  }

  @Test func aPNMThatClaimsTooMuchIsRefusedByItsHeader() {
    for (text, failure): (String, DecodeFailure) in [
      ("P5 16385 1 255\n", .sideTooLong), ("P5 99999999999999 1 255\n", .notAnImage),
      ("P6 16000 16000 255\n", .tooManyPixels), ("P5 0 1 255\n", .corrupt),
      ("P5 1 1 0\n\u{1}", .corrupt), ("P5 1 1 65536\n\u{1}\u{1}", .corrupt),
      ("P5 2 1 100\nzz", .corrupt), ("P2 2 1 255\n1 256\n", .corrupt),
      ("P2 2 1 255\n1 2", .truncated),
      ("P2 2 1 255\n1 -2\n", .corrupt), ("P1 2 1\n12\n", .corrupt),
      ("P3 8000 5000 255\n1", .truncated),
      ("P4 8000 5000\nx", .truncated), ("P5 # no end", .truncated), ("P5", .truncated),
      ("P1 is a word", .notAnImage), ("P5x", .notAnImage),
    ] {
      #expect(codec.failure(Array(text.utf8)) == failure, "\(text)")
    }
    #expect(codec.failure(Array("P1 2 1\n10".utf8)) == nil)
  }

  @Test func aWebPThatClaimsTooMuchIsRefusedByItsHeader() throws {
    let bytes = try GoldenFormats.bytes("animated.webp")
    func changed(_ place: Int, _ numbers: [UInt8]) -> DecodeFailure? {
      var file = bytes
      file[place..<(place + numbers.count)] = numbers[...]
      return codec.failure(file)
    }
    #expect(changed(24, [0xff, 0xff, 0xff]) == .sideTooLong)
    #expect(changed(24, [0x7f, 0x3e, 0, 0x7f, 0x3e, 0]) == .tooManyPixels)
    #expect(changed(24, [2, 0, 0]) == .corrupt)  // the frame does not fit on the canvas
    #expect(changed(4, [0xff, 0xff, 0xff, 0xff]) == .truncated)
    #expect(changed(4, [3, 0, 0, 0]) == .corrupt)
    #expect(changed(16, [0xff, 0xff, 0xff, 0x7f]) == .corrupt)
  }
}
