import Control

/// Computes plans, a few at a time, because each takes seconds of processor time from trainings.
actor PlanDesk {
  /// The number of plans computed concurrently.
  static let places = 2
  /// The maximum number of waiting callers.
  static let longestQueue = 16

  private var busy = 0
  private var waiting: [CheckedContinuation<Void, Never>] = []

  /// Runs `work` on a separate thread when its turn comes.
  ///
  /// - Throws: `ControlError.busy` if too many callers wait; any error of `work`.
  func run<Success: Sendable>(
    _ work: @escaping @Sendable () throws -> Success
  ) async throws -> Success {
    if busy < Self.places {
      busy += 1
    } else {
      guard waiting.count < Self.longestQueue else {
        throw ControlError.busy(
          "plan: \(busy + waiting.count) plans are pending (fewer expected). Try again soon.")
      }
      // The caller that finishes passes its place on.
      await withCheckedContinuation { waiting.append($0) }
    }
    defer {
      if waiting.isEmpty { busy -= 1 } else { waiting.removeFirst().resume() }
    }
    return try await SerialThread(named: "figment-plan").run(work)
  }
}
