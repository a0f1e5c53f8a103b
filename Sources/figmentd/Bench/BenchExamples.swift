import Compute
import Learning

/// Training examples of normal random numbers.
///
/// A few hundred values are repeated, so that memory does not grow with the batch.
struct BenchExamples: ExampleSource {
  let count: Int
  private let classes: Int
  private let values: Tensor
  private let memory = Arena(blockByteCount: 1 << 16)
  private static let distinct = 256

  init(_ count: Int, shape: Shape, classes: Int) {
    self.count = count
    self.classes = classes
    values = memory.make(shape.batched(min(count, Self.distinct)))
    var stream = SeededStream(seed: 3)
    stream.fillGaussian(values, standardDeviation: 0.5)
  }

  func labels(in range: Range<Int>) -> [Int] { range.map { $0 % classes } }

  func fill(_ target: Tensor, from range: Range<Int>) {
    for (row, example) in range.enumerated() {
      target.examples(from: row, count: 1).copy(
        from: values.examples(from: example % values.shape[0], count: 1))
    }
  }
}
