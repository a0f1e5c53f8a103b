/// Why an evaluation is impossible.
public enum EvaluationError: Error, Equatable, Sendable, CustomStringConvertible {
  /// A folder contains no readable image.
  case noImages(folder: String, fileCount: Int)
  /// The class folders of two sets differ.
  case classesDiffer(folder: String, found: [String], expected: [String])
  /// A set is too small for the protocol.
  case tooFewImages(set: String, found: Int, expected: Int)
  /// A file cannot be opened.
  case unreadableFile(path: String, code: Int32)
  /// The first image of a set is larger than the limit for images of a set.
  case imageTooLarge(path: String, height: Int, width: Int, limit: Int)
  /// The images of a set are too small for the classifiers of an evaluation.
  case imagesTooSmall(height: Int, width: Int, expected: Int)
  /// The images of a set do not fit into memory.
  case setTooLarge(folder: String, fileCount: Int, expected: Int)
  /// A line of a set's metadata states no probabilities of its classes.
  case badMetadata(path: String, line: Int, reason: String)
  /// The charges of an audited training differ from those behind the claim.
  case chargesDiffer(found: String, expected: String)
  /// The codes of a table do not fit its columns.
  case badTable(found: String, expected: String)
  /// The columns of a real table differ from those of the synthetic one.
  case tablesDiffer(set: String, found: String, expected: String)

  public var description: String {
    switch self {
    case .noImages(let folder, let fileCount):
      "folder \(folder): none of \(fileCount) files could be read as an image (class folders with "
        + "PNG or JPEG files expected). Check the path and the files."
    case .classesDiffer(let folder, let found, let expected):
      "folder \(folder): its classes are \(found.joined(separator: ", ")) "
        + "(\(expected.joined(separator: ", ")) expected). Use a folder with these class folders."
    case .tooFewImages(let set, let found, let expected):
      "\(set) set: \(found) images (at least \(expected) expected). Use a larger set."
    case .unreadableFile(let path, let code):
      "file \(path): cannot be read (error \(code)). Check its owner and permissions."
    case .imageTooLarge(let path, let height, let width, let limit):
      "file \(path): the image has \(height) × \(width) pixels, and all others would be converted to that "
        + "size (sides of up to \(limit) expected). Use a set of smaller images."
    case .imagesTooSmall(let height, let width, let expected):
      "synthetic set: images of \(height) × \(width) pixels (sides of at least \(expected) expected by the classifiers of "
        + "an evaluation). Use larger images."
    case .setTooLarge(let folder, let fileCount, let expected):
      "folder \(folder): its \(fileCount) files do not fit into memory (up to \(expected) of this size "
        + "expected). Use a part of them."
    case .badMetadata(let path, let line, let reason):
      "file \(path), line \(line): \(reason). Restore the file, or remove it."
    case .chargesDiffer(let found, let expected):
      "audit: the ledger was charged for \(found) (\(expected) expected for every training, as in the "
        + "claim). Do not train with this build until the cause is known."
    case .badTable(let found, let expected):
      "table: \(found) (\(expected) expected). Encode the table again with the columns of its data set."
    case .tablesDiffer(let set, let found, let expected):
      "\(set) table: its columns are \(found) (\(expected) expected, as in the synthetic table). Declare the"
        + " same columns for all tables."
    }
  }
}
