/// The name of a job: its dataset's name and a number that is never used twice, `glyphs-7`.
public struct JobID: Hashable, Sendable, Codable, CustomStringConvertible {
  /// The name as people type it.
  public let name: String

  /// Makes the name of a dataset's job.
  public init(dataset: String, number: Int) {
    precondition(Name.isValid(dataset) && number > 0, "a job is named by a dataset and a number")
    name = "\(dataset)-\(number)"
  }

  /// Accepts a typed name, or returns nil if no job can have it.
  ///
  /// A job's name is also a folder's name, so it can contain no slash and not start with a dot.
  public init?(_ name: String) {
    guard Name.isValid(name) else { return nil }
    self.name = name
  }

  /// The number after the dataset's name.
  public var number: Int? { name.split(separator: "-").last.flatMap { Int($0) } }

  /// The name as people type it.
  public var description: String { name }

  /// Reads a name and refuses one that no job can have.
  public init(from decoder: any Decoder) throws {
    let text = try decoder.singleValueContainer().decode(String.self)
    guard let id = JobID(text) else {
      throw ControlError.invalid("job '\(text)': not a job's name (like glyphs-7 expected).")
    }
    self = id
  }

  /// Writes the name.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(name)
  }
}

/// The possible names of datasets, recipes and jobs.
public enum Name {
  /// The longest name: jobs become folders, and datasets a part of a job's name.
  public static let maximumLength = 80

  /// Whether a name is lower-case letters, digits, dots, dashes and underscores, and starts with a
  /// letter or digit.
  ///
  /// Names become parts of paths: this check prevents a request from naming a path.
  public static func isValid(_ name: String) -> Bool {
    func isPlain(_ byte: UInt8) -> Bool {
      (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
        || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }
    let punctuation = Array("._-".utf8)
    let bytes = Array(name.utf8)
    guard let first = bytes.first, isPlain(first), bytes.count <= maximumLength else {
      return false
    }
    return bytes.allSatisfy { isPlain($0) || punctuation.contains($0) }
  }
}
