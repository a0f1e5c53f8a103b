/// A thread for blocking or long work, one piece at a time.
///
/// Swift's cooperative thread pool has one thread per core and does not grow: training on it would block
/// all tasks of the daemon.
actor SerialThread {
  private let name: String
  private let yields: Bool
  private var last: Task<Void, Never>?

  /// Creates a thread.
  ///
  /// - Parameters:
  ///   - name: the thread's name in `top -H`; only the first 15 bytes are used.
  ///   - yields: whether it runs at low priority (nice), as long work should.
  init(named name: String, yields: Bool = false) {
    self.name = name
    self.yields = yields
  }

  /// Runs `work` on the thread after all earlier work.
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
