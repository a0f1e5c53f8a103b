import Compute
import Datasets
import Learning
import Models
import Privacy

/// An answer computed from a noisy sum of vectors: the vectors of each unit are added and clipped.
protocol VectorAnswer: PaidAnswer {
  /// The largest norm of the sum of a unit's vectors.
  static var clipNorm: Double { get }
  /// Describes the vectors of an example, and what is made of their noisy sum.
  ///
  /// - Parameter epsilon: what the answer alone costs.
  static func prepare(
    _ inputs: AnswerInputs, _ mechanism: SubsampledGaussian, epsilon: Double
  ) throws -> Vectors<Self>
}

/// Vectors of private examples, and the answer computed from their noisy sum.
struct Vectors<Answer> {
  /// The sum.
  let sum: VectorSum
  /// The answer after noise.
  let file: (Releasable<[Double]>) -> Releasable<Answer>
}

extension VectorAnswer {
  /// The noise with which the sum over all units costs at most `epsilon`, and its actual cost.
  static func work(
    within epsilon: Double, of order: RunOrder, population: Int
  ) throws -> (work: Phase.Work, epsilon: Double) {
    let kind = order.training.noise ?? .gaussian
    let noise = try Calibration(budget: PrivacyBudget(epsilon: epsilon, delta: order.delta))
      .noiseMultiplier(samplingProbability: 1, times: 1, distribution: kind)
    let mechanism = try SubsampledGaussian(
      samplingProbability: 1, noiseMultiplier: noise.noiseMultiplier, clipNorm: clipNorm,
      nominalBatchSize: population, noise: kind)
    return (.sum(mechanism), noise.epsilon)
  }

  static func prepare(_ inputs: AnswerInputs, _ phase: Phase) throws -> AnswerWork<Self> {
    guard case .sum(let mechanism) = phase.work else {
      preconditionFailure("phase \(phase.name) asks for no sum of vectors")
    }
    let vectors = try prepare(inputs, mechanism, epsilon: phase.epsilon ?? 0)
    let images = SnapshotImages(inputs.snapshot)
    return { reservation, noise in
      precondition(
        reservation.event == mechanism.event && reservation.times >= 1,
        "another answer was paid for")
      // Every unit: the coin flips of a sampling probability of one.
      let everyone = images.drawBatch(probability: 1, from: noise)
      return vectors.sum.noised(over: everyone, noise: noise, unless: inputs.shouldStop)
        .map(vectors.file)
    }
  }
}
