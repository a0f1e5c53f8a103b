public import Compute
public import Datasets
public import Learning

/// The images of a frozen dataset, as the trainer draws them.
public final class SnapshotImages: Trainer.Images {
  private let sampler: BatchSampler

  /// Draws from `snapshot`.
  public init(_ snapshot: DatasetSnapshot) {
    sampler = BatchSampler(snapshot)
  }

  public func drawBatch(probability: Double, from noise: NoiseStream) -> any ExampleSource {
    var source = noise
    return BatchExamples(batch: sampler.draw(probability: probability, using: &source))
  }
}

/// A batch of a frozen dataset as training examples.
public struct BatchExamples: ExampleSource {
  private let batch: Batch

  /// Wraps a batch.
  public init(batch: Batch) {
    self.batch = batch
  }

  public var count: Int { batch.count }

  public var units: [Int]? { batch.units }

  public func labels(in range: Range<Int>) -> [Int] {
    batch.snapshot.classes.count > 1 ? batch.labels(in: range) : []
  }

  public func fill(_ target: Tensor, from range: Range<Int>) {
    batch.fill(target, from: range)
  }
}
