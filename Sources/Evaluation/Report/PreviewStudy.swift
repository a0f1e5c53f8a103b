public import Compute
public import Privacy

/// How the same synthetic images changed while their model was trained.
///
/// Previews are drawn from the same latent vectors and labels at several steps. Measuring their change needs
/// no real image; measuring their distance to real images does.
public struct PreviewStudy {
  private let sheets: [ProgressSheet]
  private let features: [FeatureMatrix]
  private let extractor: RandomConvolutions
  private let machine: Machine

  /// The smallest side of images for which the features can be computed.
  private static let smallestSide = 8

  /// Computes the features of `sheets` in the order of their steps; nil if there are fewer than two sheets, if
  /// they differ in size or number, or if the images are too small.
  public init?(_ sheets: [ProgressSheet], on machine: Machine) {
    guard let first = sheets.first?.images, sheets.count > 1, first.count > 1,
      min(first.shape[0], first.shape[1]) >= Self.smallestSide,
      sheets.allSatisfy({ $0.images.shape == first.shape && $0.images.labels == first.labels })
    else { return nil }
    self.sheets = sheets
    self.machine = machine
    let extractor = RandomConvolutions(on: machine)
    self.extractor = extractor
    features = sheets.map { extractor.features(of: $0.images) }
  }

  /// The change of an image since the previous preview, in units of the distance between two different images
  /// of the later preview: zero for unchanged images, one for new ones.
  public var drift: TrainingSignal {
    let values = features.indices.dropFirst().map { index -> Double in
      let (before, now) = (features[index - 1], features[index])
      var moved = 0.0
      var apart = 0.0
      for row in 0..<now.count {
        moved += now.squaredDistance(row, to: row, of: before).squareRoot()
        for other in 0..<row { apart += now.squaredDistance(row, to: other, of: now).squareRoot() }
      }
      apart /= Double(now.count - 1) / 2
      return apart > 0 ? moved / apart : 0
    }
    return TrainingSignal(
      name: "Change of the same synthetic images since the previous preview", direction: .target,
      steps: sheets.dropFirst().map { Double($0.step) }, values: values)
  }

  /// The kernel distance of each preview to real images, with its standard error.
  ///
  /// The Fréchet distance would be biased for the few images of a preview.
  public func distance(
    to real: Sensitive<LabelledImages>, seed: UInt64
  ) -> Sensitive<TrainingSignal> {
    // The closure runs synchronously on this thread.
    nonisolated(unsafe) let study = self
    return real.map { study.distance(to: $0, seed: seed) }
  }

  func distance(to real: LabelledImages, seed: UInt64) -> TrainingSignal {
    let count = features[0].count
    let reference = extractor.features(of: real.sample(count, seed: seed))
    // Previews are ordered by class, but the blocks of a kernel distance must not be.
    var stream = SeededStream(seed: seed)
    let order = Array(0..<count).shuffled(using: &stream)
    let distances = features.map { KernelDistance($0.rows(order), reference, on: machine) }
    return TrainingSignal(
      name: "Kernel distance of previews to real images", direction: .lower,
      steps: sheets.map { Double($0.step) }, values: distances.map(\.value),
      errors: distances.map(\.standardError))
  }
}

/// Releasable evidence about the end of a training: it shows change and balance, not quality.
public struct TrainingEnd: Sendable {
  /// The last value of the previews' drift; nil without previews.
  public let drift: Double?
  /// The largest value of the previews' drift; nil without previews.
  public let largestDrift: Double?
  /// What the family's own curve showed at the end, in a sentence; nil without one.
  public let balance: String?

  /// Below this drift the images count as settled.
  static let settledDrift = 0.25

  /// Creates a summary of all values of the previews' drift and a sentence about the family's own curve.
  public init(drifts: [Double], balance: String?) {
    drift = drifts.last
    largestDrift = drifts.max()
    self.balance = balance
  }

  /// Whether the images still changed; nil if unknown.
  var isMoving: Bool? { drift.map { $0 >= Self.settledDrift } }

  /// Whether the images ever changed much; images that never changed cannot have settled.
  private var hasMoved: Bool { (largestDrift ?? 0) >= Self.settledDrift }

  /// One sentence for the top of a report; nil if nothing is known.
  var conclusion: String? {
    isMoving.map {
      if $0 {
        return
          "The images were still changing when training ended: quality may not have reached its maximum,"
          + " and more steps may help."
      }
      return hasMoved
        ? "The images had nearly stopped changing when training ended, which does not mean that they are"
          + " good."
        : "The images hardly changed during the whole training: it was too short, or the noise was too"
          + " strong to learn anything."
    }
  }

  /// The evidence and its interpretation.
  ///
  /// - Parameters:
  ///   - evaluation: the command that measures quality.
  ///   - subject: what the set consists of.
  func paragraphs(evaluation: String, of subject: ReportSubject) -> [String] {
    var paragraphs: [String] = []
    if let drift {
      paragraphs.append(
        "Between the last two previews the same synthetic images moved by "
          + "\(Figures.percent(drift)) of the distance between two different images; less than "
          + "\(Figures.percent(Self.settledDrift)) counts as settled.")
    }
    if let balance { paragraphs.append(balance) }
    if let conclusion { paragraphs.append(conclusion) }
    if !paragraphs.isEmpty {
      paragraphs.append(
        "This evidence needs no real \(subject == .images ? "image" : "row"). It shows change and balance,"
          + " not quality. “\(evaluation)” measures quality with real \(subject.rawValue).")
    }
    return paragraphs
  }
}
