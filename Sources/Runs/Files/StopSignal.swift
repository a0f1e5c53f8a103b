import Synchronization

/// A request to stop a running job, raised once and read while the job works.
package final class StopSignal: Sendable {
  private let raised = Atomic<Bool>(false)

  /// A signal that is not raised.
  package init() {}

  /// Whether the job should stop now.
  package var isRaised: Bool { raised.load(ordering: .relaxed) }

  /// Asks the job to stop.
  package func raise() { raised.store(true, ordering: .relaxed) }
}
