import CKernels

/// An instruction set's kernels and the threads that share the work.
///
/// Only one thread at a time may call a machine; its own threads do the work.
public final class Machine: Sendable {
  /// The threads that share each operation.
  public let threads: ThreadPool

  /// The instruction set.
  public let kernels: Kernels

  private let scratches: [Scratch]

  /// Creates a machine of `threadCount` threads on the best instruction set of this processor, or
  /// on another supported one.
  public init(
    threadCount: Int = ThreadPool.availableProcessors, kernels: Kernels = .preferred
  ) {
    threads = ThreadPool(threadCount: threadCount)
    self.kernels = kernels
    scratches = (0..<threads.threadCount).map { _ in Scratch() }
  }

  /// The scratch memory of a worker inside `threads.forEach`.
  func scratch(_ worker: Int) -> Scratch { scratches[worker] }

  /// Runs `rounds` rounds of multiply-adds on every thread, all in registers, and returns the
  /// number of floating-point operations; their time yields the machine's peak.
  package func multiplyAddInRegisters(rounds: Int) -> Double {
    let peak = kernels.table.pointee.f32_peak
    let stride = 64
    let sinks = FloatStorage(count: stride * threads.threadCount)
    threads.forEach(threads.threadCount) { index, _ in
      let sink = sinks.base + stride * index
      sink[0] = 0.999
      sink[1] = 0.001
      sink[3] = Float(peak?(rounds, sink) ?? 0)
    }
    return (0..<threads.threadCount).reduce(0) { $0 + Double(sinks.base[stride * $1 + 3]) }
  }
}
