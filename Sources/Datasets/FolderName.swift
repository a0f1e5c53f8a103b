/// A name that is a single path component: of a class of images, a run or a dataset.
///
/// Names come from folders, options, configurations and model files, whose authors are not trusted.
/// All code that builds a path from a name uses this type, so no name can escape its folder.
public struct FolderName: Hashable, Sendable, CustomStringConvertible {
  /// The name.
  public let text: String

  /// The longest name in bytes of UTF-8: file systems allow 255, and temporary names need a margin.
  public static let longest = 200

  /// Creates a name.
  ///
  /// - Parameter kind: the kind of name for the message, such as `class`.
  /// - Throws: `InvalidName` if the name is empty or too long, begins with a dot, or contains a slash or a
  ///   control character.
  public init(_ text: String, kind: String = "name") throws(InvalidName) {
    guard let problem = Self.problem(with: text) else {
      self.text = text
      return
    }
    throw InvalidName(kind: kind, text: text, problem: problem)
  }

  private static func problem(with text: String) -> String? {
    if text.isEmpty { return "it is empty" }
    if text.utf8.count > longest { return "it is longer than \(longest) bytes" }
    if text.utf8.first == UInt8(ascii: ".") { return "it begins with a dot" }
    if text.utf8.contains(UInt8(ascii: "/")) { return "it contains a slash" }
    let isControl = { (letter: Unicode.Scalar) in
      switch letter.properties.generalCategory {
      case .control, .lineSeparator, .paragraphSeparator, .surrogate: true
      default: false
      }
    }
    if text.unicodeScalars.contains(where: isControl) { return "it contains a control character" }
    return nil
  }

  /// The name itself.
  public var description: String { text }
}

/// Why a text is not a valid folder name.
public struct InvalidName: Error, Hashable, CustomStringConvertible {
  /// The kind of name.
  public let kind: String
  /// The text.
  public let text: String
  /// The problem.
  public let problem: String

  /// What was found, what was expected and what to do.
  public var description: String {
    let shown = text.unicodeScalars.prefix(60).map { $0.escaped(asASCII: false) }.joined()
    return "\(kind) '\(shown)': \(problem) (a plain name of up to \(FolderName.longest) bytes "
      + "expected, without '/' and without a leading dot). Choose another name."
  }
}

/// The names of the classes of a dataset, in label order.
public enum ClassNames {
  /// The maximum number of classes; models store numbers for each of them.
  public static let most = 10_000

  /// Checks names of classes, which become folders.
  ///
  /// - Throws: `InvalidName` for an invalid or repeated name, or for too many names.
  public static func folders(_ names: [String]) throws(InvalidName) -> [FolderName] {
    guard (1...most).contains(names.count) else {
      throw InvalidName(
        kind: "classes", text: "\(names.count)",
        problem: "the number of classes is out of range (1 to \(most) expected)")
    }
    var seen: Set<String> = []
    var folders: [FolderName] = []
    for name in names {
      guard seen.insert(name).inserted else {
        throw InvalidName(kind: "class", text: name, problem: "it is listed twice")
      }
      folders.append(try FolderName(name, kind: "class"))
    }
    return folders
  }
}
