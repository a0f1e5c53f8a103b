internal import CImageCodecs

/// A text entry of a PNG file.
public struct PNGText: Hashable, Sendable {
  /// 1...79 printable Latin-1 characters.
  public let keyword: String
  /// The text; Latin-1 in a `tEXt` chunk, UTF-8 in an `iTXt` chunk.
  public let value: String
  /// Whether it is written as `iTXt`.
  public let isInternational: Bool

  /// An entry.
  public init(keyword: String, value: String, isInternational: Bool = false) {
    self.keyword = keyword
    self.value = value
    self.isInternational = isInternational
  }
}

/// Writes 8-bit images as PNG.
public struct PNGEncoder: Sendable {
  /// The entries written into every file, before the pixels.
  public let texts: [PNGText]

  /// An encoder that adds `texts` to every file.
  public init(texts: [PNGText] = []) { self.texts = texts }

  /// The PNG file of an 8-bit image of 1...4 channels.
  public func encode(_ image: Image) -> [UInt8] {
    guard case .bytes(let samples) = image.samples else {
      preconditionFailure("8-bit images are encoded")
    }
    var bytes: UnsafeMutablePointer<UInt8>?
    var length = 0
    let status = withTexts { texts in
      ci_png_encode(
        samples, UInt32(image.shape.width), UInt32(image.shape.height),
        UInt32(image.shape.channels), texts.baseAddress, texts.count, &bytes, &length)
    }
    guard status == CI_OK, let bytes else {
      preconditionFailure("encoding failed: keyword or size that PNG does not allow, or no memory")
    }
    defer { ci_free(bytes) }
    return Array(UnsafeBufferPointer(start: bytes, count: length))
  }

  private func withTexts<Result>(_ body: (UnsafeBufferPointer<ci_text>) -> Result) -> Result {
    var strings: [[CChar]] = []
    for text in texts {
      strings.append(Self.characters(text.keyword, isUTF8: false))
      strings.append(Self.characters(text.value, isUTF8: text.isInternational))
    }
    // Keep all strings in one allocation, so that their addresses stay valid for the whole call.
    let starts = strings.reduce(into: [0]) { $0.append(($0.last ?? 0) + $1.count) }
    return strings.flatMap { $0 }.withUnsafeBufferPointer { memory in
      guard let start = memory.baseAddress else {
        return body(UnsafeBufferPointer(start: nil, count: 0))
      }
      let entries = texts.indices.map { index in
        ci_text(
          keyword: start + starts[2 * index], value: start + starts[2 * index + 1],
          is_international: texts[index].isInternational ? 1 : 0)
      }
      return entries.withUnsafeBufferPointer(body)
    }
  }

  private static func characters(_ text: String, isUTF8: Bool) -> [CChar] {
    let bytes =
      isUTF8
      ? Array(text.utf8)
      : text.unicodeScalars.map { $0.value < 256 ? UInt8($0.value) : UInt8(ascii: "?") }
    return bytes.filter { $0 != 0 }.map { CChar(bitPattern: $0) } + [0]
  }
}

/// The mark of a synthetic image for people and programs: the IPTC digital source type
/// `trainedAlgorithmicMedia` in XMP, and PNG text that any viewer shows.
public struct SyntheticMark: Hashable, Sendable {
  /// The program that made the image.
  public let system: String
  /// Its version.
  public let version: String

  /// The IPTC term, https://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia.
  public static let digitalSourceType =
    "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"

  /// A mark that names the program.
  public init(system: String = "Figment", version: String) {
    self.system = system
    self.version = version
  }

  /// The XMP packet (ISO 16684-1) with the IPTC extension 2025.1.
  public var xmp: String {
    """
    <?xpacket begin="\u{feff}" id="W5M0MpCehiHzreSzNTczkc9d"?>
    <x:xmpmeta xmlns:x="adobe:ns:meta/">
     <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
      <rdf:Description rdf:about=""
        xmlns:xmp="http://ns.adobe.com/xap/1.0/"
        xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
        xmp:CreatorTool="\(Self.escape("\(system) \(version)"))"
        Iptc4xmpExt:DigitalSourceType="\(Self.digitalSourceType)"
        Iptc4xmpExt:AISystemUsed="\(Self.escape(system))"
        Iptc4xmpExt:AISystemVersionUsed="\(Self.escape(version))"/>
     </rdf:RDF>
    </x:xmpmeta>
    <?xpacket end="r"?>
    """
  }

  /// The entries that carry the mark in a PNG file.
  public var texts: [PNGText] {
    [
      PNGText(keyword: "Software", value: "\(system) \(version)"),
      PNGText(keyword: "Source", value: "Synthetic image, made by a trained algorithm"),
      PNGText(keyword: "XML:com.adobe.xmp", value: xmp, isInternational: true),
    ]
  }

  private static func escape(_ text: String) -> String {
    text.reduce(into: "") { result, character in
      switch character {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      default: result.append(character)
      }
    }
  }
}
