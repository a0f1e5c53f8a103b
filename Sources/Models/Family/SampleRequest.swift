public import Compute
public import Learning

/// A request to draw images from a trained model.
///
/// An image depends only on the seed, its place in `labels`, its label and the options; it does not
/// depend on the other images or on the number of threads. Families refuse options that they do not
/// support.
public struct SampleRequest {
  /// Temperatures within the range of single precision.
  public static let temperatures = 1e-6...1e6
  /// Guidance values within the range of single precision.
  public static let guidances = 0.0...1e3

  /// The class of each image; for a model that columns condition, the label of class and columns (`Conditions`).
  public var labels: [Int]
  /// The seed of all random numbers.
  public var seed: UInt64
  /// One draws from the model itself; lower values make likely images likelier.
  public var temperature: Double
  /// How strongly images are moved from the unconditional model towards their own class; nil uses
  /// the recipe's value.
  ///
  /// Logits are moved from the logits without a class, u, to u + guidance · (own − u). One draws
  /// from the model itself; higher values make classes clearer and images less varied.
  public var guidance: Double?

  /// Creates a request for one image per label.
  public init(
    labels: [Int], seed: UInt64, temperature: Double = 1, guidance: Double? = nil
  ) {
    self.labels = labels
    self.seed = seed
    self.temperature = temperature
    self.guidance = guidance
  }

  /// Creates a request for a number of images per class, in the order of classes.
  public init(
    classCounts: [Int], seed: UInt64, temperature: Double = 1, guidance: Double? = nil
  ) {
    self.init(
      labels: Self.labels(of: classCounts), seed: seed, temperature: temperature,
      guidance: guidance)
  }

  /// The label of each image, given the number of images per class, in the order of classes.
  public static func labels(of classCounts: [Int]) -> [Int] {
    classCounts.enumerated().flatMap { Array(repeating: $0.offset, count: $0.element) }
  }

  /// Divides `count` images evenly among the classes; earlier classes get at most one image more.
  public static func evenCounts(of count: Int, among classCount: Int) -> [Int] {
    (0..<classCount).map { count / classCount + ($0 < count % classCount ? 1 : 0) }
  }
}

/// Images whose upper rows are kept and whose lower rows are drawn.
///
/// The results show parts of the given images, which no guarantee covers: they are as private as
/// those images.
public struct Completion {
  /// The number of rows that are kept, from the top.
  public let rows: Int
  /// One image per drawn image; values are rounded to the model's levels.
  public let images: any ExampleSource

  /// Creates a request to complete images.
  public init(rows: Int, of images: any ExampleSource) {
    self.rows = rows
    self.images = images
  }
}

/// A model that can complete images whose upper part is given.
public protocol CompletingModel: GenerativeModel {
  /// Completes images, with labels from `request`, and passes them on like `sample`.
  func complete(
    _ completion: Completion, as request: SampleRequest,
    _ receive: (_ first: Int, _ images: Tensor) throws -> Void) throws
}

extension SampleRequest {
  /// Refuses a temperature out of range, and labels of classes that images of a format do not have.
  func requireTemperatureAndLabels(for format: ImageSpecification) throws {
    try Self.require(temperature, called: "temperature", in: Self.temperatures)
    let count = format.conditions.labelCount
    if let label = labels.first(where: { !(0..<count).contains($0) }) {
      throw RecipeFailure("sampling: class \(label) (0 to \(count - 1) expected).")
    }
  }

  /// Refuses an option out of its range.
  static func require(
    _ value: Double, called name: String, in range: ClosedRange<Double>
  ) throws {
    guard range.contains(value) else {
      throw RecipeFailure(
        "sampling: \(name) is \(value) (\(range.lowerBound) to \(range.upperBound) expected).")
    }
  }

  /// Refuses everything but labels and a seed, for a family without sampling options.
  func requireNoOptions(of family: String) throws {
    let found: String
    if temperature != 1 {
      found = "temperature is \(temperature) (1 expected"
    } else if let guidance, guidance != 1 {
      found = "guidance is \(guidance) (1 expected"
    } else {
      return
    }
    throw RecipeFailure("sampling: \(found): family \(family) has no sampling options).")
  }
}

extension GenerativeModel {
  /// Draws one image per label with default options.
  public func sample(
    labels: [Int], seed: UInt64, _ receive: (_ first: Int, _ images: Tensor) throws -> Void
  ) throws {
    try sample(SampleRequest(labels: labels, seed: seed), receive)
  }
}
