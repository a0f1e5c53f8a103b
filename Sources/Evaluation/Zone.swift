/// A value that private images helped to compute and no noise protects.
///
/// It can be turned into other sensitive values but not into a releasable one: there is no such
/// function. Only an internal report, which never leaves the operator's directory, may read it; it
/// proves that it is one by the key that it alone can make.
public struct Sensitive<Value> {
  private let value: Value

  /// Marks a value as computed from private images.
  public init(_ value: Value) {
    self.value = value
  }

  /// What is computed from a sensitive value is sensitive.
  public func map<Result>(_ transform: (Value) throws -> Result) rethrows -> Sensitive<Result> {
    Sensitive<Result>(try transform(value))
  }

  /// What is computed from a sensitive value and any other is sensitive.
  public func map<Other, Result>(
    with other: Sensitive<Other>, _ transform: (Value, Other) throws -> Result
  ) rethrows -> Sensitive<Result> {
    Sensitive<Result>(try transform(value, other.value))
  }

  /// The value itself, for a report that stays inside.
  func revealed(by key: InternalReport.Key) -> Value { value }
}

/// Why a value may leave.
public enum ReleaseReason: String, Hashable, Sendable, Codable {
  /// Computed from synthetic images or from the trained model alone: differential privacy is
  /// closed under such post-processing.
  case postProcessing = "post-processing"
  /// A setting that was chosen before any private image was read.
  case chosenBeforehand = "chosen-beforehand"
  /// Computed from images that their owner declared public.
  case publicImages = "public-images"
  /// Noised by a mechanism whose cost stands in the ledger.
  case paidFor = "paid-for"
}

/// A value that is free to leave: no private image took part in it, or what took part was paid for.
public struct Releasable<Value> {
  /// The value.
  public let value: Value
  /// Why it may leave.
  public let reason: ReleaseReason

  /// Declares that `value` may leave, for the stated reason.
  public init(_ value: Value, _ reason: ReleaseReason) {
    self.value = value
    self.reason = reason
  }

  /// What is computed from a releasable value alone is releasable for the same reason.
  public func map<Result>(_ transform: (Value) throws -> Result) rethrows -> Releasable<Result> {
    Releasable<Result>(try transform(value), reason)
  }

  /// What is computed from two releasable values is releasable; the reason of `other` is kept,
  /// since the first is usually the synthetic set.
  public func map<Other, Result>(
    with other: Releasable<Other>, _ transform: (Value, Other) throws -> Result
  ) rethrows -> Releasable<Result> {
    Releasable<Result>(try transform(value, other.value), other.reason)
  }
}

extension Sensitive: Sendable where Value: Sendable {}
extension Releasable: Sendable where Value: Sendable {}
