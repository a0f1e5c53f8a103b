import Control
import Datasets
import Evaluation
import Models
import Privacy

/// Carries out the phases of one run, from the place of its newest checkpoint on.
final class PhaseExecution {
  let plan: ResolvedPlan
  let snapshot: DatasetSnapshot
  let model: any GenerativeModel
  let account: RunAccount
  private let run: TrainingRun
  private let publicImages: PublicImages?
  private let start: RunPlace
  private let previews: TrainingPreviews
  private let metrics: MetricsFile
  private var heldOut: HeldOutLikelihood?
  private var answers = PaidAnswers()
  private var publication: (any RunPublication)?
  /// Steps that earlier attempts made in the phases before the one in which this attempt began.
  private let madeBefore: Int
  /// Steps made and charged from that phase on, by phase name.
  private var steps: [String: (made: Int, charged: Int)] = [:]
  /// The step of the newest checkpoint, counted over all phases.
  private var saved: Int

  /// Prepares the phases, and discards records of steps that a crash lost.
  init(
    _ run: TrainingRun, _ plan: ResolvedPlan, _ snapshot: DatasetSnapshot,
    _ model: any GenerativeModel, _ account: RunAccount, publicImages: PublicImages?,
    from place: RunPlace
  ) throws {
    self.run = run
    self.plan = plan
    self.snapshot = snapshot
    self.model = model
    self.account = account
    self.publicImages = publicImages
    start = place
    saved = place.step
    madeBefore = place.madeBefore
    let folder = run.places.internalFiles
    previews = TrainingPreviews(in: folder, plan)
    metrics = MetricsFile(in: folder)
    try previews.forget(after: place.step)
    try MetricsFile.forget(after: place.step, in: folder)
    heldOut = try run.heldOutLikelihood(of: model, plan, snapshot, after: place.step)
    steps[place.phase.name] = (
      made: place.stepInPhase, charged: account.charged(place.phase.name)
    )
  }

  /// Steps that the model made, over all phases.
  var stepsMade: Int { steps.values.reduce(madeBefore) { $0 + $1.made } }
  /// Steps that the ledger was charged for, over all phases.
  var stepsCharged: Int {
    plan.modelPhases.reduce(0) {
      $0 + (steps[$1.phase.name]?.charged ?? account.charged($1.phase.name))
    }
  }

  /// Carries out a phase, or the rest of it.
  func run(_ phase: Phase) throws -> Trainer.Ending {
    if phase.isBesideModel { return try ask(phase) }
    guard phase.name != RunOutline.drawing else { return try draw() }
    // A phase without steps was done before: the model began with weights that it did not learn here.
    guard phase.stepCount > 0 else { return .finished }
    guard let first = plan.modelPhases.first(where: { $0.phase.name == phase.name })?.firstStep,
      first >= start.firstStep
    else { return .finished }
    let step = phase.name == start.phase.name ? start.stepInPhase : 0
    return phase.freeReason == nil
      ? try train(phase, after: first, from: step) : try work(phase, after: first, from: step)
  }

  /// Publishes the set after the last phase.
  func publish() throws -> JobResults {
    guard let publication else { preconditionFailure("a plan without a phase that draws") }
    // Free steps are made in full, whatever crashes cost.
    return try publication.publish(answers, account, steps: stepsMade - plan.freeStepCount)
  }

  private func ask(_ phase: Phase) throws -> Trainer.Ending {
    guard let kind = PaidAnswers.kind(ofPhase: phase.name) else {
      preconditionFailure("a validated plan asks for known answers")
    }
    let inputs = AnswerInputs(
      classes: plan.classes, seed: plan.seed, snapshot: snapshot, drawn: publication?.drawn,
      delta: run.order.delta,
      machine: run.machine, shouldStop: { [run] in run.stop.isRaised }
    ) { [run] share in
      if run.stop.isRaised { throw AnswerPhase.Stopped() }
      run.report(
        .progress(
          JobProgress(
            phase: .evaluate, name: phase.name, done: Int(1000 * share), total: 1000)))
    }
    let asking = AnswerPhase(
      phase: phase, kind: kind, account: account,
      folder: run.places.internalFiles, makeNoise: run.conditions.makeNoise, note: run.note)
    do {
      answers.add(try asking.run(inputs))
      return .finished
    } catch is AnswerPhase.Stopped {
      return .stopped
    }
  }

  private func draw() throws -> Trainer.Ending {
    let publication = try RunPublisher(
      order: run.order, places: run.places, plan: plan, model: model, machine: run.machine,
      stop: run.stop, report: run.report
    ).begin()
    self.publication = publication
    return try publication.draw() ? .finished : .stopped
  }

  private func train(_ phase: Phase, after first: Int, from step: Int) throws -> Trainer.Ending {
    let trainer = trainer(phase, from: step)
    var pace = TrainingPace(from: step)
    let schedule = TrainingSchedule(steps: phase.stepCount)
    let ending = try trainer.run(
      blockSize: { schedule.blockSize },
      shouldStop: { [run] in run.stop.isRaised || heldOut?.isSettled ?? false },
      report: { try recordProgress($0, of: phase, after: first, schedule, &pace) },
      blockEnded: { try save(phase, after: first, pace, trainer.progress) })
    if !run.stop.isRaised, heldOut?.isSettled ?? false {
      run.note(
        "ends early: the likelihood of held-out images did not improve at the last "
          + "\(HeldOutLikelihood.patience) of \(HeldOutLikelihood.pointCount) points")
    } else if case .stopped = ending {
      return .stopped
    }
    try run.requireEnoughSteps(trainer, phase)
    return .finished
  }

  /// The trainer of a phase whose steps, or rounds, read private images.
  private func trainer(_ phase: Phase, from step: Int) -> Trainer {
    let images = SnapshotImages(snapshot)
    let charged = account.charged(phase.name)
    let noise = run.conditions.makeNoise()
    if let rounds = phase.selection {
      return Trainer(
        model, rounds: rounds, images: images, ledger: account.ledger, phase: phase.name,
        step: step, charged: charged, permission: run.order.permission, noise: noise)
    }
    guard let steps = phase.plan else { preconditionFailure("\(phase.name) makes no noisy step") }
    return Trainer(
      model, plan: steps, images: images, ledger: account.ledger, phase: phase.name, step: step,
      charged: charged, permission: run.order.permission, noise: noise)
  }

  private func work(_ phase: Phase, after first: Int, from step: Int) throws -> Trainer.Ending {
    let work = FreeWork(
      model, phase: phase, step: step, isProtected: plan.isProtected,
      publicImages: publicImages)
    var pace = TrainingPace(from: step)
    let schedule = TrainingSchedule(steps: phase.stepCount)
    return try work.run(
      blockSize: schedule.blockSize, shouldStop: { [run] in run.stop.isRaised },
      report: { try recordProgress($0, of: phase, after: first, schedule, &pace) },
      blockEnded: { try save(phase, after: first, pace, work.progress) })
  }

  /// Records the curves and the preview of a step, and reports it.
  private func recordProgress(
    _ progress: Trainer.Progress, of phase: Phase, after first: Int,
    _ schedule: TrainingSchedule, _ pace: inout TrainingPace
  ) throws {
    pace.stepped(to: progress.step)
    let step = first + progress.step
    let isLastPhase = first + phase.stepCount == plan.stepCount
    try previews.draw(model, after: step, of: isLastPhase ? first + progress.lastStep : .max)
    var curves = progress.report
    // Held-out images measure the model that draws; a phase with a share of epsilon trains another one.
    let bits = phase.share == nil ? heldOut?.measure(after: step) : nil
    curves.privateCurves[HeldOutLikelihood.curve] = bits
    if bits != nil || schedule.hasPoint(after: progress.step, last: progress.lastStep) {
      let epsilon = account.plannedEpsilon(in: phase, charged: progress.charged)
      try metrics.append(curves, of: step, epsilon: epsilon)
    }
    // For people who watch: this progress line depends on the clock, so it is stored nowhere.
    guard pace.isReportDue || progress.step == progress.lastStep else { return }
    pace.reported()
    let watched = plan.recipe.drawingFamily.watchedCurve.flatMap { curve in
      curves.curves[curve].map { CurveValue(name: curve.name, value: $0.value) }
    }
    run.report(
      .progress(self.progress(phase, progress, pace, checkpoint: saved, curve: watched)))
  }

  /// Records a finished block and writes a checkpoint; waits for free disk space if there is none.
  private func save(
    _ phase: Phase, after first: Int, _ pace: TrainingPace, _ progress: Trainer.Progress
  ) throws {
    steps[phase.name] = (made: progress.step, charged: progress.charged)
    let report = { [self, saved] in
      self.progress(phase, progress, pace, checkpoint: saved)
    }
    try run.whenThereIsRoom(for: "a checkpoint", report) {
      try run.checkpoints.save(
        model, step: first + progress.step, phase: phase.name, made: stepsMade,
        learntFrom: plan.snapshot)
    }
    saved = first + progress.step
    run.report(.progress(self.progress(phase, progress, pace, checkpoint: saved)))
  }

  /// The progress of a phase, as far as it may be reported.
  private func progress(
    _ phase: Phase, _ place: Trainer.Progress, _ pace: TrainingPace, checkpoint: Int,
    curve: CurveValue? = nil
  ) -> JobProgress {
    JobProgress(
      phase: .train, name: phase.name, isFree: phase.freeReason == nil ? nil : true,
      done: place.step, total: place.lastStep,
      plannedEpsilon: account.plannedEpsilon(in: phase, charged: place.charged),
      targetEpsilon: plan.epsilon, delta: plan.epsilon == nil ? nil : run.order.delta,
      speed: pace.speed,
      remainingSeconds: pace.speed.map { Double(place.lastStep - place.step) / $0 },
      curve: curve, checkpoint: checkpoint)
  }
}

extension TrainingRun {
  /// The curve of held-out images, if the order names a folder of them and the model has a likelihood.
  func heldOutLikelihood(
    of model: any GenerativeModel, _ plan: ResolvedPlan, _ snapshot: DatasetSnapshot,
    after step: Int
  ) throws -> HeldOutLikelihood? {
    guard let root = order.holdOut, let model = model.drawingModel as? any LikelihoodModel else {
      return nil
    }
    let folder = places.internalFiles
    let images = try HoldOut(root: root, makeDecoder: makeDecoder, stop: stop, report: report)
      .images(like: snapshot, classes: plan.classes, in: folder, on: machine)
    let earlier = try MetricsFile.lines(in: folder).filter { $0.step <= step }
    return HeldOutLikelihood(
      of: model, on: images, steps: plan.stepCount, seed: plan.seed,
      earlier: earlier.compactMap { $0.privateCurves[HeldOutLikelihood.curve.name] },
      ending: order.stopsEarly ? order.permission : nil)
  }
}
