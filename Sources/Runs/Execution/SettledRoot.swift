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

  /// Waits for files that changed a moment ago, such as those of a copy that has just ended.
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

  /// Whether the writing of a file has ended.
  func isSettled(_ signature: FileSignature) -> Bool {
    settle == .zero || signature.hasBeenQuiet(for: settle)
  }
}
