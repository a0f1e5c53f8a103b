/// Remarks for the owner of a file that was decoded.
public struct DecodeRemarks: OptionSet, Hashable, Sendable, Codable {
  /// The bits, as in the protocol of the decoding process.
  public let rawValue: UInt32

  /// Remarks from their bits.
  public init(rawValue: UInt32) { self.rawValue = rawValue }

  /// The file contains more pages or frames; the first one was decoded.
  public static let furtherPages = DecodeRemarks(rawValue: 1)

  /// All defined remarks.
  static let known: DecodeRemarks = [.furtherPages]
}

extension DecodeRemarks: CustomStringConvertible {
  /// The remarks as text; empty if there are none.
  public var description: String {
    contains(.furtherPages)
      ? "only the first page or frame is used. Save the others as separate files." : ""
  }
}
