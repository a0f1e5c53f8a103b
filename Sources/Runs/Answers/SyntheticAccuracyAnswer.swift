import Control
import Datasets
import Evaluation
import Models
import Privacy

/// `accuracy.json`: the train-on-synthetic accuracy, which is the noisy share of real images that a
/// classifier trained only on synthetic ones classifies correctly.
struct SyntheticAccuracyAnswer: HistogramAnswer, Hashable {
  /// The noisy number of real images classified correctly; it may be negative.
  let right: Int
  /// The noisy numbers of correct and incorrect ones together: their noises add.
  let of: Int
  /// The share of correct ones; nil when noise leaves nothing of `of`.
  let accuracy: Double?
  /// The interval of the accuracy without noise; it covers no other images or classifiers.
  let interval: Interval
  /// The noise on the number of correct ones, and on that of incorrect ones.
  let standardDeviation: Double
  /// The most images of one unit, all of which the noise hides.
  let imagesPerUnit: Int
  /// The cost of this answer alone, and its delta.
  let epsilon: Double, delta: Double
  /// The kind of network.
  let classifier: ClassifierKind
  /// The synthetic images of the run's model that trained the classifier.
  let syntheticImages: Int
  /// The real images that were counted.
  let realImages: String
  /// The share of the right ones for the classifier that learnt a private teacher's probabilities, and where it
  /// lies without noise; nil without a teacher.
  let accuracyWithTeacher: Double?
  let intervalWithTeacher: Interval?

  private enum CodingKeys: String, CodingKey {
    case right, of, accuracy, interval, epsilon, delta, classifier
    case standardDeviation = "standard_deviation"
    case imagesPerUnit = "images_per_unit"
    case syntheticImages = "synthetic_images"
    case realImages = "real_images"
    case accuracyWithTeacher = "accuracy_with_teacher"
    case intervalWithTeacher = "interval_with_teacher"
  }

  static let request = "accuracy"
  static let phase = "train-on-synthetic accuracy"
  static let formerPhase: String? = "score"
  static let purpose =
    "a noisy count of the real images that a classifier of synthetic ones gets right"
  static let needsDrawnImages = true
  static let name = "accuracy.json"
  static let formerName: String? = "score.json"

  /// The number of images in memory at a time.
  private static let block = 4096

  /// Refuses a single class: a classifier would always be right.
  static func require(classes: [String]) throws(ControlError) {
    guard classes.count < 2 else { return }
    throw .invalid(
      "answers: \(request): the dataset has \(classes.count) class (2 or more expected), so a "
        + "classifier is always right. Do not request it.")
  }

  static func prepare(
    _ inputs: AnswerInputs, _ query: CountQuery
  ) throws -> Histogram<SyntheticAccuracyAnswer> {
    guard let drawn = inputs.drawn else {
      preconditionFailure("the accuracy is asked after the images are drawn")
    }
    // Post-processing of the model: it costs no privacy.
    let classifier = try SyntheticClassifier(
      trainedOn: drawn, seed: inputs.seed &+ 3, on: inputs.machine, progress: inputs.progress)
    return Histogram {
      outcomes(of: classifier, inputs, ofUnitsUpTo: query.sensitivity)
    } file: {
      make($0, classifier, query, delta: inputs.delta)
    }
  }

  /// Correct and incorrect answers over all images: a histogram of images, whatever the classifiers; nil if it was
  /// abandoned.
  private static func outcomes(
    of classifier: SyntheticClassifier, _ inputs: AnswerInputs, ofUnitsUpTo largest: Int
  ) -> Sensitive<[Int]>? {
    let snapshot = inputs.snapshot
    snapshot.requireUnits(ofUpTo: largest)
    var sum = Sensitive([Int](repeating: 0, count: classifier.hasTeacher ? 4 : 2))
    for first in stride(from: 0, to: snapshot.count, by: block) {
      if inputs.shouldStop() { return nil }
      let places = first..<min(snapshot.count, first + block)
      let images = Sensitive(
        snapshot.labelledImages(at: places, classNames: inputs.classes))
      sum = sum.map(with: classifier.outcomes(for: images)) { zip($0, $1).map { $0 + $1 } }
    }
    return sum
  }

  /// The file's content, from the noisy numbers of correct and incorrect ones, or of both for two classifiers.
  private static func make(
    _ answer: Releasable<[Int]>, _ classifier: SyntheticClassifier, _ query: CountQuery,
    delta: Double
  ) -> Releasable<SyntheticAccuracyAnswer> {
    let deviation = query.standardDeviation
    // A rounded number also has the variance of the rounding.
    let rounded = (deviation * deviation + 1.0 / 12).squareRoot()
    return answer.map { counts in
      // For two classifiers, each number of right ones is the sum of two noisy numbers.
      let isTaught = counts.count == 4
      let terms = Double(isTaught ? 2 : 1).squareRoot()
      let total = counts.reduce(0, +)
      let right = isTaught ? counts[0] + counts[1] : counts[0]
      let share = NoisyShare(
        right, beside: total - right, standardDeviation: terms * rounded)
      let taught =
        isTaught
        ? NoisyShare(
          counts[0] + counts[2], beside: counts[1] + counts[3], standardDeviation: terms * rounded)
        : nil
      return SyntheticAccuracyAnswer(
        right: right, of: total, accuracy: share.value, interval: share.interval,
        standardDeviation: terms * deviation, imagesPerUnit: query.sensitivity,
        epsilon: query.epsilon,
        delta: delta, classifier: SyntheticClassifier.kind,
        syntheticImages: classifier.trainCount,
        realImages: "those that the model was trained on, not unseen ones",
        accuracyWithTeacher: taught?.value, intervalWithTeacher: taught?.interval)
    }
  }

  var words: String {
    "\(Self.name): how many of the training images a classifier gets right that learnt from "
      + "synthetic ones alone, with noise of standard deviation \(standardDeviation)"
  }

  var contents: String {
    "`\(Self.name)`: \(value), with noise that was paid for"
  }

  var table: ReportTable {
    ReportTable(
      caption: "Usefulness of the synthetic images", columns: ["", ""],
      rows: [["Train-on-synthetic accuracy", value]])
  }

  /// The accuracy in words.
  private var value: String {
    let accuracy = accuracy.map { "\(Self.percent($0)) %" } ?? "an unknown share"
    return
      "a classifier (\(classifier.rawValue)) trained only on \(Rounded.count(syntheticImages)) synthetic "
      + "images classifies \(accuracy) of the real training images correctly "
      + "(\(Self.percent(interval.low)) % to \(Self.percent(interval.high)) % for the noise)\(valueWithTeacher)"
  }

  /// The accuracy with a teacher's probabilities in words; empty without a teacher.
  private var valueWithTeacher: String {
    guard let interval = intervalWithTeacher else { return "" }
    let accuracy = accuracyWithTeacher.map { "\(Self.percent($0)) %" } ?? "an unknown share"
    return "; with the private teacher's probabilities as labels, \(accuracy) "
      + "(\(Self.percent(interval.low)) % to \(Self.percent(interval.high)) %)"
  }

  var accuracyForVerdict: PaidAccuracy? { PaidAccuracy(accuracy: accuracy, interval: interval) }

  private static func percent(_ share: Double) -> Double { (1000 * share).rounded() / 10 }
}
