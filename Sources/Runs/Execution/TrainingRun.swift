package import Compute
package import Control
package import Datasets
import FoundationEssentials
import Glibc
import Models
import Privacy

/// One run, from a folder of images to a synthetic set.
///
/// All its decisions and results are stored in its places, so a run that was interrupted at any moment
/// continues where its newest checkpoint and the ledger agree.
package final class TrainingRun {
  /// How a run ended without an error.
  package enum Ending {
    /// The set is complete.
    case finished(JobResults)
    /// The run was asked to stop; a checkpoint is on disk.
    case stopped
  }

  let order: RunOrder
  let places: RunPlaces
  let machine: Machine
  let stop: StopSignal
  let makeDecoder: @Sendable () throws -> any ImageDecoder
  let report: @Sendable (JobReport) -> Void
  let conditions: RunConditions
  var verdicts: [String: Int] = [:]
  /// The weights that the run starts from, after they were read.
  var readStarts: [StartOfRun]?
  /// Receives messages for the owner of the images alone: how many files are used, and why others are not.
  package var tellOwner: (String) -> Void = { _ in }

  /// Prepares a run; nothing is read or written yet.
  package init(
    _ order: RunOrder, at places: RunPlaces, on machine: Machine, stop: StopSignal,
    under conditions: RunConditions = RunConditions(),
    makeDecoder: @escaping @Sendable () throws -> any ImageDecoder,
    report: @escaping @Sendable (JobReport) -> Void
  ) {
    self.order = order
    self.conditions = conditions
    self.places = places
    self.machine = machine
    self.stop = stop
    self.makeDecoder = makeDecoder
    self.report = report
  }

  /// Runs to the end, or until it is asked to stop.
  package func run() throws -> Ending {
    do {
      return try carryOut()
    } catch let error as LedgerError {
      throw ControlError(error)
    } catch DatasetError.stopped {
      return .stopped
    } catch let error as DatasetError where error.isWantOfImages {
      throw ControlError.failed("dataset \(order.dataset): \(error.description)\(whereReasonsAre)")
    } catch let error as DatasetError {
      // Callers with read access see failures, and the name of a table is for the owner.
      if case .tableUnusable(_, _, let place?) = error { tellOwner("stopped at \(place)") }
      throw ControlError.failed("dataset \(order.dataset): \(error.description)")
    } catch let error as RecipeFailure {
      throw ControlError.invalid(error.description)
    } catch let error as PrivacyError {
      throw ControlError.invalid(error.description)
    }
  }

  /// Where the reason for each file is listed; empty where there is no file.
  private var whereReasonsAre: String {
    if let listing = order.fileListing { return " \(listing) lists the reason for each file." }
    let list = VerdictsFile.path(in: places.internalFiles)
    guard access(list, F_OK) == 0 else { return "" }
    return " \(list) lists the reason for each file."
  }

  private func carryOut() throws -> Ending {
    try DurableFile.makeFolder(places.internalFiles)
    try requireOwnFolders()
    Leftovers.sweep(internalFiles: places.internalFiles, checkpoints: places.checkpoints)
    if let results = try finishedResults() {
      note("already finished: nothing is trained or drawn again")
      return .finished(results)
    }
    // Before any privacy is spent: otherwise the finished set might have no place to go.
    try places.set(isProtected: order.loss != .unlimited).requireFree()
    let (plan, snapshot) = try prepare()
    if !plan.isProtected, order.permission == nil {
      throw ControlError.refusedByPolicy(order.nonPrivateRefusal)
    }
    let saved = try checkpoints.newest()
    if saved == nil { try rehearse(plan) }
    let model = try plan.recipe.makeModel(classes: plan.classes, seed: plan.seed, on: machine)
    if saved == nil { try start(model, of: plan) }
    let place = try restore(model, from: saved, plan)
    try requireRoom(plan, place.step)
    warn(of: model, plan, place.step)
    let publicImages = try publicImages(for: plan, besides: snapshot)
    let account = try RunAccount(order, places, plan, under: conditions)
    try requirePaid(place, plan, account)
    let execution = try PhaseExecution(
      self, plan, snapshot, model, account, publicImages: publicImages, from: place)
    try record(.training, execution).write(in: places.internalFiles)
    for phase in plan.phases {
      guard case .finished = try execution.run(phase) else {
        try record(.stopped, execution).write(in: places.internalFiles)
        return .stopped
      }
    }
    let results = try execution.publish()
    try record(.finished, execution).write(in: places.internalFiles)
    try ResultsFile.write(results, in: places.internalFiles)
    PublicFolder.remove(from: places.internalFiles)
    return .finished(results)
  }

  /// Restores the model from the newest checkpoint and returns its place; the first attempt writes a
  /// checkpoint of the beginning at once.
  ///
  /// So a disk without space for a checkpoint ends the run before anything is charged.
  private func restore(
    _ model: any GenerativeModel, from saved: CheckpointFolder.Saved?, _ plan: ResolvedPlan
  ) throws -> RunPlace {
    let beginning = try RunPlace(nil, step: 0, in: plan, of: order.name)
    guard let saved else {
      try requireNoneDamaged(plan)
      try checkpoints.save(
        model, step: 0, phase: beginning.phase.name, made: 0, learntFrom: plan.snapshot)
      return beginning
    }
    try saved.restore(model, of: plan)
    if saved.damaged > 0 {
      note("the newest checkpoint is damaged: goes back to that of step \(saved.step)")
    } else if saved.step > 0 {
      note("continues from the checkpoint of step \(saved.step)")
    }
    return try RunPlace(
      saved.phase, step: saved.step, made: saved.made, in: plan, of: order.name)
  }

  /// Refuses to begin again where checkpoints are there and none can be read: steps that were paid for would be
  /// lost in silence.
  private func requireNoneDamaged(_ plan: ResolvedPlan) throws {
    guard try checkpoints.hasFiles() else { return }
    let charged = plan.isProtected ? try history().spent(by: order.name).total : 0
    guard charged > 0 else { return note("none of its checkpoints can be read: begins again") }
    throw ControlError.failed(
      "run \(order.name): none of its checkpoints can be read (\(places.checkpoints) as the run left it "
        + "expected), and its ledger was charged for \(charged) accesses, which cannot be made again. Restore a "
        + "checkpoint, or start a new run.")
  }

  var checkpoints: CheckpointFolder {
    CheckpointFolder(path: places.checkpoints, write: conditions.writeCheckpoint)
  }

  func note(_ text: String) { report(.note(Releasable(text, .chosenBeforehand))) }

  /// Refuses a checkpoint with more steps than the ledger was charged for.
  private func requirePaid(
    _ place: RunPlace, _ plan: ResolvedPlan, _ account: RunAccount
  ) throws {
    guard plan.isProtected else { return }
    for (phase, firstStep) in plan.modelPhases where firstStep <= place.firstStep {
      let needed = phase.name == place.phase.name ? place.stepInPhase : phase.accessCount
      let charged = account.charged(phase.name)
      guard phase.access != nil, needed > charged else { continue }
      throw ControlError.failed(
        "run \(order.name): its checkpoint holds \(needed) steps of phase '\(phase.name)', and its ledger was "
          + "charged for \(charged) (as many expected). The ledger is not the one that paid for them. "
          + "Restore it, or start a new run.")
    }
  }

  private func record(_ state: RunRecord.State, _ execution: PhaseExecution) -> RunRecord {
    let plan = execution.plan
    return RunRecord(
      run: order.name, dataset: order.dataset, state: state, recipe: plan.recipe,
      phases: plan.phases, population: plan.population, epsilon: plan.epsilon, delta: order.delta,
      seed: plan.seed, classes: plan.classes, snapshot: plan.snapshot,
      images: execution.snapshot.count, units: execution.snapshot.unitCount, verdicts: verdicts,
      stepsMade: execution.stepsMade, stepsCharged: execution.stepsCharged,
      attempt: execution.account.attempt, instructionSet: machine.kernels.name,
      threads: machine.threads.threadCount, software: Version.current,
      networks: execution.model.description)
  }
}
