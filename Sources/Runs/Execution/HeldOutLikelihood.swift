import Compute
import Evaluation
import Learning
import Models
@_spi(PrivateZone) import Privacy

/// The likelihood of held-out images under a model, at evenly spaced steps of a training: the curve that
/// shows when it is trained enough.
///
/// The images are real and their use is not charged, so the curve is never released, and in a private run it
/// decides nothing: if it could end the run, the run's length would reveal something about the images.
struct HeldOutLikelihood {
  /// The curve.
  static let curve = TrainingCurve.heldOutBitsPerDimension
  /// Points over a whole training.
  static let pointCount = 24
  /// A model is trained enough after this many points in a row without a new best.
  static let patience = 3
  /// The relative improvement that a new best needs: smaller gains are not worth further training.
  private static let leastGain = 0.0005
  /// The number of images per point, so that a point costs about as much as a few steps.
  private static let imageCount = 500

  private let model: any LikelihoodModel
  private let images: LabelledImages
  private let points: Set<Int>
  private let endsTraining: Bool
  private var best = Double.infinity
  /// Points since the best one.
  private var sinceBest = 0

  /// The curve of `model` over a training of `steps` steps on some of `images`.
  ///
  /// - Parameters:
  ///   - earlier: the values that an interrupted attempt measured.
  ///   - ending: the administrator's permission to train without privacy, if the curve may end the
  ///     training.
  init(
    of model: any LikelihoodModel, on images: Sensitive<LabelledImages>, steps: Int, seed: UInt64,
    earlier: [Double], ending: UnprotectedTraining?
  ) {
    self.model = model
    let all = images.revealed()
    self.images = all.sample(min(Self.imageCount, all.count), seed: seed)
    points = Set((1...Self.pointCount).map { max(1, steps * $0 / Self.pointCount) })
    endsTraining = ending != nil
    for value in earlier { note(value) }
  }

  /// Whether the training may end because the last points brought no improvement.
  var isSettled: Bool { endsTraining && sinceBest >= Self.patience }

  /// Measures the likelihood if a point is due after `step`.
  mutating func measure(after step: Int) -> Sensitive<Double>? {
    guard points.contains(step), images.count > 0 else { return nil }
    let value = model.bitsPerDimension(
      of: LabelledExamples(images: images, places: 0..<images.count))
    note(value)
    return Sensitive(value)
  }

  private mutating func note(_ value: Double) {
    if best.isFinite, value > best * (1 - Self.leastGain) {
      sinceBest += 1
    } else {
      (best, sinceBest) = (value, 0)
    }
  }
}
