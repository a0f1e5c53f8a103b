package import Compute
import Learning
import Models
import Privacy

/// The duration of a plan, measured on noise images: a few steps of the real model, never on a real image.
package struct TrainingForecast {
  /// The duration of training in seconds.
  ///
  /// Memory is not measured here: the memory use of a process may depend on real images that it read before.
  /// A process that only makes a forecast may report it (`EngineWorker`).
  package let seconds: Double?

  /// The approximate duration of the measurement, in seconds.
  private static let duration = 3.0
  private static let drawnImages = 8

  /// The parameters that noise is added to.
  package let privateParameterCount: Int

  /// Makes a step of each phase on noise images and draws a few images; throws whatever a run would throw.
  static func rehearse(_ plan: ResolvedPlan, on machine: Machine) throws {
    _ = try TrainingForecast(plan, on: machine, seconds: 0)
  }

  /// Measures steps of each phase of the plan, for about `seconds` in all.
  package init(
    _ plan: ResolvedPlan, on machine: Machine, seconds duration: Double = Self.duration
  ) throws {
    let model = try plan.recipe.makeModel(classes: plan.classes, seed: 0, on: machine)
    privateParameterCount = model.privateParameterCount
    let phases = plan.modelPhases.map(\.phase)
    var sum = 0.0
    for phase in phases {
      sum += try Self.seconds(
        of: phase, model, classCount: plan.classes.count,
        measuredFor: duration / Double(phases.count))
    }
    // Drawing needs memory of its own.
    let labels = (0..<Self.drawnImages).map { $0 % plan.classes.count }
    try model.sample(labels: labels, seed: 0) { _, _ in }
    seconds = sum
  }

  private static func seconds(
    of phase: Phase, _ model: any GenerativeModel, classCount: Int, measuredFor duration: Double
  ) throws -> Double {
    let images = phase.plan.map { min($0.batchSize, mostImages(phase)) } ?? 0
    let noise = NoiseStream()
    let clock = ContinuousClock()
    let start = clock.now
    var steps = 0
    repeat {
      if let plan = phase.plan {
        _ = try model.step(
          TrainingStep(
            phase: phase.name, index: steps, stepCount: plan.steps, batchSize: plan.batchSize,
            protection: plan.mechanism.map(Protection.noise) ?? .none(.onNoiseImages),
            noise: noise),
          on: PrivateExamples(NoiseExamples(count: images, classCount: classCount)))
      } else {
        _ = try model.work(
          FreeStep(phase: phase.name, index: steps, stepCount: phase.stepCount))
      }
      steps += 1
    } while clock.now - start < .seconds(duration) && steps < phase.stepCount
    let share = phase.plan.map { Double($0.batchSize) / Double(images) } ?? 1
    return (clock.now - start) / .seconds(1) / Double(steps) * Double(phase.stepCount) * share
  }

  /// An answer reads the whole population in blocks, so a part of it needs the same memory and a proportional
  /// time.
  private static func mostImages(_ phase: Phase) -> Int {
    if case .answer = phase.work { 256 } else { .max }
  }
}

/// Images of uniform noise, as many as an average batch contains.
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
