public import Compute
public import Learning

/// What to draw from a trained model.
///
/// An image depends on the seed, its place in `labels`, its label and the options alone: neither on
/// the images beside it nor on the number of threads. Families refuse options that they do not have.
public struct SampleRequest {
  /// Temperatures that single precision can follow.
  public static let temperatures = 1e-6...1e6
  /// Guidance that single precision can follow.
  public static let guidances = 0.0...1e3

  /// The class of each image.
  public var labels: [Int]
  /// Where all random numbers come from.
  public var seed: UInt64
  /// One draws from the model itself; less makes likely images likelier.
  public var temperature: Double
  /// How far images go from those of any class towards their own; nil takes the recipe's.
  ///
  /// Logits are moved from those without a class, u, to u + guidance · (own − u). One draws from the
  /// model itself; more makes classes clearer and images less varied.
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

  /// Creates a request for a number of images of each class, in the order of classes.
  public init(
    classCounts: [Int], seed: UInt64, temperature: Double = 1, guidance: Double? = nil
  ) {
    self.init(
      labels: Self.labels(of: classCounts), seed: seed, temperature: temperature,
      guidance: guidance)
  }

  /// The label of each image, given how many there are of each class, in the order of classes.
  public static func labels(of classCounts: [Int]) -> [Int] {
    classCounts.enumerated().flatMap { Array(repeating: $0.offset, count: $0.element) }
  }

  /// How many of `count` images each class gets in equal shares, the earlier ones one more at most.
  public static func evenCounts(of count: Int, among classCount: Int) -> [Int] {
    (0..<classCount).map { count / classCount + ($0 < count % classCount ? 1 : 0) }
  }
}

/// Images whose upper rows are kept and whose lower rows are drawn.
///
/// What comes of them shows parts of the given images, which no guarantee covers: it is as private as
/// they are.
public struct Completion {
  /// Rows that are kept, from the top.
  public let rows: Int
  /// As many images as are drawn; values are brought to the model's levels.
  public let images: any ExampleSource

  /// Creates a request to complete images.
  public init(rows: Int, of images: any ExampleSource) {
    self.rows = rows
    self.images = images
  }
}

/// A model that can go on with images of which the upper part is given.
public protocol CompletingModel: GenerativeModel {
  /// Completes images, the label of each in `request`, and hands them over as `sample` does.
  func complete(
    _ completion: Completion, as request: SampleRequest,
    _ receive: (_ first: Int, _ images: Tensor) throws -> Void) throws
}

extension SampleRequest {
  /// Refuses everything but labels and a seed, for a family that draws in one way only.
  func requireNoOptions(of family: String) throws {
    let found: String
    if temperature != 1 {
      found = "temperature is \(temperature) (1 expected"
    } else if let guidance, guidance != 1 {
      found = "guidance is \(guidance) (1 expected"
    } else {
      return
    }
    throw RecipeFailure("sampling: \(found): family \(family) draws in one way only).")
  }
}

extension GenerativeModel {
  /// Draws one image per label from the model as it is.
  public func sample(
    labels: [Int], seed: UInt64, _ receive: (_ first: Int, _ images: Tensor) throws -> Void
  ) throws {
    try sample(SampleRequest(labels: labels, seed: seed), receive)
  }
}
