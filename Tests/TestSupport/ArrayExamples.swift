public import Compute
public import Learning

/// Examples kept in an array, for tests of training.
public struct ArrayExamples: ExampleSource {
  /// The numbers of each example.
  public var values: [[Float]]
  /// The class of each example; empty when there are none.
  public var labels: [Int]
  /// The unit of each example.
  public var units: [Int]?

  /// Creates a source.
  public init(_ values: [[Float]], labels: [Int] = [], units: [Int]? = nil) {
    self.values = values
    self.labels = labels
    self.units = units
  }

  /// The number of examples.
  public var count: Int { values.count }

  /// The class of each example in `range`; empty when there are none.
  public func labels(in range: Range<Int>) -> [Int] {
    labels.isEmpty ? [] : Array(labels[range])
  }

  /// Writes the examples of `range` into `target`.
  public func fill(_ target: Tensor, from range: Range<Int>) {
    target.assign(Array(values[range].joined()))
  }
}

/// A loss with a fixed gradient: each example's label selects its row.
///
/// It lets a test send any gradient, even an infinite one, through a network.
public struct GivenGradientLoss: Loss {
  /// The gradient with respect to the outputs for each label.
  public let gradients: [[Float]]

  /// Creates a loss from the gradient of each label.
  public init(_ gradients: [[Float]]) {
    self.gradients = gradients
  }

  /// Writes each example's gradient; its loss is its label.
  public func evaluate(
    _ output: Tensor, gradient: Tensor, values: UnsafeMutableBufferPointer<Double>?, in pass: Pass
  ) {
    gradient.assign(pass.labels.flatMap { gradients[$0] })
    for (example, label) in pass.labels.enumerated() { values?[example] = Double(label) }
  }
}
