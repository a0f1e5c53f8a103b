/// Facts that the owner of a file should know although it decoded.
public struct DecodeRemarks: OptionSet, Hashable, Sendable, Codable {
  /// The bits as they travel from the decoding process.
  public let rawValue: UInt32

  /// Remarks from their bits.
  public init(rawValue: UInt32) { self.rawValue = rawValue }

  /// The file holds more pages or frames; the first one was decoded.
  public static let furtherPages = DecodeRemarks(rawValue: 1)

  /// All remarks that there are.
  static let known: DecodeRemarks = [.furtherPages]
}

extension DecodeRemarks: CustomStringConvertible {
  /// The remarks as text; empty when there are none.
  public var description: String {
    contains(.furtherPages)
      ? "only the first page or frame is used. Save the others as files of their own." : ""
  }
}
