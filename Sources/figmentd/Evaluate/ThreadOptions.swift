import ArgumentParser
import Compute

/// With how many threads a command measures.
struct ThreadOptions: ParsableArguments {
  /// Threads that a machine can make use of.
  static let range = 1...1024

  @Option(
    parsing: .unconditional,
    help: "Threads to compute with. (default: the processors that are granted)")
  var threads: Int?

  func validate() throws {
    if let threads, !Self.range.contains(threads) {
      throw ValidationError(
        "--threads: \(threads) given (1 to \(Self.range.upperBound) expected). Leave it out.")
    }
  }

  /// What computes with them.
  var machine: Machine { Machine(threadCount: threads ?? Processors.granted) }
}
