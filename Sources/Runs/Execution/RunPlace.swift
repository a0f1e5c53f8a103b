import Control
import Models

/// A place in a run: a phase of the model, and how many of its steps were made.
struct RunPlace {
  /// The phase.
  let phase: Phase
  /// Planned steps of the phases before it.
  let firstStep: Int
  /// The step, counted over all phases as planned.
  let step: Int

  /// Steps that were made in the phases before it; fewer than planned if crashes cost some.
  let madeBefore: Int

  /// Steps of the phase that were made.
  var stepInPhase: Int { step - firstStep }

  /// The place of a checkpoint.
  ///
  /// - Parameters:
  ///   - phase: the phase's name; nil for the first, and in checkpoints of earlier versions.
  ///   - made: steps made over all phases; nil if as many as planned.
  /// - Throws: `ControlError.failed` for a place that the plan does not have.
  init(
    _ phase: String?, step: Int, made: Int? = nil, in plan: ResolvedPlan, of run: String
  ) throws(ControlError) {
    let phases = plan.modelPhases
    guard let found = phase.map({ name in phases.first { $0.phase.name == name } }) ?? phases.first,
      (0...found.phase.stepCount).contains(step - found.firstStep)
    else {
      throw .failed(
        "run \(run): its checkpoint holds \(step) steps, in phase '\(phase ?? Phase.training)' (up to "
          + "\(plan.stepCount) expected, in the phases that its design.json plans). They belong to "
          + "different runs. Restore them, or start a new run.")
    }
    self.phase = found.phase
    firstStep = found.firstStep
    self.step = step
    madeBefore = min(
      found.firstStep, max(0, made.map { $0 - (step - found.firstStep) } ?? found.firstStep))
  }
}
