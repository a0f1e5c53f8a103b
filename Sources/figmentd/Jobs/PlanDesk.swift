import Control
import Runs

/// Computes plans or other long answers, a few at a time, because each takes processor time from trainings.
///
/// A caller who leaves gives up the place in the line, and the computation is told to stop.
actor PlanDesk {
  /// Raised when nobody waits any longer for the answer that this thread computes; nil outside of a desk.
  @TaskLocal static var abandonment: StopSignal?

  /// The number of answers computed concurrently.
  private let places: Int
  /// What is computed, in the plural.
  private let noun: String
  /// The maximum number of waiting callers.
  static let longestQueue = 16

  private var busy = 0
  private var waiting: [(ticket: Int, turn: CheckedContinuation<Void, any Error>)] = []
  private var newestTicket = 0

  /// Creates a desk that computes at most `places` answers at a time.
  init(of noun: String = "plans", places: Int = 2) {
    self.noun = noun
    self.places = places
  }

  /// The number of callers who wait for their turn.
  var waitingCount: Int { waiting.count }

  /// Runs `work` on a separate thread when its turn comes.
  ///
  /// - Throws: `ControlError.busy` if too many callers wait; `CancellationError` if the caller leaves; any error of `work`.
  func run<Success: Sendable>(
    _ work: @escaping @Sendable () throws -> Success
  ) async throws -> Success {
    try await waitForTurn()
    defer {
      // The place is passed on.
      if waiting.isEmpty { busy -= 1 } else { waiting.removeFirst().turn.resume() }
    }
    let stop = StopSignal()
    return try await withTaskCancellationHandler {
      try Task.checkCancellation()
      return try await SerialThread(named: "figment-\(noun)").run {
        try Self.$abandonment.withValue(stop) { try work() }
      }
    } onCancel: {
      stop.raise()
    }
  }

  private func waitForTurn() async throws {
    guard busy == places else {
      busy += 1
      return
    }
    guard waiting.count < Self.longestQueue else {
      throw ControlError.busy(
        "daemon: \(busy + waiting.count) \(noun) are pending (fewer expected). Try again soon.")
    }
    newestTicket += 1
    let ticket = newestTicket
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { waiting.append((ticket, $0)) }
    } onCancel: {
      Task { await leave(ticket) }
    }
  }

  private func leave(_ ticket: Int) {
    guard let place = waiting.firstIndex(where: { $0.ticket == ticket }) else { return }
    waiting.remove(at: place).turn.resume(throwing: CancellationError())
  }
}
