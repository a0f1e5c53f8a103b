import Compute
import Learning

/// The inputs of a generator: normal vectors and their classes.
struct LatentVectors {
  private let size: Int
  private let values: [Float]
  private let labels: [Int]
  private let isConditional: Bool

  /// Draws `count` vectors with classes in equal shares.
  ///
  /// Classes are uniform, regardless of the training set: their frequencies there are private.
  init(size: Int, count: Int, classCount: Int, seed: UInt64) {
    var stream = SeededStream(seed: seed)
    let labels = (0..<count).map { _ in Int.random(in: 0..<max(1, classCount), using: &stream) }
    self.init(size: size, labels: labels, classCount: classCount, stream: &stream)
  }

  /// Draws one vector for each of `labels` from the current state of `stream`.
  init(size: Int, labels: [Int], classCount: Int, stream: inout SeededStream) {
    self.size = size
    self.labels = labels
    isConditional = classCount > 1
    var values = [Float](repeating: 0, count: labels.count * size)
    for index in values.indices { values[index] = Float(stream.gaussian()) }
    self.values = values
  }

  /// The number of vectors.
  var count: Int { labels.count }

  /// The class of each vector in `range`; empty if the model has only one class.
  func labels(in range: Range<Int>) -> [Int] {
    isConditional ? Array(labels[range]) : []
  }

  /// The mean absolute difference of two vectors.
  func distance(_ first: Int, _ second: Int) -> Float {
    var sum: Float = 0
    for place in 0..<size {
      sum += abs(values[first * size + place] - values[second * size + place])
    }
    return sum / Float(size)
  }

  /// Divides the vectors into micro-batches.
  func microBatches(of size: Int) -> [Range<Int>] {
    stride(from: 0, to: count, by: size).map { $0..<min(count, $0 + size) }
  }

  /// The images that `generator` produces from `range`, in the memory of `pass`.
  func generate(
    _ range: Range<Int>, with generator: Network, for purpose: Pass.Purpose, in pass: Pass
  ) -> Tensor {
    pass.begin(exampleCount: range.count, labels: labels(in: range), purpose: purpose)
    let input = pass.make(Shape(size))
    input.assign(Array(values[(range.lowerBound * size)..<(range.upperBound * size)]))
    return generator.forward(input, in: pass)
  }
}

/// Fakes as training examples of the discriminator, generated one micro-batch at a time.
struct GeneratedExamples: ExampleSource {
  private let generator: AveragedGenerator
  private let latents: LatentVectors

  init(_ generator: AveragedGenerator, latents: LatentVectors) {
    self.generator = generator
    self.latents = latents
  }

  var count: Int { latents.count }

  func labels(in range: Range<Int>) -> [Int] {
    latents.labels(in: range)
  }

  func fill(_ target: Tensor, from range: Range<Int>) {
    target.copy(from: generator.images(range, of: latents))
  }
}
