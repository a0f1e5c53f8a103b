import Control
import Glibc
import Runs

/// Where the parts of a synthetic set are: images, rows, or images with a row each.
struct SyntheticPlace {
  /// The rows of a table alone, or the table beside images.
  enum Table: Equatable {
    /// A file of rows.
    case alone(String)
    /// The folder that holds `metadata.csv` or `metadata.jsonl`, and the folder of the images relative to it, which
    /// is empty if both are the same.
    case ofImages(folder: String, below: String)
  }

  /// The folder of images; nil for a table alone.
  let images: String?
  /// The table; nil for images without one.
  let table: Table?
  /// The folder in which a release has its privacy statement.
  let release: String

  /// Whether the set is a table alone.
  var isTableAlone: Bool { images == nil }

  /// Looks at the set at `path`: a release of images or rows, its folder `data`, another folder of images, or a file
  /// of rows.
  ///
  /// - Throws: `ControlError` if there is a file of another kind, or nothing.
  init(_ path: String) throws {
    var path = try WorkingFolder.absolute(path)
    while path.count > 1, path.hasSuffix("/") { path.removeLast() }
    let slash = path.lastIndex(of: "/") ?? path.startIndex
    let (parent, name) = (String(path[..<slash]), String(path[path.index(after: slash)...]))
    switch Self.kind(of: path) {
    case S_IFREG:
      let lower = name.lowercased()
      guard lower.hasSuffix(".csv") || lower.hasSuffix(".jsonl") else {
        throw ControlError.invalid(
          "--synthetic: \(path) is a file (a folder of images, a release, or a table *.csv or *.jsonl "
            + "expected).")
      }
      self.init(images: nil, table: .alone(path), release: parent)
    case S_IFDIR where Self.kind(of: path + "/data.csv") == S_IFREG:
      self.init(images: nil, table: .alone(path + "/data.csv"), release: path)
    case S_IFDIR where Self.isRelease(path):
      self.init(
        images: path + "/data", table: .ofImages(folder: path, below: "data"), release: path)
    case S_IFDIR where Self.hasTable(path):
      self.init(images: path, table: .ofImages(folder: path, below: ""), release: parent)
    case S_IFDIR:
      self.init(
        images: path,
        table: Self.hasTable(parent) ? .ofImages(folder: parent, below: name) : nil,
        release: parent)
    default:
      throw ControlError.invalid(
        "--synthetic: \(path) is missing or cannot be read (a folder of images, a release, or a table "
          + "expected). Check the path.")
    }
  }

  private init(images: String?, table: Table?, release: String) {
    self.images = images
    self.table = table
    self.release = release
  }

  /// Whether the folder is a release with images, not only a folder with a class named `data`.
  private static func isRelease(_ path: String) -> Bool {
    kind(of: path + "/data") == S_IFDIR && kind(of: path + "/manifest.json") == S_IFREG
      && kind(of: path + "/metadata.jsonl") == S_IFREG
  }

  private static func hasTable(_ folder: String) -> Bool {
    ["metadata.csv", "metadata.jsonl"].contains { kind(of: "\(folder)/\($0)") == S_IFREG }
  }

  /// The kind of a file, links followed; 0 if it is missing.
  private static func kind(of path: String) -> mode_t {
    var status = stat()
    return stat(path, &status) == 0 ? status.st_mode & S_IFMT : 0
  }
}
