import ArgumentParser
import Compute

/// With how many threads a command measures.
struct ThreadOptions: ParsableArguments {
  @Option(parsing: .unconditional, help: "Threads to compute with. (default: all processors)")
  var threads: Int?

  func validate() throws {
    if let threads, threads < 1 {
      throw ValidationError("--threads: \(threads) given (at least 1 expected). Leave it out.")
    }
  }

  /// What computes with them.
  var machine: Machine { Machine(threadCount: threads ?? ThreadPool.availableProcessors) }
}
