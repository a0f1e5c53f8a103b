import Control
import Datasets
import Evaluation
import Learning
import Models
import Privacy

/// `class_means.json` and `class_means.png`: the mean image of each class at a small size, with noise.
struct ClassMeansAnswer: VectorAnswer, Hashable {
  /// Rows, columns and channels of a mean image.
  let height: Int, width: Int, channels: Int
  /// Levels 0...255 of each class: rows of columns of channels.
  let means: [String: [Int]]
  /// The noise on a level of each class; a class is missing if noise hides its number of images.
  let standardDeviation: [String: Double]
  /// What the answer alone cost, and the delta of that.
  let epsilon: Double, delta: Double

  private enum CodingKeys: String, CodingKey {
    case height, width, channels, means, epsilon, delta
    case standardDeviation = "standard_deviation"
  }

  static let request = "class-means"
  static let phase = "class means"
  static let purpose = "one noisy sum of small copies of all images, by class"
  static let needsDrawnImages = false
  static let name = "class_means.json"
  static let pictureName = "class_means.png"
  static let clipNorm = 1.0

  static func prepare(
    _ inputs: AnswerInputs, _ mechanism: SubsampledGaussian, epsilon: Double
  ) throws -> Vectors<ClassMeansAnswer> {
    let shape = inputs.snapshot.shape
    let means = ClassMeans(
      of: ImageSpecification(
        height: shape.height, width: shape.width, channels: shape.channels,
        classes: inputs.classes))
    return Vectors(sum: means.sum(by: mechanism)) {
      $0.map {
        make(
          means.means(of: $0, noise: mechanism.noiseStandardDeviation), means, inputs,
          epsilon: epsilon)
      }
    }
  }

  private static func make(
    _ found: [ClassMeans.Mean], _ means: ClassMeans, _ inputs: AnswerInputs, epsilon: Double
  ) -> ClassMeansAnswer {
    let names = inputs.classes.isEmpty ? ["all"] : inputs.classes
    let pairs = zip(names, found)
    return ClassMeansAnswer(
      height: means.height, width: means.width, channels: means.channels,
      means: Dictionary(uniqueKeysWithValues: pairs.map { ($0, $1.levels) }),
      standardDeviation: Dictionary(
        uniqueKeysWithValues: pairs.compactMap { name, mean in
          mean.standardDeviation.map { (name, ($0 * 100).rounded() / 100) }
        }),
      epsilon: epsilon, delta: inputs.delta)
  }

  var words: String {
    "\(Self.name): the mean image of each class at \(height)×\(width) pixels, from one noisy sum over all images"
  }

  var contents: String {
    "`\(Self.name)`, `\(Self.pictureName)`: the mean real image of each class at \(height)×\(width) pixels, "
      + "with noise that was paid for"
  }

  var table: ReportTable {
    ReportTable(
      caption: "Mean image of each class (\(Self.pictureName)): noise on a level, of 0 to 255",
      columns: ["Class", "Standard deviation of the noise"],
      rows: means.keys.sorted().map { name in
        [name, standardDeviation[name].map { Rounded.text($0) } ?? "larger than the image"]
      })
  }

  var picture: (name: String, image: Image)? {
    // A stored answer may be damaged.
    let sides = 1...ClassMeans.largestSide
    guard sides.contains(height), sides.contains(width), channels == 1 || channels == 3,
      !means.isEmpty, means.values.allSatisfy({ $0.count == height * width * channels })
    else { return nil }
    let shape = ImageShape(height: height, width: width, channels: channels)
    var sheet = SampleSheet(shape: shape, classCount: (means.count - 1) / SampleSheet.perClass + 1)
    for (index, name) in means.keys.sorted().enumerated() {
      sheet.put(bytes: (means[name] ?? []).map { UInt8(clamping: $0) }, at: index)
    }
    return (Self.pictureName, sheet.image)
  }
}
