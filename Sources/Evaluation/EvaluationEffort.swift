/// The effort of an evaluation.
public enum EvaluationEffort: String, Hashable, Sendable, Codable, CaseIterable {
  /// About two minutes on two cores for small grey images: at most 10 000 synthetic images.
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

  func schedule(for kind: ClassifierKind) -> ClassifierSchedule {
    switch (self, kind) {
    case (_, .convolutional):
      ClassifierSchedule(epochs: self == .thorough ? 10 : 2, shift: Self.shift)
    case (.thorough, _): ClassifierSchedule(epochs: 10)
    case (.standard, _): ClassifierSchedule(epochs: 8)
    case (.quick, _): ClassifierSchedule(epochs: 10)
    }
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
