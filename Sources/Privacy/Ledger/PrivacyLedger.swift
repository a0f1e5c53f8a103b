/// The record of every access to one data root, written *before* the access happens.
///
/// The order is the guarantee: `reserve` returns only after the record is durable, so after a crash at any
/// moment the ledger records at least what was done. An unsettled reservation counts as spent.
public protocol PrivacyLedger: Sendable {
  /// Charges `times` runs of `event` before their first gradient; throws when the budget of the
  /// root would be exceeded or when the record cannot be made durable.
  func reserve(
    _ event: PrivacyEvent, times: Int, for purpose: String
  ) throws(LedgerError) -> Reservation

  /// Ends a reservation of which at most the first `used` runs were begun. The rest is returned; a
  /// reservation that is never settled remains spent as a whole.
  func settle(_ reservation: consuming Reservation, used: Int) throws(LedgerError)

  /// Everything charged so far to the root.
  func spent() throws(LedgerError) -> EventTally
}

/// Permission for a number of runs of an event: paid for, durable, usable once.
///
/// It cannot be copied, so it cannot be settled twice. Dropping it returns nothing.
public struct Reservation: ~Copyable, Sendable {
  /// The number under which the ledger knows it.
  public let number: Int
  /// The event of one run.
  public let event: PrivacyEvent
  /// How many runs are paid for.
  public let times: Int

  /// Describes a recorded reservation.
  ///
  /// Only for ledgers: a charge is only as true as the record that they wrote. A file that makes
  /// one names `@_spi(Ledger)` before its import.
  @_spi(Ledger) public init(number: Int, event: PrivacyEvent, times: Int) {
    self.number = number
    self.event = event
    self.times = times
  }
}
