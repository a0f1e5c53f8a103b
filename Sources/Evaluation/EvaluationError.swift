/// Why an evaluation cannot be made.
public enum EvaluationError: Error, Equatable, Sendable, CustomStringConvertible {
  /// A folder holds no image that can be read.
  case noImages(folder: String, fileCount: Int)
  /// The class folders of two sets differ.
  case classesDiffer(folder: String, found: [String], expected: [String])
  /// A set is too small for the protocol.
  case tooFewImages(set: String, found: Int, expected: Int)
  /// A file cannot be opened.
  case unreadableFile(path: String, code: Int32)
  /// The charges of an audited training differ from those that the claim was made from.
  case chargesDiffer(found: String, expected: String)

  public var description: String {
    switch self {
    case .noImages(let folder, let fileCount):
      "folder \(folder): none of \(fileCount) files could be read as an image (class folders with "
        + "PNG or JPEG files expected). Check the path and the files."
    case .classesDiffer(let folder, let found, let expected):
      "folder \(folder): its classes are \(found.joined(separator: ", ")) (expected "
        + "\(expected.joined(separator: ", "))). Give the same class folders to all three sets."
    case .tooFewImages(let set, let found, let expected):
      "\(set) set: \(found) images (at least \(expected) expected). Give a larger set."
    case .unreadableFile(let path, let code):
      "file \(path): cannot be read (error \(code)). Check its owner and permissions."
    case .chargesDiffer(let found, let expected):
      "audit: the ledger was charged for \(found) (for every training \(expected) expected, as the "
        + "claim says). Train nothing with this build until the cause is known."
    }
  }
}
