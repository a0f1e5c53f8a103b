public import Compute
public import Learning
public import Privacy

/// The one loop that trains any family, and the only caller of the ledger, of a step and of a round.
///
/// It pays for steps in blocks: it reserves a block durably, computes it, then settles it. A crash leaves its block spent,
/// and the resumed run makes that many fewer steps, so that the run as a whole never costs more than its plan. A round of
/// a model that learns tables is paid for like a step.
public final class Trainer {
  /// The source of a step's images.
  public protocol Images: AnyObject {
    /// Draws a step's batch: every unit with its own coin of the given probability.
    func drawBatch(probability: Double, from noise: NoiseStream) -> PrivateExamples
  }

  /// The progress of a run.
  public struct Progress: Sendable {
    /// Steps whose effect is in the model.
    public let step: Int
    /// Steps paid for, completed or lost.
    public let charged: Int
    /// The last step that the run can reach.
    public let lastStep: Int
    /// The family's curves.
    public let report: StepReport
  }

  /// Why `run` returned.
  public enum Ending: Sendable {
    /// All steps are completed.
    case finished
    /// The caller requested a stop; the state is that after a complete step.
    case stopped
  }

  /// The model in training.
  public let model: any GenerativeModel
  /// The steps, or rounds, that the phase plans.
  public let plannedSteps: Int
  /// Steps whose effect is in the model.
  public private(set) var step: Int
  /// Steps paid for by this run, completed or lost.
  public private(set) var charged: Int
  /// Steps paid for but not completed, in blocks that a crash ended.
  private var lost: Int
  /// What is done, and how the images are protected.
  private enum Work {
    case steps(TrainingPlan, Protection)
    case rounds(SelectionPlan, SelectionProtection)
  }

  private let work: Work
  /// One access, which every step makes; nil without privacy.
  private let access: PrivacyEvent?
  private let images: any Images
  private let ledger: any PrivacyLedger
  private let phase: String
  private let noise: NoiseStream

  /// Prepares a run.
  ///
  /// `step` is the model's state and `charged` the number of steps in the ledger for this phase so
  /// far; both are zero at the start. `phase` is the phase's name, the purpose of its charges in the
  /// ledger. A plan without a mechanism needs the administrator's `permission`.
  public convenience init(
    _ model: any GenerativeModel, plan: TrainingPlan, images: any Images,
    ledger: any PrivacyLedger, phase: String = Phase.training, step: Int = 0, charged: Int = 0,
    permission: UnprotectedTraining? = nil, noise: NoiseStream = NoiseStream()
  ) {
    guard let protection = plan.mechanism.map(Protection.noise) ?? permission.map(Protection.none)
    else { preconditionFailure("a plan without a mechanism needs permission") }
    self.init(
      model, .steps(plan, protection), steps: plan.steps, access: plan.mechanism?.event, images,
      ledger, phase, step, charged, noise)
  }

  /// Prepares the rounds of a phase, as the other initialiser prepares steps.
  public convenience init(
    _ model: any GenerativeModel, rounds plan: SelectionPlan, images: any Images,
    ledger: any PrivacyLedger, phase: String, step: Int = 0, charged: Int = 0,
    permission: UnprotectedTraining? = nil, noise: NoiseStream = NoiseStream()
  ) {
    guard
      let protection = plan.mechanism.map(SelectionProtection.noise)
        ?? permission.map(SelectionProtection.none)
    else { preconditionFailure("a plan without a mechanism needs permission") }
    self.init(
      model, .rounds(plan, protection), steps: plan.rounds, access: plan.mechanism?.event, images,
      ledger, phase, step, charged, noise)
  }

  private init(
    _ model: any GenerativeModel, _ work: Work, steps: Int, access: PrivacyEvent?,
    _ images: any Images, _ ledger: any PrivacyLedger, _ phase: String, _ step: Int,
    _ charged: Int, _ noise: NoiseStream
  ) {
    precondition(step >= 0 && (access == nil || charged >= step), "unpaid steps")
    self.model = model
    self.work = work
    plannedSteps = steps
    self.access = access
    self.images = images
    self.ledger = ledger
    self.phase = phase
    self.step = step
    self.charged = charged
    lost = access == nil ? 0 : charged - step
    self.noise = noise
  }

  /// The step at which the run ends: the plan's steps minus those lost in crashes.
  public var lastStep: Int {
    plannedSteps - lost
  }

  /// How far the phase has come, without curves.
  public var progress: Progress {
    Progress(step: step, charged: charged, lastStep: lastStep, report: StepReport())
  }

  /// Makes the remaining steps in blocks of at most `blockSize`.
  ///
  /// `shouldStop` is called before every step, `report` after every step, and `blockEnded` after
  /// every settled block: the moment at which a checkpoint agrees with the ledger.
  public func run(
    blockSize: () -> Int, shouldStop: () -> Bool, report: (Progress) throws -> Void,
    blockEnded: () throws -> Void
  ) throws -> Ending {
    while step < lastStep {
      if shouldStop() { return .stopped }
      let count = max(1, min(blockSize(), lastStep - step))
      let made = try runBlock(count, shouldStop: shouldStop, report: report)
      try blockEnded()
      if made < count { return .stopped }
    }
    return .finished
  }

  /// Reserves and makes up to `count` steps; returns the number of completed steps.
  private func runBlock(
    _ count: Int, shouldStop: () -> Bool, report: (Progress) throws -> Void
  ) throws -> Int {
    guard let access else {
      return try makeSteps(count, shouldStop: shouldStop, report: report)
    }
    let reservation = try ledger.reserve(access, times: count, for: phase)
    charged += count
    let before = step
    let made = try makeSteps(count, shouldStop: shouldStop, report: report)
    try ledger.settle(reservation, used: made)
    charged -= count - (step - before)
    return made
  }

  /// Makes up to `count` steps; returns how many.
  ///
  /// A step that the model abandons was not made, as those after it: no noise was drawn for it, and nothing
  /// of it is left. A step that fails in another way stays charged.
  private func makeSteps(
    _ count: Int, shouldStop: () -> Bool, report: (Progress) throws -> Void
  ) throws -> Int {
    for made in 0..<count {
      if made > 0, shouldStop() { return made }
      let result: StepReport
      do {
        result = try makeStep(shouldStop: shouldStop)
      } catch is AbandonedStep {
        return made
      }
      step += 1
      try report(Progress(step: step, charged: charged, lastStep: lastStep, report: result))
    }
    return count
  }

  private func makeStep(shouldStop: () -> Bool) throws -> StepReport {
    try withoutActuallyEscaping(shouldStop) { shouldStop in
      switch work {
      case .steps(let plan, let protection):
        let batch = images.drawBatch(probability: plan.samplingProbability, from: noise)
        return try model.step(
          TrainingStep(
            phase: phase, index: step, stepCount: plan.steps, batchSize: plan.batchSize,
            protection: protection, noise: noise, shouldStop: shouldStop),
          on: batch)
      case .rounds(let plan, let protection):
        // Everyone: no amplification by sampling is claimed for a choice.
        let everyone = images.drawBatch(probability: 1, from: noise)
        let round = SelectionRound(
          phase: phase, index: step, count: plan.rounds, population: plan.population,
          protection: protection, noise: noise, shouldStop: shouldStop)
        do {
          return try model.round(round, on: everyone)
        } catch is AbandonedStep where round.hasReadImages {
          // It would be given back, although something was released.
          preconditionFailure("phase \(phase): a round was given up after it had read the images")
        }
      }
    }
  }
}
