package import Compute
package import FoundationEssentials

/// The inputs of a run that no order decides: secret randomness, the time and the ledger's disk.
///
/// A release may depend on the randomness only where noise protects the images, and never on the time. Tests
/// that prove this run twice under the same conditions and compare every byte.
package struct RunConditions: Sendable {
  /// Makes the stream, keyed by the kernel, that decides which units are sampled and which noise is added;
  /// every attempt and every question gets a new one.
  package var makeNoise: @Sendable () -> NoiseStream = { NoiseStream() }
  /// Draws the secret that names the frozen images in the ledger: 256 random bits.
  package var drawSecret: @Sendable () -> String = { String.randomHexadecimal(byteCount: 32) }
  /// The time written in ledger lines.
  package var now: @Sendable () -> Date = { Date() }
  /// How long a run waits before it retries a write that found no free disk space.
  package var pauseWithoutRoom: Duration = .seconds(5)
  /// Writes a checkpoint durably.
  package var writeCheckpoint: @Sendable (_ data: Data, _ path: String) throws -> Void = {
    try DurableFile.write($0, to: $1)
  }
  /// The system calls that make the ledger durable.
  package var ledgerDisk: any LedgerFileDisk = SystemLedgerFileDisk()

  /// The conditions of a real run.
  package init() {}
}
