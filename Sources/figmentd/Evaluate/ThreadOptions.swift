import ArgumentParser
import Compute

/// The option for the number of threads.
struct ThreadOptions: ParsableArguments {
  /// The accepted numbers of threads.
  static let range = 1...1024

  @Option(
    parsing: .unconditional,
    help: "Number of threads. (default: the processors that this process may use)")
  var threads: Int?

  func validate() throws {
    if let threads, !Self.range.contains(threads) {
      throw ValidationError(
        "--threads: \(threads) given (1 to \(Self.range.upperBound) expected). Drop it to use all processors."
      )
    }
  }

  /// The machine with these threads.
  var machine: Machine { Machine(threadCount: threads ?? Processors.granted) }
}
