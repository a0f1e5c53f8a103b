extension ImageFormat {
  /// Detects the format of a file from its content; nil if it is none of these formats.
  ///
  /// A PNG or JPEG that ends within its signature counts as that format.
  public static func recognise(_ content: UnsafeRawBufferPointer) -> ImageFormat? {
    let file = FileContent(bytes: content)
    return decodedKind(file) ?? namedKind(file) ?? kindWithoutSignature(file)
  }

  private static func decodedKind(_ file: FileContent) -> ImageFormat? {
    if file.couldBegin([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]) { return .png }
    if file.couldBegin([0xff, 0xd8, 0xff]) { return .jpeg }
    if file.bytes.count >= 8,
      ["II*\0", "MM\0*", "II+\0", "MM\0+"].contains(where: { file.has($0) })
    {
      return file.has("CR", at: 8) ? .cameraRaw : .tiff
    }
    if file.has("RIFF"), file.has("WEBP", at: 8) { return .webp }
    if file.has("BM"), let size = file.little32(at: 14),
      [12, 16, 40, 52, 56, 64, 108, 124].contains(size)
    {
      return .bmp
    }
    if file.has("P"), file.bytes.count > 2, FileContent.isBlank(file.bytes[2]) {
      if (UInt8(ascii: "1")...UInt8(ascii: "6")).contains(file.bytes[1]) { return .pnm }
      if file.bytes[1] == UInt8(ascii: "7") { return .pam }
    }
    return nil
  }

  private static func namedKind(_ file: FileContent) -> ImageFormat? {
    if file.has("GIF87a") || file.has("GIF89a") { return .gif }
    if file.has("8BPS") { return .psd }
    if file.has("%PDF-") { return .pdf }
    if file.has([0xff, 0x0a]) || file.has("\0\0\0\u{c}JXL ") { return .jpegXL }
    if file.has("\0\0\0\u{c}jP  ") || file.has([0xff, 0x4f, 0xff, 0x51]) { return .jpeg2000 }
    if file.has("DICM", at: 128) { return .dicom }
    if file.has("ftyp", at: 4) { return kindOfContainer(file) }
    let cameras: [StaticString] = [
      "FUJIFILMCCD-RAW", "IIRO", "IIRS", "MMOR", "IIU\0", "\0MRM", "FOVb",
    ]
    if cameras.contains(where: { file.has($0) }) { return .cameraRaw }
    return isSVG(file) ? .svg : nil
  }

  /// HEIF, AVIF and some raw files share one container (ISO 14496-12); its brands distinguish them.
  private static func kindOfContainer(_ file: FileContent) -> ImageFormat? {
    let size = Int(file.big32(at: 0) ?? 0)
    // The brand at 12 is a version.
    let brands = ([8] + Array(stride(from: 16, to: min(size, file.bytes.count, 256), by: 4)))
      .compactMap { file.text(at: $0, count: 4) }
    if brands.contains("avif") || brands.contains("avis") { return .avif }
    if brands.first == "crx " { return .cameraRaw }
    let pictures = ["mif1", "msf1", "heic", "heix", "heim", "heis", "hevc", "hevx", "heif"]
    return brands.contains(where: pictures.contains) ? .heif : nil
  }

  private static func isSVG(_ file: FileContent) -> Bool {
    let marked = file.has([0xef, 0xbb, 0xbf]) ? 3 : 0
    guard let start = file.bytes.dropFirst(marked).firstIndex(where: { !FileContent.isBlank($0) }),
      file.bytes[start] == UInt8(ascii: "<")
    else { return false }
    let end = min(file.bytes.count, start + 4_096)
    return (start..<end).contains(where: { file.has("<svg", at: $0) })
  }

  /// DICOM without its preamble, and TGA, have no signature: many fields must be plausible together.
  private static func kindWithoutSignature(_ file: FileContent) -> ImageFormat? {
    if isBareDICOM(file) { return .dicom }
    return isTGA(file) ? .tga : nil
  }

  /// A data set begins with an element of group 2 or 8: group, element, type, length.
  private static func isBareDICOM(_ file: FileContent) -> Bool {
    guard let group = file.little16(at: 0), group == 2 || group == 8,
      let element = file.little16(at: 2), element <= 0x20, let length = file.little32(at: 4)
    else { return false }
    let types: [StaticString] = ["UL", "CS", "UI", "DA", "TM", "SH", "LO", "OB", "DT"]
    if types.contains(where: { file.has($0, at: 4) }) { return true }
    // Without types: check the length of a short text or number, and the next element of the same group.
    let next = 8 + Int(length)
    guard length > 0, length <= 64, length % 2 == 0, file.little16(at: next) == group,
      let following = file.little16(at: next + 2)
    else { return false }
    return following > element && following <= 0x2000
  }

  /// The 18 bytes of a TGA header.
  private static func isTGA(_ file: FileContent) -> Bool {
    let end = file.bytes.count - 18
    if end > 18, file.has("TRUEVISION-XFILE.\0", at: end) { return true }
    guard file.bytes.count > 18, let width = file.little16(at: 12),
      let height = file.little16(at: 14),
      let mapStart = file.little16(at: 3), let mapSize = file.little16(at: 5)
    else { return false }
    let (hasMap, kind, mapBits) = (file.bytes[1], file.bytes[2], file.bytes[7])
    let (bits, descriptor) = (Int(file.bytes[16]), file.bytes[17])
    guard width > 0, height > 0, descriptor & 0xc0 == 0, descriptor & 0x0f <= 8 else {
      return false
    }
    switch kind {
    case 1, 9:
      guard hasMap == 1, bits == 8, mapSize > 0, mapStart < 256, [15, 16, 24, 32].contains(mapBits)
      else { return false }
    case 2, 10:
      guard hasMap == 0, mapSize == 0, [15, 16, 24, 32].contains(bits) else { return false }
    case 3, 11: guard hasMap == 0, mapSize == 0, bits == 8 || bits == 16 else { return false }
    default: return false
    }
    let map = Int(mapSize) * ((Int(mapBits) + 7) / 8)
    let pixels = Int(width) * Int(height) * ((bits + 7) / 8)
    // A packet of run-length coding expands to at most 128 pixels.
    let least = kind < 8 ? pixels : pixels / 128
    return file.bytes.count >= 18 + Int(file.bytes[0]) + map + least
  }
}

/// Bytes with checked access: an index may be beyond their end.
private struct FileContent {
  let bytes: UnsafeRawBufferPointer

  static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0d).contains(byte) }

  /// Whether the file begins with these bytes, or is too short to decide.
  func couldBegin(_ signature: [UInt8]) -> Bool {
    !bytes.isEmpty && zip(bytes, signature).allSatisfy { $0 == $1 }
  }

  func has(_ signature: [UInt8]) -> Bool { bytes.starts(with: signature) }

  func has(_ signature: StaticString, at offset: Int = 0) -> Bool {
    let count = signature.utf8CodeUnitCount
    guard offset >= 0, offset <= bytes.count - count else { return false }
    return (0..<count).allSatisfy { bytes[offset + $0] == signature.utf8Start[$0] }
  }

  func text(at offset: Int, count: Int) -> String? {
    guard offset >= 0, offset <= bytes.count - count else { return nil }
    return String(decoding: bytes[offset..<(offset + count)], as: UTF8.self)
  }

  func little16(at offset: Int) -> UInt16? { number(at: offset).map(UInt16.init(littleEndian:)) }
  func little32(at offset: Int) -> UInt32? { number(at: offset).map(UInt32.init(littleEndian:)) }
  func big32(at offset: Int) -> UInt32? { number(at: offset).map(UInt32.init(bigEndian:)) }

  private func number<Number: FixedWidthInteger>(at offset: Int) -> Number? {
    guard offset >= 0, offset <= bytes.count - MemoryLayout<Number>.size else { return nil }
    return bytes.loadUnaligned(fromByteOffset: offset, as: Number.self)
  }
}
