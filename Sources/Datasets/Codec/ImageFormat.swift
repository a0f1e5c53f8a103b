/// The kind of a file, told by its first bytes and never by its name.
public enum ImageFormat: String, Hashable, Sendable, Codable, CaseIterable {
  case png = "PNG"
  case jpeg = "JPEG"
  case gif = "GIF"
  case webp = "WebP"
  case tiff = "TIFF"
  case bmp = "BMP"
  case heif = "HEIF"
  case avif = "AVIF"
  case jpegXL = "JPEG XL"
  case jpeg2000 = "JPEG 2000"
  case dicom = "DICOM"

  /// Whether the codec decodes this kind.
  public var isDecoded: Bool { self == .png || self == .jpeg }

  /// Recognises a file from its first 132 bytes or fewer; nil when it is none of these kinds.
  ///
  /// A file cut inside its signature counts as the kind that it could still become.
  public static func recognise(_ head: UnsafeRawBufferPointer) -> ImageFormat? {
    func begins(_ signature: StaticString, at offset: Int = 0) -> Bool {
      let length = min(signature.utf8CodeUnitCount, head.count - offset)
      guard length > 0 else { return false }
      for index in 0..<length where head[offset + index] != signature.utf8Start[index] {
        return false
      }
      return true
    }
    func begins(_ signature: [UInt8]) -> Bool {
      !head.isEmpty && zip(head, signature).allSatisfy { $0 == $1 }
    }
    if begins([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]) { return .png }
    if begins([0xff, 0xd8, 0xff]) { return .jpeg }
    guard head.count >= 12 else { return nil }
    if begins("GIF87a") || begins("GIF89a") { return .gif }
    if begins("RIFF"), begins("WEBP", at: 8) { return .webp }
    if begins("II*\0") || begins("MM\0*") { return .tiff }
    if begins("BM") { return .bmp }
    if begins("ftypavif", at: 4) { return .avif }
    if begins("ftyphei", at: 4) || begins("ftypmif1", at: 4) { return .heif }
    if begins([0xff, 0x0a]) || begins("\0\0\0\u{c}JXL ") { return .jpegXL }
    if begins("\0\0\0\u{c}jP  ") { return .jpeg2000 }
    if head.count >= 132, begins("DICM", at: 128) { return .dicom }
    return nil
  }
}
