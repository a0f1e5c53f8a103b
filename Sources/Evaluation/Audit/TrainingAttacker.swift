import Compute
import Glibc
import Learning
import Models
import Privacy

/// The strongest attacker that the guarantee allows: it knows every image, the recipe and the whole state
/// of the model after each step, and decides whether the canary was in the data set.
///
/// Adam's first moments before and after a step reveal the noised gradient of that step. The attacker
/// subtracts the part that no private image influences, and projects the rest on the direction of the
/// canary's contribution that is orthogonal to those of all other units. The contributions of the others
/// cancel, and one number remains: noise, plus the amplitude if the canary was sampled.
///
/// A twin computes both parts: a model of the same recipe and state that takes a step on no unit, or on one
/// unit alone, with negligible noise.
final class TrainingAttacker {
  /// The twin's noise, in clip norms.
  private static let faintNoise = 1e-6

  /// The initial state of every training; public, like a recipe and a seed.
  let start: Checkpoint
  private let family: TrainingAudit.Family
  private let plan: TrainingPlan
  private let mechanism: SubsampledGaussian
  private let faint: SubsampledGaussian
  private let twin: any GenerativeModel
  private let noise: NoiseStream
  private let canary: AuditExamples
  /// What the attacker looks for in a step: the unit vector in whose direction only the canary contributes, and the
  /// canary's claimed contribution in that direction, in clip norms; 1 if the others are orthogonal.
  private typealias Aim = (direction: [Double], amplitude: Double)
  /// The aim in each step, or one for all.
  private var aims: [Aim] = []
  private var moment: [Float] = []
  private var twinMoment: [Float] = []

  /// Creates an attacker on trainings with `plan`; it takes over `twin`, a model of the recipe.
  init(
    _ family: TrainingAudit.Family, _ plan: TrainingPlan, _ mechanism: SubsampledGaussian,
    twin: any GenerativeModel, canary: AuditExamples, ordinary: [AuditExamples], noise: NoiseStream
  ) throws {
    self.family = family
    self.plan = plan
    self.mechanism = mechanism
    self.twin = twin
    self.canary = canary
    self.noise = noise
    faint = try SubsampledGaussian(
      samplingProbability: mechanism.samplingProbability, noiseMultiplier: Self.faintNoise,
      clipNorm: mechanism.clipNorm, nominalBatchSize: mechanism.nominalBatchSize)
    start = Self.start(of: twin, family)
    aims = try (0..<(family.drawsAnewInEachStep ? plan.steps : 1)).map {
      try aim(at: canary, beside: ordinary, step: $0)
    }
    try beginTraining()
  }

  /// The state of an untrained model, with all weights away from zero.
  private static func start(
    of model: any GenerativeModel, _ family: TrainingAudit.Family
  ) -> Checkpoint {
    var state = state(of: model)
    var stream = SeededStream(seed: 2)
    for (name, array) in state.tensors.sorted(by: { $0.key < $1.key })
    where name.hasPrefix(family.network) {
      let values = array.values.map { $0 + family.weightDeviation * Float(stream.gaussian()) }
      state.tensors[name] = Checkpoint.Array(shape: array.shape, values: values)
    }
    return state
  }

  /// Prepares for the first step of the next training, from `start`.
  func beginTraining() throws {
    try twin.restore(from: start)
    moment = try moment(in: start)
    twinMoment = moment
  }

  /// The log-likelihood ratio of step `index` with and without the canary under the claim: the optimal test
  /// (Neyman & Pearson).
  func score(step index: Int, of model: any GenerativeModel) throws -> Double {
    let after = try moment(in: Self.state(of: model))
    let known = try step(.none, index: index)
    let decay = family.momentDecay
    let (direction, amplitude) = aims[min(index, aims.count - 1)]
    var sum = 0.0
    for place in direction.indices {
      let released = Double(after[place]) - decay * Double(moment[place])
      let fromNobody = Double(known[place]) - decay * Double(twinMoment[place])
      sum += (released - fromNobody) * direction[place]
    }
    moment = after
    twinMoment = known
    let observed = sum * clipNormsPerMoment
    let variance = mechanism.noiseMultiplier * mechanism.noiseMultiplier
    let ratio = (2 * observed * amplitude - amplitude * amplitude) / (2 * variance)
    return MechanismAudit.logOfMixture(ratio, share: mechanism.samplingProbability)
  }

  /// Returns the candidates whose contributions are least aligned with the canary's.
  func leastAlike(_ candidates: [AuditExamples], count: Int) throws -> [AuditExamples] {
    let pulls = try pulls(of: [canary] + candidates)
    try beginTraining()
    let likeness = pulls.dropFirst().map { pull in
      abs(Self.product(pull, pulls[0])) / (Self.length(of: pull) * Self.length(of: pulls[0]))
    }
    let order = candidates.indices.sorted { likeness[$0] < likeness[$1] }
    return order.prefix(count).map { candidates[$0] }
  }

  /// Computes the direction in which the canary contributes and others do not.
  private func aim(
    at canary: AuditExamples, beside ordinary: [AuditExamples], step: Int
  ) throws -> Aim {
    let pulls = try pulls(of: [canary] + ordinary, step: step)
    var basis: [[Double]] = []
    for other in pulls.dropFirst() {
      if let axis = Self.remainder(of: other, beside: basis)?.direction { basis.append(axis) }
    }
    let alone = Self.remainder(of: pulls[0], beside: basis)
    return (
      alone?.direction ?? pulls[0].map { _ in 0 },
      // A contribution longer than a clip norm would be a bug, which the attacker does not assume.
      min(1, Self.length(of: pulls[0])) * (alone?.share ?? 0)
    )
  }

  /// The contribution of each of some units to the sum of gradients of a step at the initial weights, in clip norms.
  private func pulls(of units: [AuditExamples], step index: Int = 0) throws -> [[Double]] {
    let moments = try ([.none] + units).map { unit in
      try twin.restore(from: start)
      return try step(unit, index: index)
    }
    return moments.dropFirst().map { moment in
      zip(moment, moments[0]).map { (Double($0) - Double($1)) * clipNormsPerMoment }
    }
  }

  /// The value of one unit of a moment in a sum of gradients, in clip norms.
  private var clipNormsPerMoment: Double {
    Double(mechanism.nominalBatchSize) / ((1 - family.momentDecay) * mechanism.clipNorm)
  }

  /// Takes a step of the twin on `images` and returns its first moment.
  private func step(_ images: AuditExamples, index: Int) throws -> [Float] {
    _ = try twin.step(
      TrainingStep(
        phase: family.phase, index: index, stepCount: plan.steps, batchSize: plan.batchSize,
        protection: .noise(faint), noise: noise),
      on: PrivateExamples(images))
    return try moment(in: Self.state(of: twin))
  }

  private func moment(in state: Checkpoint) throws -> [Float] {
    guard let array = state.tensors[family.firstMoment] else {
      throw Checkpoint.Failure.missing(name: family.firstMoment)
    }
    return array.values
  }

  private static func state(of model: any GenerativeModel) -> Checkpoint {
    var state = Checkpoint()
    model.save(into: &state)
    return state
  }

  private static func product(_ left: [Double], _ right: [Double]) -> Double {
    zip(left, right).reduce(0) { $0 + $1.0 * $1.1 }
  }

  private static func length(of vector: [Double]) -> Double {
    product(vector, vector).squareRoot()
  }

  /// The component of a vector that is orthogonal to an orthonormal basis: its direction and its share of
  /// the vector's length; nil if it vanishes.
  private static func remainder(
    of vector: [Double], beside basis: [[Double]]
  ) -> (direction: [Double], share: Double)? {
    var rest = vector
    for other in basis {
      let product = product(rest, other)
      for index in rest.indices { rest[index] -= product * other[index] }
    }
    let (whole, length) = (Self.length(of: vector), Self.length(of: rest))
    guard whole > 0, length > 1e-3 * whole else { return nil }
    return (rest.map { $0 / length }, length / whole)
  }
}
