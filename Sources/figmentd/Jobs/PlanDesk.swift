import Control

/// Computes plans or other long answers, a few at a time, because each takes seconds of processor time from trainings.
actor PlanDesk {
  /// The number of plans computed concurrently.
  private let places: Int
  /// The maximum number of waiting callers.
  static let longestQueue = 16

  private var busy = 0
  private var waiting: [CheckedContinuation<Void, Never>] = []

  /// A desk where so many plans are computed concurrently.
  init(places: Int = 2) { self.places = places }

  /// Runs `work` on a separate thread when its turn comes.
  ///
  /// - Throws: `ControlError.busy` if too many callers wait; any error of `work`.
  func run<Success: Sendable>(
    _ work: @escaping @Sendable () throws -> Success
  ) async throws -> Success {
    if busy < places {
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
