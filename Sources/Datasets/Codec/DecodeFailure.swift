internal import CImageCodecs

/// Why the bytes of one file did not become pixels.
///
/// The order of the cases is the number that travels from the decoding process to the daemon
/// (first case = 1) and equals `ci_status` for the cases both know: append only.
public enum DecodeFailure: String, Error, Hashable, Sendable, Codable, CaseIterable {
  case empty
  case notAnImage
  case unsupportedVariant
  case truncated
  case corrupt
  case tooManyPixels
  case sideTooLong
  case fileTooLarge
  case tooManyScans
  case outOfMemory
  case tooSmall
  case decoderDied
  case timedOut
  case wrongChecksum
  case damagedPixels
  case unknownColour
  case noDeclaredRange
  case rareKind
  case cameraRaw

  /// The number on the wire; 0 is success.
  var wireCode: UInt8 {
    var code: UInt8 = 1
    for failure in Self.allCases {
      if failure == self { break }
      code += 1
    }
    return code
  }

  /// The failure with this number on the wire; nil for 0 and for unknown numbers.
  init?(wireCode: UInt8) {
    guard wireCode >= 1, Int(wireCode) <= Self.allCases.count else { return nil }
    self = Self.allCases[Int(wireCode) - 1]
  }

  /// The failure that the C codec reports; nil when it reports success.
  init?(_ status: ci_status) {
    guard status != CI_OK else { return nil }
    self = Self(wireCode: UInt8(truncatingIfNeeded: status.rawValue)) ?? .corrupt
  }
}

extension DecodeFailure: CustomStringConvertible {
  /// What was found, and what the owner of the file can do.
  public var description: String {
    switch self {
    case .empty:
      "the file has no content. Copy it again."
    case .notAnImage:
      "the content is no image that is read: PNG, JPEG, TIFF, WebP, BMP or PNM (the name does not "
        + "matter). Convert it to one of them."
    case .unsupportedVariant:
      "a JPEG of a rare kind (12-bit, lossless, or an unusual number of channels). "
        + "Save it as an ordinary JPEG or PNG."
    case .truncated:
      "the file ends before the image does. Copy it again; it is read anew when it changes."
    case .corrupt:
      "its parts contradict each other or the format. Restore the file from its source."
    case .wrongChecksum:
      "a checksum does not fit the image data: they changed after the file was written. "
        + "Restore the file from its source."
    case .damagedPixels:
      "the compressed pixels break off or make no sense in the middle of the image. "
        + "Restore the file from its source."
    case .tooManyPixels:
      "more than \(DecodeLimits.standard.pixels / 1_048_576) megapixels. Scale it down."
    case .sideTooLong:
      "a side longer than \(DecodeLimits.standard.side) pixels. Scale it down or crop it."
    case .fileTooLarge:
      "a file above \(DecodeLimits.standard.fileBytes / 1_048_576) MiB. Scale it down."
    case .tooManyScans:
      "a progressive JPEG with more passes than real files have. Save it again."
    case .outOfMemory:
      "decoding needs more memory than one image may use. Scale it down."
    case .tooSmall:
      "the image is much smaller than the size to train on. Use a larger original."
    case .decoderDied:
      "the decoder crashed on this file twice, so it is not tried again. "
        + "Save the image again with another program."
    case .timedOut:
      "decoding took too long. Save the image again with another program."
    case .unknownColour:
      "a pixel has a colour that the palette does not hold. Restore the file from its source."
    case .noDeclaredRange:
      "a TIFF of floating-point, signed or 32-bit samples, which does not say what black and white "
        + "are. Scale all files alike to 16 bits without a sign."
    case .rareKind:
      "a TIFF, WebP or BMP whose colours, channels or compression are not read. Save it as grey, "
        + "RGB or RGBA, compressed by deflate or LZW."
    case .cameraRaw:
      "what a camera's sensor saw, which is no picture yet. Develop it to TIFF or PNG."
    }
  }
}
