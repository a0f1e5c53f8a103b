public import Compute
public import Privacy

/// The request for an evaluation.
public struct EvaluationOptions: Sendable {
  /// The effort.
  public var effort: EvaluationEffort
  /// The seed of every random choice, so that figures can be reproduced.
  public var seed: UInt64
  /// The guarantee of the set: a rival classifier and a baseline generator are trained on real images under the
  /// same one; nil omits both.
  public var rivalBudget: PrivacyBudget?
  /// Whether the model has never seen the test images.
  ///
  /// If it has, no attack is possible, because an attack needs real images that were not used for training.
  /// The report states this.
  public var testIsUnseen: Bool

  /// Creates options.
  public init(
    effort: EvaluationEffort = .standard, seed: UInt64 = 1, rivalBudget: PrivacyBudget? = nil,
    testIsUnseen: Bool = true
  ) {
    self.testIsUnseen = testIsUnseen
    self.effort = effort
    self.seed = seed
    self.rivalBudget = rivalBudget
  }
}

/// The progress of an evaluation.
public struct EvaluationProgress: Hashable, Sendable {
  /// The current activity, for example "features: scattering".
  public let stage: String
  /// The completed share of all work.
  public let share: Double
}

/// Results about a synthetic set that need no real image.
public struct SyntheticFindings: Sendable {
  /// The number of images.
  public let count: Int
  /// The number of images of each class.
  public let classCounts: [Int]
  /// The number of images that equal an earlier one to the last bit.
  public let duplicateCount: Int
  /// The number of images that show nothing: no channel spans more than `blankSpan` levels.
  public let blankCount: Int
  /// The number of images that show something and equal an earlier one.
  public let shownDuplicateCount: Int
  /// Statistics of the pixels.
  public let pixels: PixelStatistics

  /// Classes without an image.
  public var missingClasses: [Int] { classCounts.indices.filter { classCounts[$0] == 0 } }

  /// The share of repeated images.
  public var duplicateShare: Double { Double(duplicateCount) / Double(max(1, count)) }

  /// The share of images that show nothing.
  public var blankShare: Double { Double(blankCount) / Double(max(1, count)) }

  /// The share of images that show something and equal an earlier one.
  public var shownDuplicateShare: Double { Double(shownDuplicateCount) / Double(max(1, count)) }

  /// Of 255 levels: a difference that nobody sees on a screen.
  private static let blankSpan: UInt8 = 8

  /// The median distance of an image to the nearest other image of its class, relative to that between any
  /// two images, of images that show something; nil for classes with fewer than ten of them.
  public let classVariety: [Double?]

  /// Classes that consist of a few images with slight changes; `ClassVariety` describes the
  /// calibration.
  public var collapsedClasses: [Int] {
    classVariety.indices.filter { (classVariety[$0] ?? 1) < ClassVariety.collapse }
  }

  /// Examines a set.
  public init(_ images: LabelledImages, on threads: ThreadPool) {
    let isBlank = (0..<images.count).map {
      Self.isBlank(images[$0], channelCount: images.shape[2])
    }
    func repeats(among places: [Int]) -> Int {
      places.count - Set(places.map { images[$0] }).count
    }
    let shown = isBlank.indices.filter { !isBlank[$0] }
    let blank = isBlank.indices.filter { isBlank[$0] }
    blankCount = blank.count
    shownDuplicateCount = repeats(among: shown)
    // No blank image equals one that shows something.
    duplicateCount = shownDuplicateCount + repeats(among: blank)
    classVariety =
      ClassVariety(blank.isEmpty ? images : images.images(at: shown)).values
    count = images.count
    classCounts = images.classCounts
    pixels = PixelStatistics(images, on: threads)
  }

  private static func isBlank(_ image: ArraySlice<UInt8>, channelCount: Int) -> Bool {
    (0..<channelCount).allSatisfy { channel in
      var (least, most) = (UInt8.max, UInt8.min)
      for place in stride(from: image.startIndex + channel, to: image.endIndex, by: channelCount) {
        least = min(least, image[place])
        most = max(most, image[place])
      }
      return most - least <= blankSpan
    }
  }
}

/// How a classifier trained on real images labels synthetic ones.
public struct LabelAgreement: Sendable {
  /// The share of synthetic images that it assigns to their own label, and the same for real test images.
  public let synthetic: Double, real: Double
  /// How many synthetic images it assigns to each class, and how many real test images.
  public let predictedCounts: [Int], predictedCountsOfReal: [Int]

  /// Classes to which it assigns far fewer synthetic images than real ones.
  ///
  /// A classifier of few images knows some classes badly; then it finds few real images of them as well.
  var rareClasses: [Int] {
    let (own, real) = (predictedCounts.reduce(0, +), predictedCountsOfReal.reduce(0, +))
    return predictedCounts.indices.filter {
      Double(predictedCounts[$0]) * Double(real)
        < 0.2 * Double(predictedCountsOfReal[$0]) * Double(own)
    }
  }
}

/// Results that depend on real images.
public struct RealFindings: Sendable {
  /// The number of images of the training and of the test set.
  public let trainCount: Int, testCount: Int
  /// The number of training images of each class.
  public let classCounts: [Int]
  /// The share of test images that are of the class with the most training images: the accuracy of always naming it.
  public let guessingAccuracy: Double
  /// Statistics of the test images' pixels, and of the training images'.
  public let testPixels: PixelStatistics, trainPixels: PixelStatistics
  /// Distances in each feature space.
  public let fidelity: [FidelityFinding]
  /// Classifiers; empty without classes.
  public let utility: [UtilityFinding]
  /// The classifier that is trained on real images with differential privacy.
  public let rival: PrivateRivalFinding?
  /// What the images of the cheapest private generator are good for.
  public let baseline: BaselineFinding?
  /// What a classifier trained on real images thinks of the synthetic images' labels.
  public let labelAgreement: LabelAgreement?
  /// Attacks; nil if the model has seen the test images.
  public let attacks: AttackFindings?
  /// De-identified sets beside the synthetic one; nil if the model has seen the test images.
  public let alternatives: AlternativeFindings?
}

/// All results of an evaluation, in two zones.
public struct EvaluationFindings: Sendable {
  /// The classes of all sets.
  public let classNames: [String]
  /// The results of the synthetic images alone.
  public let synthetic: Releasable<SyntheticFindings>
  /// Results that depend on real images.
  public let real: Sensitive<RealFindings>
  /// The request.
  public let options: EvaluationOptions
}

/// Evaluates a synthetic set against the real images that it replaces.
///
/// The real images are `Sensitive`, so everything computed from them is too.
public struct Evaluator {
  private let machine: Machine
  private let options: EvaluationOptions

  /// The smallest number of images of a set with meaningful figures.
  public static let smallestSet = 100
  /// The smallest side of images with classes: a classifier has two convolutions of 3×3 without padding, and halves
  /// what they leave.
  public static let smallestSide = 6

  /// Creates an evaluator that computes on `machine`.
  public init(_ options: EvaluationOptions, on machine: Machine) {
    self.options = options
    self.machine = machine
  }

  /// Evaluates.
  ///
  /// - Parameter progress: Called periodically on the caller's thread; an error that it throws ends the
  ///   evaluation.
  /// - Throws: `EvaluationError.tooFewImages`; errors of the rival's calibration.
  public func findings(
    synthetic: Releasable<LabelledImages>, train: Sensitive<LabelledImages>,
    test: Sensitive<LabelledImages>,
    progress: @escaping (EvaluationProgress) throws -> Void = { _ in }
  ) throws -> EvaluationFindings {
    let seed = options.seed
    let limit = options.effort.syntheticLimit
    let sample = synthetic.map { $0.sample(limit, seed: seed) }
    try Self.check(sample.value, "synthetic")
    try Self.checkSize(sample.value)
    let own = sample.map { SyntheticFindings($0, on: machine.threads) }
    // Called on this thread only.
    nonisolated(unsafe) let progress = progress
    let real = try train.map(with: test) { [machine, options] train, test in
      try Self.check(train, "training")
      try Self.check(test, "test")
      return try Run(
        machine: machine, options: options, synthetic: sample.value, train: train, test: test,
        progress: progress
      ).findings()
    }
    return EvaluationFindings(
      classNames: synthetic.value.classNames, synthetic: own, real: real, options: options)
  }

  private static func check(_ images: LabelledImages, _ set: String) throws {
    guard images.count >= smallestSet else {
      throw EvaluationError.tooFewImages(set: set, found: images.count, expected: smallestSet)
    }
  }

  /// Without classes, no classifier is trained, and images may have any size.
  private static func checkSize(_ images: LabelledImages) throws {
    let shape = images.shape
    guard images.classNames.count < 2 || min(shape[0], shape[1]) >= smallestSide else {
      throw EvaluationError.imagesTooSmall(
        height: shape[0], width: shape[1], expected: smallestSide)
    }
  }

  /// One evaluation in progress.
  private struct Run {
    let machine: Machine
    let options: EvaluationOptions
    let synthetic: LabelledImages, train: LabelledImages, test: LabelledImages
    let progress: (EvaluationProgress) throws -> Void

    private var hasClasses: Bool { synthetic.classNames.count > 1 }

    func findings() throws -> RealFindings {
      let (utility, classifier) = try runUtility()
      let rival = try runRival()
      let baseline = try runBaseline()
      let fidelity = try runFidelity(classifier)
      let attacks = try runAttacks()
      let alternatives = try attacks.map(runAlternatives)
      try report("done", 1)
      return RealFindings(
        trainCount: train.count, testCount: test.count, classCounts: train.classCounts,
        guessingAccuracy: test.share(ofLargestClassOf: train),
        testPixels: PixelStatistics(test, on: machine.threads),
        trainPixels: PixelStatistics(
          train.sample(test.count, seed: options.seed), on: machine.threads),
        fidelity: fidelity, utility: utility, rival: rival,
        baseline: baseline,
        labelAgreement: classifier.map(agreement), attacks: attacks, alternatives: alternatives)
    }

    private func runAttacks() throws -> AttackFindings? {
      guard options.testIsUnseen else { return nil }
      try report("attacks", 0.85)
      return try AttackStudy(
        machine: machine, limit: options.effort.attackLimit, seed: options.seed
      ).findings(synthetic: synthetic, train: train, holdOut: test) {
        try report("attacks", 0.85 + 0.1 * $0)
      }
    }

    private func runAlternatives(_ attacks: AttackFindings) throws -> AlternativeFindings {
      try AlternativeStudy(
        machine: machine, limit: options.effort.attackLimit, seed: options.seed
      ).findings(
        synthetic: synthetic, train: train, holdOut: test, attacks: attacks.attacks
      ) {
        try report("de-identified images", 0.95 + 0.05 * $0)
      }
    }

    private func runUtility() throws -> ([UtilityFinding], Classifier?) {
      guard hasClasses else { return ([], nil) }
      let study = UtilityStudy(machine: machine, effort: options.effort, seed: options.seed)
      var kept: Classifier?
      // The convolutional network takes nearly all of the time.
      let shares: [ClassifierKind: (Double, Double)] = [
        .logisticRegression: (0, 0.02), .perceptron: (0.02, 0.08), .convolutional: (0.08, 0.5),
      ]
      let findings = try ClassifierKind.allCases.map { kind in
        let (from, to) = shares[kind] ?? (0, 0)
        return try study.finding(
          kind, synthetic: synthetic, train: train, test: test,
          progress: {
            try report("utility: \(kind.title.lowercased())", from + (to - from) * $0)
          },
          kept: { if kind == .convolutional { kept = $0 } })
      }
      return (findings, kept)
    }

    private func runRival() throws -> PrivateRivalFinding? {
      guard hasClasses, let budget = options.rivalBudget else { return nil }
      return try UtilityStudy(machine: machine, effort: options.effort, seed: options.seed)
        .privateRival(train: train, test: test, budget: budget) {
          try report("utility: classifier trained with privacy", 0.5 + 0.1 * $0)
        }
    }

    private func runBaseline() throws -> BaselineFinding? {
      guard hasClasses, let budget = options.rivalBudget else { return nil }
      return try UtilityStudy(machine: machine, effort: options.effort, seed: options.seed)
        .baseline(train: train, test: test, budget: budget, count: synthetic.count) {
          try report("utility: baseline generator", 0.6 + 0.1 * $0)
        }
    }

    private func runFidelity(_ classifier: Classifier?) throws -> [FidelityFinding] {
      let study = FidelityStudy(
        machine: machine, limit: options.effort.fidelityLimit,
        pairLimit: options.effort.pairLimit, seed: options.seed)
      var extractors: [any FeatureExtractor] = [
        Scattering(on: machine), RandomConvolutions(on: machine),
      ]
      if let classifier { extractors.append(ClassifierFeatures(classifier)) }
      return try extractors.enumerated().map { index, extractor in
        let from = 0.7 + 0.15 * Double(index) / Double(extractors.count)
        return try study.finding(
          synthetic: synthetic, train: train, holdOut: test, features: extractor,
          wantsClasses: index == 0
        ) { try report("features: \(extractor.name)", from + 0.15 * $0 / Double(extractors.count)) }
      }
    }

    private func agreement(_ classifier: Classifier) -> LabelAgreement {
      let sample = synthetic.sample(10_000, seed: options.seed)
      let (own, real) = (classifier.predictions(for: sample), classifier.predictions(for: test))
      let counts = { (predictions: [Int]) in
        predictions.reduce(into: [Int](repeating: 0, count: synthetic.classNames.count)) {
          $0[$1] += 1
        }
      }
      return LabelAgreement(
        synthetic: Double(Classifier.agreement(own, sample.labels)) / Double(sample.count),
        real: Double(Classifier.agreement(real, test.labels)) / Double(test.count),
        predictedCounts: counts(own), predictedCountsOfReal: counts(real))
    }

    private func report(_ stage: String, _ share: Double) throws {
      try progress(EvaluationProgress(stage: stage, share: share))
    }
  }
}
