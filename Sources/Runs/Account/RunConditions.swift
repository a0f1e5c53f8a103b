package import Compute
package import FoundationEssentials

/// What a run takes from outside and no order decides: secret randomness, the time and the ledger's
/// disk.
///
/// A release may depend on the randomness only where noise protects the images, and on the time not
/// at all. Tests that prove this give two runs the same conditions and compare every byte.
package struct RunConditions: Sendable {
  /// Makes the stream that decides who is sampled and which noise is added, keyed by the kernel; a
  /// new one for every attempt and every question.
  package var makeNoise: @Sendable () -> NoiseStream = { NoiseStream() }
  /// Draws the secret under which the ledger knows the frozen images: 256 random bits.
  package var drawSecret: @Sendable () -> String = { String.randomHexadecimal(byteCount: 32) }
  /// The time that ledger lines carry.
  package var now: @Sendable () -> Date = { Date() }
  /// How long a run waits before it tries again to write what found no room on the disk.
  package var pauseWithoutRoom: Duration = .seconds(5)
  /// Writes a checkpoint durably.
  package var writeCheckpoint: @Sendable (_ data: Data, _ path: String) throws -> Void = {
    try DurableFile.write($0, to: $1)
  }
  /// The system calls that the ledger's durability rests on.
  package var ledgerDisk: any LedgerFileDisk = SystemLedgerFileDisk()

  /// Those of a real run.
  package init() {}
}
