/// Which files to list.
public struct FileQuery: Codable, Hashable, Sendable {
  /// Only files with this verdict: `ok`, `rejected` for everything else, or a verdict's code.
  public var verdict: String?
  /// Judges files as a run with this recipe does: images that are too small for it are not used.
  public var recipe: String?
  /// Continues after this file of the previous page.
  public var after: String?
  /// Files in a page.
  public var limit: Int

  /// The largest page.
  public static let maximumLimit = 1000

  /// Lists all files, or those with a verdict.
  public init(
    verdict: String? = nil, recipe: String? = nil, after: String? = nil, limit: Int = maximumLimit
  ) {
    self.verdict = verdict
    self.recipe = recipe
    self.after = after
    self.limit = limit
  }
}

/// A file of a dataset with the daemon's verdict.
///
/// For the operator, not for release.
public struct FileRow: Codable, Hashable, Sendable {
  /// The path below the root.
  public var path: String
  /// The class, which the folder determines.
  public var className: String?
  /// Its size in bytes.
  public var bytes: Int
  /// `ok`, or the code of the reason why a run cannot learn from it.
  public var verdict: String
  /// The reason as a sentence.
  public var reason: String?
  /// Its width in pixels, when its header could be read.
  public var width: Int?
  /// Its height in pixels, when its header could be read.
  public var height: Int?

  /// Describes a file.
  public init(
    path: String, className: String? = nil, bytes: Int, verdict: String, reason: String? = nil,
    width: Int? = nil, height: Int? = nil
  ) {
    self.path = path
    self.className = className
    self.bytes = bytes
    self.verdict = verdict
    self.reason = reason
    self.width = width
    self.height = height
  }
}

/// Some files of a dataset, in the order of their paths.
public struct FilePage: Codable, Hashable, Sendable {
  /// The files.
  public var files: [FileRow]
  /// The value of `FileQuery.after` for the next page; nil on the last one.
  public var next: String?

  /// Describes a page.
  public init(files: [FileRow], next: String?) {
    self.files = files
    self.next = next
  }
}
