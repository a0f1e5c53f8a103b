import Control

/// Works out plans, a few at a time: each takes seconds of processors that trainings need, too.
actor PlanDesk {
  /// Plans that are worked out at once.
  static let places = 2
  /// Callers that may wait for their turn.
  static let longestQueue = 16

  private var busy = 0
  private var waiting: [CheckedContinuation<Void, Never>] = []

  /// Runs `work` on a thread of its own when its turn has come.
  ///
  /// - Throws: `ControlError.busy` when too many wait already; whatever `work` throws.
  func run<Success: Sendable>(
    _ work: @escaping @Sendable () throws -> Success
  ) async throws -> Success {
    if busy < Self.places {
      busy += 1
    } else {
      guard waiting.count < Self.longestQueue else {
        throw ControlError.busy(
          "plan: \(busy + waiting.count) are being worked out (fewer expected). Ask again soon.")
      }
      // The place is handed over by whoever leaves it.
      await withCheckedContinuation { waiting.append($0) }
    }
    defer {
      if waiting.isEmpty { busy -= 1 } else { waiting.removeFirst().resume() }
    }
    return try await SerialThread(named: "figment-plan").run(work)
  }
}
