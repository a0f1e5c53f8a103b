import Control
import enum Datasets.FolderRemark

/// What the daemon needs from the room that reads folders: the border to it.
///
/// Both functions are called on threads of their own.
protocol FolderReader: Sendable {
  /// Looks through a dataset's root.
  ///
  /// - Parameters:
  ///   - known: what an earlier scan found, by path; a file whose signature is unchanged keeps
  ///     its verdict without being read again.
  ///   - pulse: beaten as often as the scan gets on.
  /// - Throws: when the root is not there or cannot be read. A bad file is a verdict, never an
  ///   error.
  func scan(
    _ dataset: DatasetConfiguration, known: [String: IndexedFile], pulse: Pulse
  ) throws -> FolderContents

  /// Starts to watch a dataset's root.
  ///
  /// - Parameter changed: called when something below the root may have changed.
  func watch(
    _ dataset: DatasetConfiguration, changed: @escaping @Sendable () -> Void
  ) throws -> any FolderWatch
}

/// A root that is being watched, until it is cancelled.
protocol FolderWatch: Sendable {
  /// How changes are noticed: `inotify` or `poll`.
  var method: String { get }
  /// Why it is not watched as the configuration asks, in words.
  var remark: String? { get }
  /// Stops watching.
  func cancel()
}

/// What a scan found below a root.
struct FolderContents: Sendable {
  /// The files that stay as they are, each with its verdict.
  var files: [IndexedFile]
  /// Files that still change; they are looked at by the next scan.
  var pending: Int
  /// What the owner of the folder should know; for nobody else.
  var remarks: [FolderRemark] = []
}
