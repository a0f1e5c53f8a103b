import Control
import enum Datasets.FolderRemark

/// What the daemon needs from the room that reads folders: the border to it.
///
/// All functions are called on threads of their own.
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

  /// Looks at some files of a dataset's root, and at those that they are compared with.
  ///
  /// - Parameter index: what is known of the others.
  /// - Returns: nil when only a look through the whole root can tell.
  /// - Throws: as `scan`.
  func look(
    _ dataset: DatasetConfiguration, at hints: FolderHints, index: ImageIndex, pulse: Pulse
  ) throws -> FolderUpdate?

  /// Starts to watch a dataset's root.
  ///
  /// - Parameter changed: called with what may have changed below the root.
  func watch(
    _ dataset: DatasetConfiguration, changed: @escaping @Sendable (FolderHints) -> Void
  ) throws -> any FolderWatch
}

/// A root that is being watched, until it is cancelled.
protocol FolderWatch: Sendable {
  /// How changes are noticed: `inotify` or `poll`.
  var method: String { get }
  /// Why it is not watched as the configuration asks, in words.
  var remark: String? { get }
  /// Why the root cannot be read now, in words; nil when it can.
  var problem: String? { get }
  /// Stops watching.
  func cancel()
}

/// What a scan found below a root.
struct FolderContents: Sendable {
  /// The files, each with its verdict.
  var files: [IndexedFile]
  /// Files to be looked at once more: what the scan found of them contradicts itself.
  var doubtful = FolderHints()
  /// What the owner of the folder should know; for nobody else.
  var remarks: [FolderRemark] = []
}

/// What a look at some files of a root found.
struct FolderUpdate: Sendable {
  /// Those that are there, each with its verdict.
  var files: [IndexedFile]
  /// The paths of those that were known and are gone.
  var gone: [String]
}
