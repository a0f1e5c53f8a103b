package import Compute
import Datasets
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

  /// Makes a step of each phase on noise images and draws a few images.
  ///
  /// - Throws: whatever a run would throw; `AbandonedStep` if `shouldStop` ends it first.
  static func rehearse(
    _ plan: ResolvedPlan, on machine: Machine, unless shouldStop: @escaping () -> Bool = { false }
  ) throws {
    _ = try TrainingForecast(plan, on: machine, seconds: 0, unless: shouldStop)
  }

  /// Measures steps of each phase of the plan, for about `seconds` in all.
  ///
  /// - Throws: `AbandonedStep` if `shouldStop` ends it first.
  package init(
    _ plan: ResolvedPlan, on machine: Machine, seconds duration: Double = Self.duration,
    unless shouldStop: @escaping () -> Bool = { false }
  ) throws {
    let model = try plan.recipe.makeModel(classes: plan.classes, seed: 0, on: machine)
    privateParameterCount = model.privateParameterCount
    let phases = plan.modelPhases.map(\.phase)
    var sum = 0.0
    for phase in phases {
      if shouldStop() { throw AbandonedStep() }
      sum += try Self.seconds(
        of: phase, model, classCount: plan.classes.count, columns: plan.recipe.columns,
        measuredFor: duration / Double(phases.count), unless: shouldStop)
    }
    // Drawing needs memory of its own.
    let labels = (0..<Self.drawnImages).map { $0 % plan.classes.count }
    if plan.recipe.model.readsImages {
      try model.sample(labels: labels, seed: 0) { _, _ in }
    } else if let model = model as? any TableModel {
      _ = model.rows(for: SampleRequest(labels: labels, seed: 0))
    }
    seconds = sum
  }

  private static func seconds(
    of phase: Phase, _ model: any GenerativeModel, classCount: Int, columns: [ColumnDomain],
    measuredFor duration: Double,
    unless shouldStop: @escaping () -> Bool
  ) throws -> Double {
    if let rounds = phase.selection {
      return try seconds(
        of: rounds, phase, model, classCount, columns, measuredFor: duration, shouldStop)
    }
    let noise = NoiseStream()
    let clock = ContinuousClock()
    var images = phase.plan.map { min($0.batchSize, fewestImages(of: phase)) } ?? 0
    var (start, steps) = (clock.now, 0)
    while true {
      if let plan = phase.plan {
        _ = try model.step(
          TrainingStep(
            phase: phase.name, index: steps, stepCount: plan.steps, batchSize: plan.batchSize,
            protection: plan.mechanism.map(Protection.noise) ?? .none(.onNoiseImages),
            noise: noise, shouldStop: shouldStop),
          on: PrivateExamples(
            NoiseExamples(count: images, classCount: classCount, columns: columns)))
      } else {
        _ = try model.work(
          FreeStep(
            phase: phase.name, index: steps, stepCount: phase.stepCount,
            publicImages: PublicImages(
              withoutPeople: NoiseExamples(count: 64, classCount: classCount))))
      }
      steps += 1
      let passed = (clock.now - start) / .seconds(1)
      if case .answer(let plan) = phase.work {
        guard
          let more = larger(than: images, of: plan.batchSize, took: passed, within: duration)
        else { break }
        (images, start, steps) = (more, clock.now, 0)
      } else if passed >= duration || steps >= phase.stepCount {
        break
      }
    }
    let share = phase.plan.map { Double($0.batchSize) / Double(images) } ?? 1
    return (clock.now - start) / .seconds(1) / Double(steps) * Double(phase.stepCount) * share
  }

  /// Measures rounds on rows of noise: all rows are counted in every round, so the time of a part of them is
  /// scaled up, and overestimates what does not depend on their number.
  private static func seconds(
    of plan: SelectionPlan, _ phase: Phase, _ model: any GenerativeModel, _ classCount: Int,
    _ columns: [ColumnDomain], measuredFor duration: Double, _ shouldStop: @escaping () -> Bool
  ) throws -> Double {
    let noise = NoiseStream()
    let clock = ContinuousClock()
    let count = min(plan.population, mostRows)
    let rows = PrivateExamples(
      NoiseExamples(count: count, classCount: classCount, columns: columns))
    let start = clock.now
    var rounds = 0
    while true {
      _ = try model.round(
        SelectionRound(
          phase: phase.name, index: rounds, count: plan.rounds, population: plan.population,
          protection: plan.mechanism.map(SelectionProtection.noise) ?? .none(.onNoiseImages),
          noise: noise, shouldStop: shouldStop),
        on: rows)
      rounds += 1
      let passed = (clock.now - start) / .seconds(1)
      if passed >= duration || rounds >= plan.rounds {
        return passed / Double(rounds) * Double(plan.rounds)
          * Double(plan.population) / Double(count)
      }
    }
  }

  /// Rows on which rounds are measured.
  private static let mostRows = 4096

  /// An answer reads the whole population in blocks, so a part of it needs the same memory and a proportional
  /// time; the largest vectors are summed in blocks of this many.
  private static let smallBlock = 32
  /// No block is larger.
  private static let largestBlock = 128
  /// A rehearsal tries a full block if it takes at most about this long, in seconds.
  private static let blockDuration = 2.0

  /// The number of images on which a sum over `population` is measured again after it took `seconds` on `images`;
  /// nil if that is enough, or if more would take too long: a block of large vectors takes seconds.
  static func larger(
    than images: Int, of population: Int, took seconds: Double, within duration: Double
  ) -> Int? {
    let next = min(population, largestBlock)
    guard images < next,
      seconds * Double(next) / Double(images) < max(duration, blockDuration)
    else { return nil }
    return next
  }

  private static func fewestImages(of phase: Phase) -> Int {
    if case .answer = phase.work { smallBlock } else { .max }
  }
}

/// Images of uniform noise, as many as an average batch contains.
private struct NoiseExamples: ExampleSource {
  let count: Int
  let classCount: Int
  var columns: [ColumnDomain] = []

  func codes(in range: Range<Int>) -> [UInt8] {
    var stream = SeededStream(seed: UInt64(range.lowerBound))
    return range.flatMap { _ in
      columns.map { UInt8(min(Int(stream.uniform() * Double($0.codeCount)), $0.codeCount - 1)) }
    }
  }

  func labels(in range: Range<Int>) -> [Int] {
    classCount > 1 ? range.map { $0 % classCount } : []
  }

  func fill(_ target: Tensor, from range: Range<Int>) {
    var stream = SeededStream(seed: UInt64(range.lowerBound))
    for index in 0..<target.count { target.pointer[index] = Float(2 * stream.uniform() - 1) }
  }
}
