public import Compute
public import Datasets
public import Learning

/// The images of a frozen dataset, drawn in batches for the trainer.
public final class SnapshotImages: Trainer.Images {
  private let sampler: BatchSampler

  /// Creates a source that draws from `snapshot`.
  public init(_ snapshot: DatasetSnapshot) {
    sampler = BatchSampler(snapshot)
  }

  public func drawBatch(probability: Double, from noise: NoiseStream) -> PrivateExamples {
    var source = noise
    return PrivateExamples(
      BatchExamples(batch: sampler.draw(probability: probability, using: &source)))
  }
}

/// A batch of a frozen dataset as training examples.
struct BatchExamples: ExampleSource {
  let batch: Batch

  var count: Int { batch.count }

  var units: [Int]? { batch.units }

  func labels(in range: Range<Int>) -> [Int] {
    batch.snapshot.classes.count > 1 ? batch.labels(in: range) : []
  }

  func codes(in range: Range<Int>) -> [UInt8] { batch.codes(in: range) }

  func fill(_ target: Tensor, from range: Range<Int>) {
    batch.fill(target, from: range)
  }

  func places(in range: Range<Int>) -> ExamplePlaces? {
    ExamplePlaces(in: batch.snapshot, batch.images[range].map(Int.init))
  }
}
