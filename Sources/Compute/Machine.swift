/// Where arithmetic runs: an instruction set's kernels and the threads that share the work.
public final class Machine: Sendable {
  /// The threads that share each operation.
  public let threads: ThreadPool

  /// Creates a machine of `threadCount` threads on the best instruction set of this processor.
  public init(threadCount: Int = ThreadPool.availableProcessors) {
    threads = ThreadPool(threadCount: threadCount)
  }
}
