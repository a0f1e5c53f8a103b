import Compute

/// All distances between an image set and real images in one feature space.
public struct FeatureComparison: Sendable {
  /// The Fréchet distance.
  public let frechet: Double
  /// The kernel distance and its standard error.
  public let kernel: Double, kernelError: Double
  /// The overlaps.
  public let precision: Double, recall: Double, density: Double, coverage: Double
}

/// The fidelity of a synthetic set in one feature space, with references for each number.
public struct FidelityFinding: Sendable {
  /// The feature space.
  public let identifier: String, explanation: String
  /// Images of each set.
  public let count: Int
  /// The synthetic set against the hold-out.
  public let synthetic: FeatureComparison
  /// Training images against the hold-out: the best result to expect.
  public let real: FeatureComparison
  /// Degraded training images against the hold-out.
  public let spoilt: [(name: String, comparison: FeatureComparison)]
  /// Fréchet distances of classes with enough images: the label, the distances of the synthetic and of the
  /// real set, and the number of images of each set.
  public let classes: [(label: Int, synthetic: Double, real: Double, count: Int)]
}

/// Compares a synthetic set with real images.
struct FidelityStudy {
  let machine: Machine
  /// Images of each set at most.
  let limit: Int
  /// Images of each set at most in computations over all pairs.
  let pairLimit: Int
  let seed: UInt64

  /// Compares `synthetic` with `holdOut`, with `train` as reference.
  ///
  /// All sets are reduced to the same size, because Fréchet distances depend on it.
  func finding(
    synthetic: LabelledImages, train: LabelledImages, holdOut: LabelledImages,
    features extractor: any FeatureExtractor, wantsClasses: Bool,
    progress: (Double) throws -> Void = { _ in }
  ) rethrows -> FidelityFinding {
    let count = min(limit, synthetic.count, train.count, holdOut.count)
    let own = synthetic.sample(count, seed: seed)
    let real = train.sample(count, seed: seed &+ 1)
    let other = holdOut.sample(count, seed: seed &+ 2)
    let reference = extractor.features(of: other)
    try progress(0.1)
    let frechet = FrechetDistance(
      to: Moments(reference, on: machine.threads), on: machine.threads)
    let ownFeatures = extractor.features(of: own)
    let realFeatures = extractor.features(of: real)
    try progress(0.3)
    let ownComparison = compare(ownFeatures, reference, frechet)
    let realComparison = compare(realFeatures, reference, frechet)
    var spoilt: [(name: String, comparison: FeatureComparison)] = []
    for (index, kind) in SpoiltImages.allCases.enumerated() {
      try progress(0.4 + 0.15 * Double(index))
      guard let images = kind.applied(to: real, seed: seed) else { continue }
      spoilt.append((kind.rawValue, compare(extractor.features(of: images), reference, frechet)))
    }
    return FidelityFinding(
      identifier: extractor.identifier, explanation: extractor.explanation, count: count,
      synthetic: ownComparison, real: realComparison, spoilt: spoilt,
      classes: wantsClasses
        ? classes((own, ownFeatures), (real, realFeatures), (other, reference)) : [])
  }

  private func compare(
    _ features: FeatureMatrix, _ reference: FeatureMatrix, _ frechet: FrechetDistance
  ) -> FeatureComparison {
    let kernel = KernelDistance(features, reference, on: machine)
    let overlap = ManifoldOverlap(
      real: reference.prefix(pairLimit), synthetic: features.prefix(pairLimit), on: machine)
    return FeatureComparison(
      frechet: frechet.distance(to: Moments(features, on: machine.threads)),
      kernel: kernel.value, kernelError: kernel.standardError, precision: overlap.precision,
      recall: overlap.recall, density: overlap.density, coverage: overlap.coverage)
  }

  private typealias Labelled = (images: LabelledImages, features: FeatureMatrix)

  /// Fréchet distances of single classes with equal numbers of images; omits classes with fewer than 50
  /// images in a set.
  private func classes(
    _ own: Labelled, _ real: Labelled, _ other: Labelled
  ) -> [(label: Int, synthetic: Double, real: Double, count: Int)] {
    guard own.images.classNames.count > 1 else { return [] }
    return own.images.classNames.indices.compactMap { label in
      let places = [own, real, other].map { $0.images.places(ofClass: label) }
      let count = places.map(\.count).min() ?? 0
      guard count >= 50 else { return nil }
      func moments(_ set: Labelled, _ places: [Int]) -> Moments {
        Moments(set.features.rows(places.prefix(count)), on: machine.threads)
      }
      let frechet = FrechetDistance(to: moments(other, places[2]), on: machine.threads)
      return (
        label, frechet.distance(to: moments(own, places[0])),
        frechet.distance(to: moments(real, places[1])), count
      )
    }
  }
}
