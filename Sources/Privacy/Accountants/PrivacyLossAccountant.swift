/// Accounting by privacy loss distributions.
public struct PrivacyLossAccountant: PrivacyAccountant {
  /// The name that statements use.
  public static let name = "PLD"
  /// Everything that has been composed.
  public private(set) var tally = EventTally()

  /// Nothing has happened.
  public init() {}

  /// Adds `times` runs of `event`.
  public mutating func compose(_ event: PrivacyEvent, times: Int) throws(PrivacyError) {
    try tally.add(event, times: times)
  }

  /// An upper bound on the privacy loss at `delta`.
  public func epsilon(atDelta delta: Double) throws(PrivacyError) -> Double {
    try RenyiAccountant(tally).epsilon(atDelta: delta)
  }
}
