import Datasets
import Glibc

/// The rule that a run reads files only when they are written.
///
/// A file counts as written when neither its content nor its attributes changed for the settle time,
/// and when size and times are the same after reading as before (`FileReader` sees to that).
struct SettledRoot {
  /// The folder of images.
  let root: String
  /// What is declared about it.
  let rules: DatasetRules
  /// How long a file must stay as it is; zero reads files as they are.
  let settle: Duration

  /// Files that change all the time are not waited for longer than this many settle times.
  private static let patience = 2
  private static let slice: UInt32 = 50_000

  /// Waits for files that have changed a moment ago, as those of a copy that has just ended.
  ///
  /// - Throws: `DatasetError`; `.stopped` when `stop` is raised.
  func wait(unless stop: StopSignal) throws {
    guard settle > .zero else { return }
    for _ in 0..<Self.patience {
      let scan = try FolderScan(root: root, rules: rules, withSignatures: true)
      if scan.signatures.allSatisfy({ $0.hasBeenQuiet(for: settle) }) { return }
      let end = ContinuousClock.now + settle
      while ContinuousClock.now < end {
        if stop.isRaised { throw DatasetError.stopped }
        usleep(Self.slice)
      }
    }
  }

  /// Whether a file counts as written.
  func isSettled(_ signature: FileSignature) -> Bool {
    settle == .zero || signature.hasBeenQuiet(for: settle)
  }
}
