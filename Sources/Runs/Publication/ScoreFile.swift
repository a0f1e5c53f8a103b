import Control
import Evaluation
import Privacy

/// `score.json`: how many of the real images a classifier gets right that learnt from the synthetic
/// ones alone, with noise.
struct ScoreFile: PaidAnswer, Hashable {
  /// Real images that are classified rightly, with noise; it may be below zero.
  let right: Int
  /// The right and the wrong ones together: their noises add.
  let of: Int
  /// The share of the right ones; nil when noise leaves nothing of `of`.
  let accuracy: Double?
  /// Where the accuracy without noise lies; it tells nothing of other images or classifiers.
  let interval: Interval
  /// The noise on the right and on the wrong ones, each.
  let standardDeviation: Double
  /// The most images of one unit, all of which the noise hides.
  let imagesPerUnit: Int
  /// What the answer alone cost, and the delta of that.
  let epsilon: Double, delta: Double
  /// The kind of network.
  let classifier: ClassifierKind
  /// Synthetic images of the run's model that it learnt from.
  let syntheticImages: Int
  /// Which real images were counted.
  let realImages: String

  private enum CodingKeys: String, CodingKey {
    case right, of, accuracy, interval, epsilon, delta, classifier
    case standardDeviation = "standard_deviation"
    case imagesPerUnit = "images_per_unit"
    case syntheticImages = "synthetic_images"
    case realImages = "real_images"
  }

  static let question = RunQuestion.score
  static let name = "score.json"

  /// What the file holds after the answer to a question: right and wrong.
  static func make(
    _ answer: Releasable<[Int]>, _ classifier: SyntheticClassifier, _ query: CountQuery,
    delta: Double
  ) -> Releasable<ScoreFile> {
    let deviation = query.standardDeviation
    // A rounded number has the variance of the rounding too.
    let rounded = (deviation * deviation + 1.0 / 12).squareRoot()
    return answer.map {
      let share = NoisyShare($0[0], beside: $0[1], standardDeviation: rounded)
      return ScoreFile(
        right: $0[0], of: $0[0] + $0[1], accuracy: share.value, interval: share.interval,
        standardDeviation: deviation, imagesPerUnit: query.sensitivity, epsilon: query.epsilon,
        delta: delta, classifier: SyntheticClassifier.kind,
        syntheticImages: classifier.trainCount,
        realImages: "those that the model was trained on, not unseen ones")
    }
  }

  var words: String {
    "\(Self.name): how many of the training images a classifier gets right that learnt from "
      + "synthetic ones alone, with noise of standard deviation \(standardDeviation)"
  }

  var contents: String {
    "`\(Self.name)`: \(value), with noise that was paid for"
  }

  var fact: (name: String, value: String)? {
    ("Usefulness", value)
  }

  /// The score in words.
  private var value: String {
    let accuracy = accuracy.map { "\(Self.percent($0)) %" } ?? "an unknown share"
    return
      "a classifier (\(classifier.rawValue)) that learnt from \(Rounded.count(syntheticImages)) synthetic "
      + "images alone gets \(accuracy) of the real images right that the model was trained on "
      + "(\(Self.percent(interval.low)) % to \(Self.percent(interval.high)) % for the noise)"
  }

  private static func percent(_ share: Double) -> Double { (1000 * share).rounded() / 10 }
}
