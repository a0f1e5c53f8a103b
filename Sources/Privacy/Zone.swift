/// A value that was computed from private images and that no noise protects.
///
/// It can be converted to other sensitive values but not to a releasable one: no such function
/// exists. It has two exits, both behind a door that a source file must open by name,
/// `@_spi(PrivateZone) import Privacy`: into files that never leave the operator's directory, and
/// through a mechanism that the ledger was charged for. Any other file that reads the value does
/// not compile, and a test holds the list of the files that open the door.
public struct Sensitive<Value> {
  private let value: Value

  /// Marks a value as computed from private images.
  public init(_ value: Value) {
    self.value = value
  }

  /// A value computed from a sensitive value is sensitive.
  ///
  /// `transform` is sendable so that it cannot write its argument into a variable outside.
  public func map<Result>(
    _ transform: @Sendable (Value) throws -> Result
  ) rethrows -> Sensitive<Result> {
    Sensitive<Result>(try transform(value))
  }

  /// A value computed from a sensitive value and any other is sensitive.
  public func map<Other, Result>(
    with other: Sensitive<Other>, _ transform: @Sendable (Value, Other) throws -> Result
  ) rethrows -> Sensitive<Result> {
    Sensitive<Result>(try transform(value, other.value))
  }

  /// The value itself, for a file that is not released or for a mechanism that was paid for.
  @_spi(PrivateZone)
  public func revealed() -> Value { value }
}

/// Why a value may be released.
public enum ReleaseReason: String, Hashable, Sendable, Codable {
  /// Computed from synthetic images or from the trained model alone: differential privacy is
  /// closed under such post-processing.
  case postProcessing = "post-processing"
  /// A setting that was chosen before any private image was read.
  case chosenBeforehand = "chosen-beforehand"
  /// Computed from images that their owner declared public.
  case publicImages = "public-images"
  /// Noised by a mechanism whose cost the ledger records.
  case paidFor = "paid-for"
}

/// A value that may be released: it contains nothing of private images, or a mechanism paid for what it
/// contains.
public struct Releasable<Value> {
  /// The value.
  public let value: Value
  /// Why it may be released.
  public let reason: ReleaseReason

  /// Declares that `value` may be released, for the stated reason.
  public init(_ value: Value, _ reason: ReleaseReason) {
    self.value = value
    self.reason = reason
  }

  /// A value computed from a releasable value alone is releasable for the same reason.
  public func map<Result>(_ transform: (Value) throws -> Result) rethrows -> Releasable<Result> {
    Releasable<Result>(try transform(value), reason)
  }

  /// A value computed from two releasable values is releasable; the reason of `other` is kept,
  /// because the first is usually the synthetic set.
  public func map<Other, Result>(
    with other: Releasable<Other>, _ transform: (Value, Other) throws -> Result
  ) rethrows -> Releasable<Result> {
    Releasable<Result>(try transform(value, other.value), other.reason)
  }
}

/// The administrator's permission to train without privacy.
///
/// Every update along gradients that no noise protects requires it, so a private run, which has
/// none, cannot take that path. It can be made only behind its own door,
/// `@_spi(Administrator) import Privacy`, where the administrator's policy is read.
public struct UnprotectedTraining: Sendable {
  /// Grants the permission.
  @_spi(Administrator)
  public init() {}
}

/// How the private examples of a run are protected.
public enum Protection: Sendable {
  /// By clipping and noise.
  case noise(SubsampledGaussian)
  /// By nothing.
  case none(UnprotectedTraining)

  /// The mechanism; nil without privacy.
  public var mechanism: SubsampledGaussian? {
    switch self {
    case .noise(let mechanism): mechanism
    case .none: nil
    }
  }
}

extension Sensitive: Sendable where Value: Sendable {}
extension Releasable: Sendable where Value: Sendable {}
