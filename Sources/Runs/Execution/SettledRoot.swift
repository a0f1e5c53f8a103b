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

  /// Lists the root once its files are settled, or once the wait for them is over.
  ///
  /// Files that changed a moment ago, as those of a copy that has just ended, are waited for. The listing is the one
  /// that the run reads, so that a file which arrives later belongs to the next run.
  ///
  /// - Throws: `DatasetError`; `.stopped` when `stop` is raised.
  func listing(unless stop: StopSignal) throws -> FolderScan {
    for _ in 0..<(settle > .zero ? Self.patience : 0) {
      let scan = try list()
      if scan.signatures.allSatisfy({ $0.hasBeenQuiet(for: settle) }) { return scan }
      let end = ContinuousClock.now + settle
      while ContinuousClock.now < end {
        if stop.isRaised { throw DatasetError.stopped }
        usleep(Self.slice)
      }
    }
    return try list()
  }

  private func list() throws -> FolderScan {
    try FolderScan(root: root, rules: rules, withSignatures: settle > .zero)
  }

  /// Whether a file counts as written.
  func isSettled(_ signature: FileSignature) -> Bool {
    settle == .zero || signature.hasBeenQuiet(for: settle)
  }
}
