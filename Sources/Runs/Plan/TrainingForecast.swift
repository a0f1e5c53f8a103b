package import Compute
import Learning
package import Models
import Privacy

/// How long a plan would take, measured on noise images: a few steps of the real model, never a real
/// image.
package struct TrainingForecast {
  /// Seconds of training; nil when the machine gave no usable time.
  ///
  /// Memory is not measured here: how much a process has used may follow real images that it read before.
  /// A process that makes a forecast and nothing else may tell (`EngineWorker`).
  package let seconds: Double?

  /// The measurement takes about this long, in seconds.
  private static let duration = 3.0
  private static let drawnImages = 8

  /// The parameters that noise is added to.
  package let privateParameterCount: Int

  /// Makes a step on noise images and draws a few images; throws what a run would throw.
  static func rehearse(
    _ recipe: Recipe, _ plan: TrainingPlan, classes: [String], on machine: Machine
  ) throws {
    _ = try TrainingForecast(recipe, plan, classes: classes, on: machine, seconds: 0)
  }

  /// Measures steps of the plan, for about so many `seconds`.
  package init(
    _ recipe: Recipe, _ plan: TrainingPlan, classes: [String], on machine: Machine,
    seconds duration: Double = Self.duration
  ) throws {
    let model = try recipe.makeModel(classes: classes, seed: 0, on: machine)
    privateParameterCount = model.privateParameterCount
    let examples = NoiseExamples(
      count: plan.batchSize, classCount: classes.count)
    let noise = NoiseStream()
    let protection = plan.mechanism.map(Protection.noise) ?? .none(.onNoiseImages)
    let clock = ContinuousClock()
    let start = clock.now
    var steps = 0
    repeat {
      _ = try model.step(
        TrainingStep(
          index: steps, stepCount: plan.steps, batchSize: plan.batchSize,
          protection: protection, noise: noise),
        on: PrivateExamples(examples))
      steps += 1
    } while clock.now - start < .seconds(duration) && steps < plan.steps
    let elapsed = (clock.now - start) / .seconds(1)
    // Drawing has memory of its own.
    let labels = (0..<Self.drawnImages).map { $0 % classes.count }
    try model.sample(labels: labels, seed: 0) { _, _ in }
    seconds = elapsed / Double(steps) * Double(plan.steps)
  }
}

/// Images of uniform noise, as many as a batch holds on average.
private struct NoiseExamples: ExampleSource {
  let count: Int
  let classCount: Int

  func labels(in range: Range<Int>) -> [Int] {
    classCount > 1 ? range.map { $0 % classCount } : []
  }

  func fill(_ target: Tensor, from range: Range<Int>) {
    var stream = SeededStream(seed: UInt64(range.lowerBound))
    for index in 0..<target.count { target.pointer[index] = Float(2 * stream.uniform() - 1) }
  }
}
