import FoundationEssentials

extension ControlError {
  /// An error of any kind, described in words.
  public init(inWords error: any Error) {
    self = error as? ControlError ?? .failed(ErrorWords.text(of: error))
  }
}

/// Errors in words: users should not have to read the name of a Swift type.
public enum ErrorWords {
  /// Describes an error to a person.
  ///
  /// Our own errors describe themselves; those of Swift's library are described here. For an
  /// unforeseen error the text names its kind, for a bug report.
  public static func text(of error: any Error) -> String {
    switch error {
    case let error as ControlError: error.message
    case let error as DecodingError: text(of: error)
    case let error as EncodingError: text(of: error)
    case let error as CocoaError: text(of: error)
    case is CancellationError: "it was stopped."
    case let error as any Error & CustomStringConvertible: error.description
    default: "an unexpected error of type \(type(of: error)). Please report it."
    }
  }

  /// Describes how a value differs from the expected form.
  public static func text(of error: DecodingError) -> String {
    switch error {
    case .keyNotFound(let key, let context):
      "\(place(context.codingPath + [key])): missing."
    case .typeMismatch(let type, let context):
      "\(place(context.codingPath)): of the wrong type (\(words(for: type)) expected)."
    case .valueNotFound(let type, let context):
      "\(place(context.codingPath)): null (\(words(for: type)) expected)."
    case .dataCorrupted(let context) where context.codingPath.isEmpty:
      "not JSON, or cut off (one whole JSON value expected)."
    case .dataCorrupted(let context):
      "\(place(context.codingPath)): \(sentence(context.debugDescription))"
    @unknown default: "it does not have the expected form."
    }
  }

  private static func text(of error: EncodingError) -> String {
    if case .invalidValue(_, let context) = error {
      return "\(place(context.codingPath)): a value that JSON cannot represent."
    }
    return "a value that JSON cannot represent."
  }

  private static func text(of error: CocoaError) -> String {
    let subject = error.filePath.map { "\($0): " } ?? ""
    return subject + reason(of: error.code)
  }

  private static func reason(of code: CocoaError.Code) -> String {
    switch code {
    case .fileNoSuchFile, .fileReadNoSuchFile:
      "there is no such file or folder. Check the path."
    case .fileReadNoPermission, .fileWriteNoPermission:
      "permission denied. Check the owner and the permissions."
    case .fileWriteOutOfSpace: "no space is left on the disk. Make room."
    case .fileWriteVolumeReadOnly: "the file system is read-only. Choose another place."
    case .fileWriteFileExists: "it exists already. Choose another name."
    case .fileReadCorruptFile, .fileReadInapplicableStringEncoding, .propertyListReadCorrupt:
      "its content is damaged, or of another kind."
    default: "it cannot be read or written. Check the path, the disk and the permissions."
    }
  }

  private static func place(_ path: [any CodingKey]) -> String {
    path.isEmpty ? "JSON" : "field '\(path.map(\.snakeCase).joined(separator: "."))'"
  }

  private static func words(for type: Any.Type) -> String {
    switch type {
    case is String.Type: "a text"
    case is Bool.Type: "true or false"
    case is Double.Type, is Float.Type: "a number"
    case is any BinaryInteger.Type: "a whole number"
    case is [String: Any].Type: "an object"
    case is any Collection.Type: "a list"
    default: "another one"
    }
  }

  private static func sentence(_ text: String) -> String {
    text.hasSuffix(".") ? text : text + "."
  }
}
