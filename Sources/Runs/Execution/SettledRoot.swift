import Datasets
import Glibc

/// The rule that a run reads only files whose writing has ended.
///
/// Writing has ended when neither content nor attributes changed for the settle time, and when size and times
/// are the same before and after reading (`FileReader` checks this).
struct SettledRoot {
  /// The folder of images.
  let root: String
  /// The declared rules of the dataset.
  let rules: DatasetRules
  /// How long a file must stay unchanged; zero reads files as they are.
  let settle: Duration

  /// The limit of waiting for files that keep changing, in settle times.
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
      let all = try scan.signatures + rules.tableSignatures(in: root)
      if all.allSatisfy({ $0.hasBeenQuiet(for: settle) }) { return scan }
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

  /// Whether the writing of a file has ended.
  func isSettled(_ signature: FileSignature) -> Bool {
    settle == .zero || signature.hasBeenQuiet(for: settle)
  }
}
