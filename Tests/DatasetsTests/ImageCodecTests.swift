import Datasets
import Testing

@Suite struct ImageCodecTests {
  @Test func everyKindOfFileDecodesToItsIndependentReference() throws {
    let golden = try GoldenImages.load()
    #expect(golden.images.count == 53)
    let codec = ImageCodec()
    for (name, entry) in golden.images {
      let (image, orientation) = try codec.decode(GoldenImages.bytes(name))
      let shape = ImageShape(height: entry.height, width: entry.width, channels: entry.channels)
      #expect(image.shape == shape, "\(name)")
      #expect(image.bitDepth == entry.bits, "\(name)")
      #expect(orientation == entry.orientation, "\(name)")
      let differences = zip(image.numbers, entry.samples).map { abs($0 - $1) }
      #expect(differences.count == entry.samples.count, "\(name)")
      #expect((differences.max() ?? 0) <= entry.tolerance, "\(name)")
      let mean = Double(differences.reduce(0, +)) / Double(max(1, differences.count))
      #expect(mean <= Double(entry.tolerance) / 4, "\(name)")
    }
  }

  @Test func aFileCutAnywhereIsRefused() throws {
    let golden = try GoldenImages.load()
    let codec = ImageCodec()
    for name in golden.images.keys {
      let bytes = try GoldenImages.bytes(name)
      for length in 0..<bytes.count {
        let failure = codec.failure(Array(bytes[..<length]))
        if failure == nil { Issue.record("\(name) cut to \(length) bytes was accepted") }
      }
      #expect(codec.failure([]) == .empty)
      #expect(codec.failure(Array(bytes[..<(bytes.count - 1)])) == .truncated, "\(name)")
    }
  }

  @Test func aFlippedByteOfAPNGIsAlwaysNoticed() throws {
    let bytes = try GoldenImages.bytes("rgb8-interlaced.png")
    let codec = ImageCodec()
    // The last chunk marks the end of the file; its length and its checksum carry no other information.
    let unread = Set([0, 1, 2, 3, 8, 9, 10, 11].map { bytes.count - 12 + $0 })
    for index in bytes.indices where !unread.contains(index) {
      var damaged = bytes
      damaged[index] ^= 0x10
      if codec.failure(damaged) == nil { Issue.record("byte \(index)") }
    }
  }

  @Test func anyDamageToAJPEGEndsInAResult() throws {
    let codec = ImageCodec()
    for name in ["jpeg-progressive.jpg", "jpeg-ycck.jpg", "jpeg-exif5.jpg", "jpeg-restarts.jpg"] {
      let bytes = try GoldenImages.bytes(name)
      var refusals = 0
      for index in bytes.indices {
        for pattern: UInt8 in [0xff, 0x01] {
          var damaged = bytes
          damaged[index] ^= pattern
          if codec.failure(damaged) != nil { refusals += 1 }
        }
      }
      #expect(refusals > bytes.count / 8, "\(name)")
    }
  }

  @Test func typeIsRecognisedByContentOnly() {
    let codec = ImageCodec()
    #expect(codec.failure(Array("GIF89a\u{1}\u{1}\u{1}\u{1}....".utf8)) == .notAnImage)
    #expect(codec.failure(Array("not an image".utf8)) == .notAnImage)
    #expect(codec.failure([0x89, 0x50]) == .truncated)
    #expect(codec.failure([0xff, 0xd8]) == .truncated)
    #expect(codec.failure(Array("RIFF\0\0\0\0WEB".utf8)) == .truncated)
    #expect(codec.failure(Array("RIFF\0\0\0\0WAVEfmt ".utf8)) == .notAnImage)
    #expect(codec.failure(Array("II*".utf8)) == .truncated)
  }

  @Test func limitsHoldBeforeAnyPixelIsDecoded() throws {
    var bytes = try GoldenImages.bytes("grey8.png")
    let codec = ImageCodec()
    func claim(width: UInt32, height: UInt32) -> [UInt8] {
      withUnsafeBytes(of: (width.bigEndian, height.bigEndian)) { bytes[16..<24] = Array($0)[...] }
      return bytes
    }
    #expect(codec.failure(claim(width: 16_385, height: 1)) == .sideTooLong)
    #expect(codec.failure(claim(width: 1, height: 0x7fff_ffff)) == .sideTooLong)
    #expect(codec.failure(claim(width: 0xffff_ffff, height: 0xffff_ffff)) == .sideTooLong)
    #expect(codec.failure(claim(width: 16_000, height: 16_000)) == .tooManyPixels)
    #expect(codec.failure(claim(width: 0, height: 5)) == .corrupt)

    var small = DecodeLimits.standard
    small.fileBytes = bytes.count - 1
    #expect(try ImageCodec(limits: small).failure(GoldenImages.bytes("grey8.png")) == .fileTooLarge)
    small = .standard
    small.memoryBytes = 98
    #expect(try ImageCodec(limits: small).failure(GoldenImages.bytes("grey8.png")) == .outOfMemory)
    small = .standard
    small.side = 32
    #expect(
      try ImageCodec(limits: small).failure(GoldenImages.bytes("jpeg-444.jpg")) == .sideTooLong)
    small = .standard
    small.pixels = 33 * 21 - 1
    #expect(
      try ImageCodec(limits: small).failure(GoldenImages.bytes("jpeg-444.jpg")) == .tooManyPixels)
  }

  @Test func aProgressiveFileWithTooManyPassesIsRefused() throws {
    let bytes = try GoldenImages.bytes("jpeg-progressive.jpg")
    var few = DecodeLimits.standard
    few.scans = 3
    #expect(ImageCodec(limits: few).failure(bytes) == .tooManyScans)
    few = .standard
    few.scanPixels = 33 * 21 * 4
    #expect(ImageCodec(limits: few).failure(bytes) == .tooManyScans)
    #expect(ImageCodec().failure(bytes) == nil)
  }

  @Test func aPassRepeatedThousandsOfTimesIsRefused() throws {
    // The scans of a progressive file, with the first one repeated many times.
    let bytes = try GoldenImages.bytes("jpeg-grey-progressive.jpg")
    let scans = bytes.indices.filter { $0 > 0 && bytes[$0 - 1] == 0xff && bytes[$0] == 0xda }
    let first = bytes[(scans[0] - 1)..<(scans[1] - 1)]
    let end = first.lastIndex { $0 == 0xff } ?? first.endIndex
    let scan = Array(bytes[(scans[0] - 1)..<end])
    let bomb = Array(bytes[..<(scans[0] - 1)]) + (0..<5_000).flatMap { _ in scan } + [0xff, 0xd9]
    #expect(ImageCodec().failure(bomb) != nil)
  }

  @Test func anImageWithoutTablesDoesNotUseThoseOfThePreviousImage() throws {
    let bytes = try GoldenImages.bytes("jpeg-422-optimised.jpg")
    let codec = ImageCodec()
    #expect(codec.failure(bytes) == nil)
    var stripped: [UInt8] = [0xff, 0xd8]
    var offset = 2
    while bytes[offset + 1] != 0xda {
      let size = 2 + Int(bytes[offset + 2]) << 8 + Int(bytes[offset + 3])
      if bytes[offset + 1] != 0xdb { stripped += bytes[offset..<(offset + size)] }
      offset += size
    }
    stripped += bytes[offset...]
    #expect(codec.failure(stripped) == .corrupt)
  }

  @Test func orientationIsReadFromHostileExifWithinItsBounds() throws {
    let bytes = try GoldenImages.bytes("jpeg-exif6.jpg")
    let codec = ImageCodec()
    let start = try #require(
      bytes.indices.first { Array(bytes[$0...].prefix(6)) == Array("Exif\0\0".utf8) })
    for index in (start - 2)..<(start + 32) {
      for value: UInt8 in [0x00, 0x7f, 0xff] {
        var damaged = bytes
        damaged[index] = value
        if let decoded = try? codec.decode(damaged) {
          #expect((1...8).contains(decoded.orientation))
        }
      }
    }
  }

  @Test func aReusedDecoderReadsFilesLikeFreshOnes() throws {
    let golden = try GoldenImages.load()
    let codec = ImageCodec()
    for name in golden.images.keys.sorted() {
      let bytes = try GoldenImages.bytes(name)
      _ = codec.failure(Array(bytes.dropLast(20)))
      #expect(try codec.decode(bytes).image == ImageCodec().decode(bytes).image, "\(name)")
    }
  }
}

@Suite struct PNGEncoderTests {
  @Test(arguments: 1...4) func whatIsWrittenIsReadBackUnchanged(channels: Int) throws {
    let shape = ImageShape(height: 7, width: 13, channels: channels)
    let image = Image(
      shape: shape, bytes: (0..<shape.sampleCount).map { UInt8(truncatingIfNeeded: $0 &* 37) })
    let bytes = PNGEncoder().encode(image)
    #expect(try ImageCodec().decode(bytes).image == image)
  }

  @Test func aSyntheticImageIsMarkedInItsXMPAndText() throws {
    let mark = SyntheticMark(system: "Figment", version: "1.2<&\"3")
    let image = Image(shape: ImageShape(height: 1, width: 1, channels: 1), bytes: [9])
    let bytes = PNGEncoder(texts: mark.texts).encode(image)
    #expect(try ImageCodec().decode(bytes).image == image)
    let chunks = Self.chunks(bytes)
    let xmp = try #require(chunks.first { $0.name == "iTXt" })
    // keyword 0, compression flag 0, method 0, language 0, translated keyword 0, text
    let head = Array("XML:com.adobe.xmp\0\0\0\0\0".utf8)
    #expect(Array(xmp.body.prefix(head.count)) == head)
    let text = String(decoding: xmp.body.dropFirst(head.count), as: UTF8.self)
    #expect(text == mark.xmp)
    #expect(
      text.contains(
        "Iptc4xmpExt:DigitalSourceType="
          + "\"http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia\""))
    #expect(text.contains("AISystemVersionUsed=\"1.2&lt;&amp;&quot;3\""))
    let plain = chunks.filter { $0.name == "tEXt" }.map { String(decoding: $0.body, as: UTF8.self) }
    #expect(plain.contains("Software\0Figment 1.2<&\"3"))
    #expect(chunks.last?.name == "IEND")
    let firstData = try #require(chunks.firstIndex { $0.name == "IDAT" })
    let lastText = try #require(chunks.lastIndex { $0.name == "iTXt" })
    #expect(lastText < firstData)
  }

  private static func chunks(_ bytes: [UInt8]) -> [(name: String, body: [UInt8])] {
    var result: [(String, [UInt8])] = []
    var offset = 8
    while offset + 12 <= bytes.count {
      let size = bytes[offset..<(offset + 4)].reduce(0) { $0 << 8 | Int($1) }
      let name = String(decoding: bytes[(offset + 4)..<(offset + 8)], as: UTF8.self)
      result.append((name, Array(bytes[(offset + 8)..<(offset + 8 + size)])))
      offset += 12 + size
    }
    return result
  }
}
