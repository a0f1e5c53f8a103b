import Compute

/// The effort of an evaluation.
public enum EvaluationEffort: String, Hashable, Sendable, Codable, CaseIterable {
  /// About three minutes on two cores for small grey images: at most 10 000 synthetic images.
  case quick
  /// About ten minutes: at most 60 000 synthetic images.
  case standard
  /// The published protocol: ten epochs, three seeds for every classifier.
  case thorough

  /// Synthetic images to examine.
  public var syntheticLimit: Int { self == .quick ? 10_000 : 60_000 }

  /// Images of each set in Fréchet and kernel distances.
  var fidelityLimit: Int { self == .quick ? 5000 : 10_000 }

  /// Images of each set in computations over all pairs.
  var pairLimit: Int { self == .quick ? 4000 : 10_000 }

  /// Images that a classifier is trained on, its hold-out included.
  var trainingLimit: Int { self == .quick ? 10_000 : 60_000 }

  /// Members in a membership attack, and the same number of non-members.
  var attackLimit: Int { self == .quick ? 2000 : 5000 }

  /// The largest random shift of the convolutional network's training images, in pixels.
  static let shift = 2

  /// The fewest steps of a classifier.
  ///
  /// Two passes over 1,000 images are 32 steps, in which a network learns next to nothing: it would say the same of
  /// good images and of noise.
  static let leastSteps = 1000

  /// The same for images of a shape: a quick evaluation of large images makes fewer, but never fewer than 250.
  private func leastSteps(for shape: Shape) -> Int {
    self == .quick
      ? max(250, min(Self.leastSteps, Self.leastSteps * 32 * 32 / (shape[0] * shape[1])))
      : Self.leastSteps
  }

  /// The schedule of a classifier of images of a shape.
  func schedule(for kind: ClassifierKind, of shape: Shape) -> ClassifierSchedule {
    let isConvolutional = kind == .convolutional
    let epochs =
      switch self {
      case .quick: isConvolutional ? 2 : 10
      case .standard: isConvolutional ? 2 : 8
      case .thorough: 10
      }
    return ClassifierSchedule(
      epochs: epochs, leastSteps: leastSteps(for: shape),
      shift: isConvolutional ? Self.shift : 0)
  }

  func seedCount(for kind: ClassifierKind) -> Int { 3 }

  func realSeedCount(for kind: ClassifierKind) -> Int {
    self == .thorough || kind != .convolutional ? 3 : 1
  }

  var privateEpochs: Int {
    switch self {
    case .quick: 4
    case .standard: 8
    case .thorough: 40
    }
  }

  /// Steps of the generator that a set should beat.
  var baselineSteps: Int { self == .quick ? 400 : 2000 }

  var privateSeedCount: Int { self == .quick ? 1 : 3 }
}
