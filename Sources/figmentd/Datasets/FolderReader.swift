import Control
import enum Datasets.FolderRemark

/// The daemon's interface to the room that reads folders.
///
/// All functions are called on separate threads.
protocol FolderReader: Sendable {
  /// Scans a dataset's root.
  ///
  /// - Parameters:
  ///   - known: the results of an earlier scan, by path; a file with an unchanged signature keeps its
  ///     verdict without being read again.
  ///   - pulse: beats whenever the scan makes progress.
  /// - Throws: if the root does not exist or cannot be read. A bad file is a verdict, never an error.
  func scan(
    _ dataset: DatasetConfiguration, known: [String: IndexedFile], pulse: Pulse
  ) throws -> FolderContents

  /// Checks some files of a dataset's root, and the files that they are compared with.
  ///
  /// - Parameter index: the index of the other files.
  /// - Returns: nil if a full scan is required.
  /// - Throws: the same errors as `scan`.
  func look(
    _ dataset: DatasetConfiguration, at hints: FolderHints, index: ImageIndex, pulse: Pulse
  ) throws -> FolderUpdate?

  /// Starts watching a dataset's root.
  ///
  /// - Parameter changed: receives possible changes below the root.
  func watch(
    _ dataset: DatasetConfiguration, changed: @escaping @Sendable (FolderHints) -> Void
  ) throws -> any FolderWatch
}

/// A root that is being watched, until it is cancelled.
protocol FolderWatch: Sendable {
  /// How changes are detected: `inotify` or `poll`.
  var method: String { get }
  /// Why it is not watched in the configured way, in words.
  var remark: String? { get }
  /// Why the root cannot be read now, in words; nil if it can.
  var problem: String? { get }
  /// Stops watching.
  func cancel()
}

/// The result of a full scan.
struct FolderContents: Sendable {
  /// The files, each with its verdict.
  var files: [IndexedFile]
  /// Files to check once more, because the scan's findings about them are inconsistent.
  var doubtful = FolderHints()
  /// Remarks for the owner of the folder, and for nobody else.
  var remarks: [FolderRemark] = []
}

/// The result of checking some files of a root.
struct FolderUpdate: Sendable {
  /// The existing files, each with its verdict.
  var files: [IndexedFile]
  /// The paths of known files that no longer exist.
  var gone: [String]
}
