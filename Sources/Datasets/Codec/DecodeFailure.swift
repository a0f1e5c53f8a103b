internal import CImageCodecs

/// Why the bytes of a file could not be decoded.
///
/// The position of a case is its code in the protocol between decoding process and daemon (first case = 1),
/// and equals `ci_status` for the shared cases, so new cases must be appended.
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

  /// The code in the protocol; 0 is success.
  var wireCode: UInt8 {
    var code: UInt8 = 1
    for failure in Self.allCases {
      if failure == self { break }
      code += 1
    }
    return code
  }

  /// The failure with a code of the protocol; nil for 0 and for unknown codes.
  init?(wireCode: UInt8) {
    guard wireCode >= 1, Int(wireCode) <= Self.allCases.count else { return nil }
    self = Self.allCases[Int(wireCode) - 1]
  }

  /// The failure for a status of the C codec; nil for success.
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
      "the file is empty. Copy it again."
    case .notAnImage:
      "the content is not an image of a supported format: PNG, JPEG, TIFF, WebP, BMP or PNM (the name does "
        + "not matter). Convert it to one of them."
    case .unsupportedVariant:
      "a JPEG of an unsupported kind (12-bit, lossless, or an unusual number of channels). "
        + "Save it as an ordinary JPEG or PNG."
    case .truncated:
      "the file ends before the image is complete. Copy it again; it is read again when it changes."
    case .corrupt:
      "its content is inconsistent or violates the format. Restore the file from its source."
    case .wrongChecksum:
      "a checksum does not match the image data, which changed after the file was written. "
        + "Restore the file from its source."
    case .damagedPixels:
      "the compressed pixels end early or are invalid in the middle of the image. "
        + "Restore the file from its source."
    case .tooManyPixels:
      "more than \(DecodeLimits.standard.pixels / 1_048_576) megapixels. Scale it down."
    case .sideTooLong:
      "a side longer than \(DecodeLimits.standard.side) pixels. Scale it down or crop it."
    case .fileTooLarge:
      "a file above \(DecodeLimits.standard.fileBytes / 1_048_576) MiB. Scale it down."
    case .tooManyScans:
      "a progressive JPEG with an implausible number of passes. Save it again."
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
      "a pixel has a colour that is not in the palette. Restore the file from its source."
    case .noDeclaredRange:
      "a TIFF of floating-point, signed or 32-bit samples, which does not define black and white. Scale "
        + "all files in the same way to unsigned 16-bit samples."
    case .rareKind:
      "a TIFF, WebP or BMP with unsupported colours, channels or compression. Save it as grey, RGB or "
        + "RGBA, compressed by deflate or LZW."
    case .cameraRaw:
      "raw data of a camera's sensor, not a developed picture. Develop it to TIFF or PNG."
    }
  }
}
