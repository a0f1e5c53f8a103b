import Evaluation
import Models
import Privacy

/// `class_counts.json`: the number of images of each class, with noise.
struct ClassCountsAnswer: HistogramAnswer, Hashable {
  /// The noisy number of images of each class; it may be negative.
  let counts: [String: Int]
  /// The noise on each count.
  let standardDeviation: Double
  /// The most images of one unit, all of which the noise hides.
  let imagesPerUnit: Int
  /// The cost of this answer alone, and its delta.
  let epsilon: Double, delta: Double

  private enum CodingKeys: String, CodingKey {
    case counts, epsilon, delta
    case standardDeviation = "standard_deviation"
    case imagesPerUnit = "images_per_unit"
  }

  static let request = "class-counts"
  static let phase = "class counts"
  static let purpose = "a noisy count of the images of each class"
  static let needsDrawnImages = false
  static let name = "class_counts.json"

  static func prepare(
    _ inputs: AnswerInputs, _ query: CountQuery
  ) throws -> Histogram<ClassCountsAnswer> {
    Histogram {
      inputs.snapshot.classCounts(ofUnitsUpTo: query.sensitivity)
    } file: {
      make($0, classes: inputs.classes, query, delta: inputs.delta)
    }
  }

  /// The file's content, from the answer to the query.
  private static func make(
    _ answer: Releasable<[Int]>, classes: [String], _ query: CountQuery, delta: Double
  ) -> Releasable<ClassCountsAnswer> {
    answer.map {
      ClassCountsAnswer(
        counts: Dictionary(uniqueKeysWithValues: zip(classes, $0)),
        standardDeviation: query.standardDeviation, imagesPerUnit: query.sensitivity,
        epsilon: query.epsilon, delta: delta)
    }
  }

  var words: String {
    "\(Self.name): images of each class, with noise of standard deviation \(standardDeviation)"
  }

  var table: ReportTable {
    ReportTable(
      caption: "Real images of each class, each number with noise of standard deviation "
        + "\(standardDeviation)",
      columns: ["Class", "Images"],
      rows: counts.sorted { $0.key < $1.key }.map { [$0.key, String($0.value)] })
  }

  var contents: String {
    "`\(Self.name)`: real images of each class, with noise that was paid for"
  }
}
