package import Compute
package import Control
package import Datasets
import FoundationEssentials
import Learning
import Models
import Privacy
import Synchronization

/// One run from a folder of images to a synthetic set: the data's whole way through the rooms.
///
/// Everything that it decides or reaches lies in its places, so a run that was interrupted at any
/// moment goes on where its newest checkpoint and the ledger agree.
package final class TrainingRun {
  /// How a run ended without an error.
  package enum Ending {
    /// The set is written.
    case finished(JobResults)
    /// It was asked to stop; a checkpoint is on disk.
    case stopped
  }

  let order: RunOrder
  let places: RunPlaces
  let machine: Machine
  let stop: StopSignal
  private let makeDecoder: @Sendable () throws -> any ImageDecoder
  let report: @Sendable (JobReport) -> Void
  let conditions: RunConditions
  private var verdicts: [String: Int] = [:]
  /// Hears what only the owner of the images may know: how many files are used, and why others are not.
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
      return try runPhases()
    } catch let error as LedgerError {
      throw RootLedger.controlError(error)
    } catch DatasetError.stopped {
      return .stopped
    } catch let error as DatasetError {
      throw ControlError.failed("dataset \(order.dataset): \(error.description)")
    } catch let error as RecipeFailure {
      throw ControlError.invalid(error.description)
    } catch let error as PrivacyError {
      throw ControlError.invalid(error.description)
    }
  }

  private func runPhases() throws -> Ending {
    try DurableFile.makeFolder(places.internalFiles)
    try requireOwnFolders()
    Leftovers.sweep(internalFiles: places.internalFiles, checkpoints: places.checkpoints)
    if let results = try finishedResults() {
      note("finished already: nothing is trained or drawn anew")
      return .finished(results)
    }
    // Before anything is spent: at the end there would be nowhere to put the set.
    try places.set(isProtected: order.loss != .unlimited).requireFree()
    let (design, snapshot) = try prepare()
    if design.plan.mechanism == nil, order.permission == nil {
      throw ControlError.refusedByPolicy(order.nonPrivateRefusal)
    }
    let saved = try checkpoints.newest()
    if saved == nil { try rehearse(design) }
    let model = try design.recipe.makeModel(
      classes: design.classes, seed: design.seed, on: machine)
    let step = try restore(model, from: saved, design)
    try requireRoom(design, step)
    warn(of: model, design, step)
    let account = try RunAccount(order, places, design, under: conditions)
    try requirePaid(step, design, account)
    let questions = PaidQuestions(
      design: design, snapshot: snapshot, account: account, folder: places.internalFiles,
      delta: order.delta, makeNoise: conditions.makeNoise, report: report)
    try questions.askForCounts()
    let trainer = Trainer(
      model, plan: design.plan, images: SnapshotImages(snapshot), ledger: account.ledger,
      purpose: "training", step: step, charged: account.charged,
      permission: order.permission, noise: conditions.makeNoise())
    let record = { (state: RunRecord.State) in
      try self.record(state, design, snapshot, trainer, account).write(
        in: self.places.internalFiles)
    }
    try record(.training)
    let previews = TrainingPreviews(in: places.internalFiles, design)
    try previews.forget(after: step)
    try MetricsFile.forget(after: step, in: places.internalFiles)
    var heldOut = try heldOutLikelihood(of: model, design, snapshot, after: step)
    if try train(trainer, design, account, previews, &heldOut) == .stopped {
      try record(.stopped)
      return .stopped
    }
    try requireEnoughSteps(trainer)
    var publisher = RunPublisher(
      order, places, on: machine, stop: stop, report: report)
    publisher.askForScore = { [machine, stop] in
      try questions.askForScore(of: $0, on: machine, stop: stop)
    }
    guard let results = try publisher.publish(model, design, account, steps: trainer.step) else {
      return .stopped
    }
    try record(.finished)
    try ResultsFile.write(results, in: places.internalFiles)
    return .finished(results)
  }

  /// The step of the newest checkpoint, which the model takes up; at the first attempt 0, of which a
  /// checkpoint is written at once.
  ///
  /// So a disk without room for one ends the run before anything is charged.
  private func restore(
    _ model: any GenerativeModel, from saved: CheckpointFolder.Saved?, _ design: RunDesign
  ) throws -> Int {
    guard let saved else {
      try checkpoints.save(model, step: 0, learntFrom: design.snapshot)
      return 0
    }
    try saved.restore(model, learntFrom: design.snapshot)
    if saved.damaged > 0 {
      note("the newest checkpoint is damaged: goes back to that of step \(saved.step)")
    } else if saved.step > 0 {
      note("goes on from the checkpoint of step \(saved.step)")
    }
    return saved.step
  }

  var checkpoints: CheckpointFolder {
    CheckpointFolder(path: places.checkpoints, write: conditions.writeCheckpoint)
  }

  func note(_ text: String) { report(.note(Releasable(text, .chosenBeforehand))) }

  /// Refuses a checkpoint that holds more steps than are planned, or than the ledger was charged for.
  private func requirePaid(_ step: Int, _ design: RunDesign, _ account: RunAccount) throws {
    guard step <= design.plan.steps else {
      throw ControlError.failed(
        "run \(order.name): its checkpoint holds \(step) steps (up to \(design.plan.steps) expected, as its "
          + "design.json plans). They are not of one run. Restore them, or start a new run.")
    }
    guard design.plan.mechanism != nil, step > account.charged else { return }
    throw ControlError.failed(
      "run \(order.name): its checkpoint holds \(step) steps, and its ledger was charged for "
        + "\(account.charged) (as many expected). The ledger is not the one that paid for them. "
        + "Restore it, or start a new run.")
  }

  /// The design and the frozen images of an earlier attempt, or new ones.
  private func prepare() throws -> (RunDesign, DatasetSnapshot) {
    let folder = places.internalFiles
    if let design = try RunDesign.saved(in: folder), try isUnderway(design) {
      if design.plan.mechanism != nil { try requireOwnReleases() }
      let images = try FrozenImages.open(named: design.snapshot, in: folder, run: order.name)
      try design.requireForm(of: images.snapshot, run: order.name)
      return (design, images.snapshot)
    }
    guard try history().nextAttempt(of: order.name) == 1 else {
      throw ControlError.conflict(
        "run \(order.name): its ledger knows an earlier run of this name, whose files are gone. "
          + "Start a run of another name.")
    }
    try checkpoints.clear()
    let snapshot = try whenThereIsRoom(
      for: "the frozen images", { JobProgress(phase: .scan, done: 0, total: 0) }, freeze)
    report(.progress(JobProgress(phase: .calibrate, done: 0, total: 1)))
    let priced = try PricedPlan(order, units: snapshot.snapshot.unitCount, after: history())
    if let remark = priced.remark { note(remark) }
    let design = try RunDesign(
      order, priced, classes: snapshot.snapshot.classes, snapshot: snapshot.name)
    try design.save(in: folder)
    return (design, snapshot.snapshot)
  }

  /// Whether a saved design is that of a run which the ledger has heard of, or needs no ledger.
  ///
  /// One that was saved and never announced is not binding: nothing proves that it is as it was, and
  /// nothing was done with it.
  private func isUnderway(_ design: RunDesign) throws -> Bool {
    if design.plan.mechanism == nil { return true }
    if try history().nextAttempt(of: order.name) > 1 { return true }
    guard let saved = try checkpoints.newest(), saved.step > 0
    else { return false }
    throw ControlError.failed(
      "run \(order.name): a checkpoint of \(saved.step) steps is there, and the ledger of the images "
        + "knows no such run (its announcement expected). The ledger was lost or moved. Restore it, "
        + "or start a new run.")
  }

  /// Reads the folder and packs its images under a name that the run draws.
  private func freeze() throws -> FrozenImages {
    report(.progress(JobProgress(phase: .scan, done: 0, total: 0)))
    let settled = SettledRoot(root: order.root, rules: order.rules, settle: order.settle)
    try settled.wait(unless: stop)
    var builder = SnapshotBuilder(
      root: order.root, rules: order.rules, transform: order.transform,
      threadCount: machine.threads.threadCount)
    builder.makeDecoder = makeDecoder
    builder.isSettled = { settled.isSettled($1) }
    builder.isStopped = { [stop] in stop.isRaised }
    builder.onProgress = { [report] progress in
      report(.progress(JobProgress(phase: .decode, done: progress.finished, total: progress.total)))
    }
    let folder = places.internalFiles
    let files = Mutex<[InspectedFile]>([])
    builder.onVerdicts = { found in files.withLock { $0 = found } }
    defer { tellOwnerOf(files.withLock { $0 }, builder.transform) }
    do {
      let frozen = try FrozenImages.build(builder, named: conditions.drawSecret(), in: folder)
      verdicts = frozen.files.countsByCode()
      try VerdictsFile.write(frozen.files, in: folder)
      return frozen.images
    } catch {
      // Also where no file can be used: the list says why.
      try? VerdictsFile.write(files.withLock { $0 }, in: folder)
      throw error
    }
  }

  /// Says which files are used, and what the folder looks like.
  private func tellOwnerOf(_ files: [InspectedFile], _ form: ImageTransform) {
    guard !files.isEmpty else { return }
    tellOwner("\(ImageSetSummary(of: files, classes: order.rules.classes)).")
    let remarks = FolderRemark.remarks(on: files, rules: order.rules, lookedAtWith: form)
    for remark in remarks { tellOwner("\(remark)") }
  }

  /// What other runs did to the root.
  func history() throws -> LedgerHistory {
    try RootLedger.history(
      root: order.root, dataset: order.dataset, unit: order.unit, ledgers: places.ledgers,
      marks: places.ledgerMarks)
  }

  private func train(
    _ trainer: Trainer, _ design: RunDesign, _ account: RunAccount,
    _ previews: TrainingPreviews, _ heldOut: inout HeldOutLikelihood?
  ) throws -> Trainer.Ending {
    let metrics = MetricsFile(in: places.internalFiles)
    let schedule = TrainingSchedule(steps: design.plan.steps)
    var pace = TrainingPace(from: trainer.step)
    var saved = trainer.step
    let save = { [self] in
      let progress = { account.progress(trainer, pace, checkpoint: saved) }
      try whenThereIsRoom(for: "a checkpoint", progress) {
        try checkpoints.save(trainer.model, step: trainer.step, learntFrom: design.snapshot)
      }
      saved = trainer.step
      report(.progress(progress()))
    }
    let ending = try trainer.run(
      blockSize: { schedule.blockSize },
      shouldStop: { [stop] in stop.isRaised || heldOut?.isSettled ?? false },
      report: { progress in
        pace.stepped(to: progress.step)
        try previews.draw(trainer.model, after: progress.step, of: progress.lastStep)
        var curves = progress.report
        let bits = heldOut?.measure(after: progress.step)
        curves.privateCurves[HeldOutLikelihood.curve] = bits
        if bits != nil || schedule.hasPoint(after: progress.step, last: progress.lastStep) {
          let epsilon = account.plannedEpsilon(charged: progress.charged)
          try metrics.append(curves, of: progress.step, epsilon: epsilon)
        }
        // People watch the clock: this line is for the moment and is kept nowhere.
        guard pace.isReportDue || progress.step == progress.lastStep else { return }
        pace.reported()
        let accuracy = curves.curves["fake_accuracy"]
        self.report(
          .progress(account.progress(trainer, pace, checkpoint: saved, fakeAccuracy: accuracy)))
      },
      blockEnded: { try save() })
    if saved < trainer.step { try save() }
    guard !stop.isRaised, heldOut?.isSettled ?? false else { return ending }
    note(
      "ends early: held-out images became no likelier at the last "
        + "\(HeldOutLikelihood.patience) of \(HeldOutLikelihood.pointCount) looks")
    return .finished
  }

  /// The curve of held-out images, if the order names some and the model has a likelihood.
  private func heldOutLikelihood(
    of model: any GenerativeModel, _ design: RunDesign, _ snapshot: DatasetSnapshot, after step: Int
  ) throws -> HeldOutLikelihood? {
    guard let root = order.holdOut, let model = model as? any LikelihoodModel else { return nil }
    let folder = places.internalFiles
    let images = try HoldOut(root: root, makeDecoder: makeDecoder, stop: stop, report: report)
      .images(like: snapshot, classes: design.classes, in: folder, on: machine)
    let earlier = try MetricsFile.lines(in: folder).filter { $0.step <= step }
    return HeldOutLikelihood(
      of: model, on: images, steps: design.plan.steps, seed: design.seed,
      earlier: earlier.compactMap { $0.privateCurves[HeldOutLikelihood.curve] },
      ending: order.stopsEarly ? order.permission : nil)
  }

  private func record(
    _ state: RunRecord.State, _ design: RunDesign, _ snapshot: DatasetSnapshot,
    _ trainer: Trainer, _ account: RunAccount
  ) -> RunRecord {
    RunRecord(
      run: order.name, dataset: order.dataset, state: state, recipe: design.recipe,
      plan: design.plan, epsilon: design.epsilon, delta: order.delta, seed: design.seed,
      classes: design.classes, snapshot: design.snapshot, images: snapshot.count,
      units: snapshot.unitCount, verdicts: verdicts, stepsMade: trainer.step,
      stepsCharged: trainer.charged, attempt: account.attempt,
      instructionSet: machine.kernels.name, threads: machine.threads.threadCount,
      software: Version.current, networks: trainer.model.description)
  }
}
