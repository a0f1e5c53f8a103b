import Glibc

/// A failure that stops a whole operation on a dataset.
///
/// Faults of single files are not errors; each is an `ImageVerdict`. Texts name the operator's folders, never
/// an image.
public enum DatasetError: Error, Equatable, Sendable, CustomStringConvertible {
  /// A system call failed on a folder or file of ours.
  case systemCallFailed(call: String, path: String, errno: CInt)
  /// The watched root cannot be read now.
  case rootUnavailable(path: String, errno: CInt)
  /// No file of the root became an accepted image.
  case noImages(root: String, fileCount: Int)
  /// A packed file fails its checks.
  case snapshotDamaged(path: String, finding: String)
  /// A packed file was written by a later version of the format.
  case snapshotTooNew(path: String, version: UInt32)
  /// Other users can enter a folder for private pixels.
  case directoryNotPrivate(path: String, mode: UInt32)
  /// The decoding process cannot be started or does not answer.
  case decoderUnavailable(finding: String)
  /// The caller requested a stop.
  case stopped
  /// A table of attributes, or the tables of a root as a whole, cannot be used.
  ///
  /// The place is for the owner alone: callers with read access see failures of jobs.
  case tableUnusable(root: String, finding: String, place: String? = nil)
  /// No row of the tables of a root can be used.
  case noRows(root: String)
  /// A declared value is invalid.
  case invalidDeclaration(finding: String)

  public var description: String {
    switch self {
    case .systemCallFailed(let call, let path, let errno):
      "\(call) \(path): \(Self.text(of: errno)). Check the path, its owner and the free space."
    case .rootUnavailable(let path, ENOTDIR):
      "\(path): is a file, or lies below one (a folder expected). Put it into a folder of its own, and name that."
    case .rootUnavailable(let path, let errno):
      "folder of images \(path): cannot be read (\(Self.text(of: errno))). "
        + "Check that it exists, that it is mounted, and that figmentd may read it."
    case .noImages(let root, _):
      // Without the number of files, because callers with read access see failures of jobs.
      "folder of images \(root): none of its files is an accepted image (at least one expected). "
        + "Put images into a sub-folder for each class. A recipe that learns a table alone, such as "
        + "bayes-net-correlated, needs none."
    case .snapshotDamaged(let path, let finding):
      "snapshot \(path): \(finding). Build a new snapshot."
    case .snapshotTooNew(let path, let version):
      "snapshot \(path): written in format \(version), this version reads up to "
        + "\(SnapshotLayout.version). Update, or build a new snapshot."
    case .directoryNotPrivate(let path, let mode):
      "directory \(path): mode \(String(mode, radix: 8)) gives others access (700 expected, because "
        + "it contains private pixels). Run chmod 700 on it."
    case .decoderUnavailable(let finding):
      "image decoder: \(finding). Check that the program file is still executable."
    case .stopped:
      "reading images: stopped on request."
    case .tableUnusable(let root, let finding, _):
      "tables of \(root): \(finding)."
    case .noRows(let root):
      "tables of \(root): none of their rows can be used (at least one expected). Compare the declared "
        + "columns with the tables."
    case .invalidDeclaration(let finding):
      "dataset declaration: \(finding)."
    }
  }

  /// The same with the place in a table that cannot be used, for whoever may see the folder.
  public var ownersDescription: String {
    guard case .tableUnusable(_, _, let place?) = self else { return description }
    return "\(description) (\(place))"
  }

  /// Whether files or rows were looked at and none could be used.
  public var isWantOfImages: Bool {
    switch self {
    case .noImages, .noRows: true
    default: false
    }
  }

  private static func text(of code: CInt) -> String { String(cString: strerror(code)) }

  /// The failure of `call` on `path`, with the thread's `errno`.
  static func lastCall(_ call: String, _ path: String) -> DatasetError {
    .systemCallFailed(call: call, path: path, errno: errno)
  }
}
