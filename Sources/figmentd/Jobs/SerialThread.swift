/// A thread for work that blocks or computes for long, one piece at a time.
///
/// Swift's cooperative pool has one thread per core and does not grow: training on it would freeze
/// every task of the daemon.
actor SerialThread {
  private let name: String
  private let yields: Bool
  private var last: Task<Void, Never>?

  /// Makes a thread.
  ///
  /// - Parameters:
  ///   - name: what `top -H` shows; the first 15 bytes count.
  ///   - yields: whether it takes the processor only from those who want it less, as long work should.
  init(named name: String, yields: Bool = false) {
    self.name = name
    self.yields = yields
  }

  /// Runs `work` on the thread after everything that was given to it before.
  func run<Success: Sendable>(
    _ work: @escaping @Sendable () throws -> Success
  ) async throws -> Success {
    let earlier = last
    let (name, yields) = (name, yields)
    let task = Task {
      await earlier?.value
      return try await Self.runOnNewThread(named: name) {
        if yields { Process.yieldToOthers() }
        return try work()
      }
    }
    last = Task { _ = await task.result }
    return try await task.value
  }

  private static func runOnNewThread<Success: Sendable>(
    named name: String, _ work: @escaping @Sendable () throws -> Success
  ) async throws -> Success {
    try await withCheckedThrowingContinuation { continuation in
      do {
        try DetachedThread.start(named: name) { continuation.resume(with: Result { try work() }) }
      } catch {
        continuation.resume(throwing: error)
      }
    }
  }
}
