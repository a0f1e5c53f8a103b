import Synchronization

/// The wish that a running job stops, raised once and read between micro-batches.
package final class StopSignal: Sendable {
  private let raised = Atomic<Bool>(false)

  /// A wish that nobody has uttered yet.
  package init() {}

  /// Whether the job should stop now.
  package var isRaised: Bool { raised.load(ordering: .relaxed) }

  /// Asks the job to stop.
  package func raise() { raised.store(true, ordering: .relaxed) }
}
