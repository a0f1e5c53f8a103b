/// A training that this project measured: an entry of `Models/measurements.yaml`.
///
/// Its figures are public: each is in the header of its recipe too. What was not measured is nil.
public struct Measurement: Codable, Hashable, Sendable {
  /// The recipe that was trained.
  public let recipe: String
  /// The family of its models.
  public let family: String
  /// Rows of its images, in pixels.
  public let height: Int
  /// Columns of its images, in pixels.
  public let width: Int
  /// Channels of its images: 1 or 3.
  public let channels: Int
  /// The batch of the run; nil for a family without noisy steps.
  public let batchSize: Int?
  /// Steps of the run on private images; nil as above.
  public let steps: Int?
  /// Other fields of the recipe that the run changed, by their paths.
  public let settings: [String: Double]?
  /// The data set, in a few words.
  public let data: String
  /// Training images, each a unit of privacy.
  public let images: Int
  /// Classes of the data set.
  public let classes: Int
  /// The epsilon of the run; nil without privacy.
  public let epsilon: Double?
  /// Its delta; nil without privacy.
  public let delta: Double?
  /// Drawn images that a classifier learnt from.
  public let drawn: Int?
  /// The share of real test images that it classifies correctly, in percent.
  public let accuracy: Double?
  /// The 95 % interval of the accuracy: its ends, in percent.
  public let interval: [Double]?
  /// The number of classifiers whose mean the accuracy is.
  public let classifiers: Int?
  /// The fewest steps of each classifier; nil if it passed over its images a fixed number of times, which are too few
  /// steps for a few thousand images.
  public let classifierSteps: Int?
  /// The accuracy with as many real images instead, in percent.
  public let real: Double?
  /// The accuracy of naming the largest class, in percent; nil if classes are equally large.
  public let baseline: Double?
  /// Bits per dimension of real test images.
  public let bitsPerDimension: Double?
  /// Processor time of training and drawing, in minutes.
  public let processorMinutes: Double?
  /// What a sheet of drawn images shows, as a sentence.
  public let sheet: String?

  /// The keys of an entry.
  public enum CodingKeys: String, CodingKey, CaseIterable {
    case recipe, family, height, width, channels
    case batchSize = "batch_size"
    case steps, settings, data, images, classes, epsilon, delta, drawn, accuracy, interval
    case classifiers
    case classifierSteps = "classifier_steps"
    case real, baseline
    case bitsPerDimension = "bits_per_dimension"
    case processorMinutes = "processor_minutes"
    case sheet
  }

  /// Signal for learning: epsilon times the number of images, to which the noise of a given training is nearly
  /// inversely proportional (`NoiseOutlook`); nil without privacy.
  public var signal: Double? { epsilon.map { $0 * Double(images) } }

  /// The accuracy of guessing, in percent.
  public var guess: Double { baseline ?? 100 / Double(classes) }

  /// Whether the run trained the recipe's own network: runs may ask for other batches and steps, and the decay
  /// of the average belongs to the number of steps.
  public var isOfRecipeItself: Bool {
    (settings ?? [:]).keys.allSatisfy { $0 == "model.average_decay" }
  }

  /// Whether a recipe has the form that was measured: an administrator's recipe may have the same name.
  public func isOf(_ recipe: Recipe) -> Bool {
    recipe.name == self.recipe && recipe.family == family && recipe.image.height == height
      && recipe.image.width == width && recipe.image.channels == channels
  }

  /// Refuses figures that no training can have; throws `RecipeFailure`.
  public func validate() throws {
    let place = "measurement of \(recipe) on \(data): "
    func require(_ isValid: Bool, _ what: String) throws {
      guard isValid else { throw RecipeFailure(place + what) }
    }
    try require(
      images > 0 && classes > 0 && height > 0 && width > 0 && [1, 3].contains(channels),
      "images, classes, height, width or channels out of range (1 or more; 1 or 3 channels expected)."
    )
    try require(
      [batchSize, steps, drawn, classifiers, classifierSteps]
        .allSatisfy { $0.map { $0 > 0 } ?? true },
      "batch_size, steps, drawn, classifiers or classifier_steps below 1.")
    try require((epsilon == nil) == (delta == nil), "epsilon without delta, or the reverse.")
    try require(
      epsilon.map { $0.isFinite && $0 > 0 } ?? true, "epsilon is not above 0.")
    try require(delta.map { $0 > 0 && $0 < 1 } ?? true, "delta is not between 0 and 1.")
    try require(
      ([accuracy, real, baseline] + (interval ?? [])).allSatisfy {
        $0.map { (0...100).contains($0) } ?? true
      }, "an accuracy is not a percentage from 0 to 100.")
    try require(
      interval.map { $0.count == 2 && $0[0] <= $0[1] } ?? true,
      "interval does not have two ends in order.")
    try require(
      accuracy != nil || (interval == nil && real == nil && classifiers == nil),
      "interval, classifiers or real without accuracy.")
    try require(real.map { $0 > guess } ?? true, "real is not above guessing.")
    try require(
      accuracy != nil || bitsPerDimension != nil || sheet != nil,
      "nothing was measured (accuracy, bits_per_dimension or sheet expected).")
  }
}
