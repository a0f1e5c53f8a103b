/// A thread for work that blocks or computes for long, one piece at a time.
///
/// Swift's cooperative pool has one thread per core and does not grow: training on it would freeze
/// every task of the daemon.
actor SerialThread {
  private let name: String
  private var last: Task<Void, Never>?

  /// Makes a thread.
  ///
  /// - Parameter name: what `top -H` shows; the first 15 bytes count.
  init(named name: String) {
    self.name = name
  }

  /// Runs `work` on the thread after everything that was given to it before.
  func run<Success: Sendable>(
    _ work: @escaping @Sendable () throws -> Success
  ) async throws -> Success {
    let earlier = last
    let name = name
    let task = Task {
      await earlier?.value
      return try await Self.runOnNewThread(named: name, work)
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
