/// Turns a history of events into a guarantee.
///
/// Events (`PrivacyEvent`) are separate from their cost: a ledger stores events, and an epsilon is
/// computed from them on demand.
public protocol PrivacyAccountant: Sendable {
  /// The name that statements use.
  static var name: String { get }

  /// Starts with the empty history.
  init()

  /// Everything that has been composed.
  var tally: EventTally { get }

  /// Adds `times` runs of `event`; throws for events that cannot be bounded.
  mutating func compose(_ event: PrivacyEvent, times: Int) throws(PrivacyError)

  /// An upper bound on the privacy loss at `delta`; infinite when no bound is representable.
  func epsilon(atDelta delta: Double) throws(PrivacyError) -> Double
}

extension PrivacyAccountant {
  /// Starts with the history `tally`.
  public init(_ tally: EventTally) throws(PrivacyError) {
    self.init()
    for (event, times) in tally.sorted { try compose(event.event, times: times) }
  }

  /// Starts with `times` runs of `event`.
  public init(_ event: PrivacyEvent, times: Int = 1) throws(PrivacyError) {
    self.init()
    try compose(event, times: times)
  }
}
