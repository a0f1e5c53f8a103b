import Compute
import Control
import Datasets
import Evaluation
import FoundationEssentials
import Models
import Privacy
import Runs

/// Compares the release of a training job with what it was trained on: `figment evaluate`.
///
/// The report contains numbers and pictures of real images, so it stays in the job's internal folder.
struct JobEvaluation {
  /// The plan of the evaluated run.
  let plan: ResolvedPlan
  /// The paths of its files.
  let places: RunPlaces
  /// The dataset as configured now.
  let dataset: DatasetConfiguration
  /// The request.
  let request: EvaluateRequest
  /// The machine to compute with.
  let machine: Machine
  /// Creates decoders for untrusted images.
  let makeDecoder: @Sendable () throws -> any ImageDecoder
  /// The stop signal.
  let stop: StopSignal
  /// Receives progress reports.
  let report: @Sendable (JobReport) -> Void

  /// The real images, and what they permit to measure.
  private struct RealImages {
    let train: Sensitive<LabelledImages>
    let test: Sensitive<LabelledImages>
    /// The rows of held-out images; nil without columns, and without a hold-out folder.
    var heldOutRows: Sensitive<CodedTable>?
    let testIsUnseen: Bool
    let split: String
  }

  private struct Stopped: Error {}

  /// Evaluates and writes both files of the report; returns nil if it was stopped.
  func run() throws -> JobResults? {
    do {
      let snapshot = try DatasetSnapshot(opening: "\(places.internalFiles)/images.pack")
      try plan.requireForm(of: snapshot, run: "\(request.job)")
      let statement = try privacyStatement()
      let record = try RunReport(
        plan, statement, in: places.internalFiles, command: request.command,
        steps: ResultsFile.steps(in: places.internalFiles), on: machine)
      return try write(
        plan.recipe.model.readsImages
          ? imageReport(record, statement, snapshot) : tableReport(record, snapshot))
    } catch is Stopped {
      return nil
    } catch DatasetError.stopped {
      return nil
    } catch EvaluationError.tooFewImages(let set, _, let expected) {
      // Without the number that was found: it counts real images, and callers with read access see
      // failures.
      throw ControlError.failed(
        "job \(request.job): the \(set) set has fewer images than an evaluation needs "
          + "(\(expected) expected).")
    } catch let error as EvaluationError {
      throw ControlError.failed("job \(request.job): \(error.description)")
    } catch let error as DatasetError {
      throw ControlError.failed("dataset \(dataset.name): \(error.description)")
    }
  }

  private var seed: UInt64 { request.seed ?? 1 }

  /// The folder of the evaluated set.
  private var released: String { plan.isProtected ? places.release : places.unprotected }

  private var holdOut: HoldOut? {
    dataset.holdOut.map {
      HoldOut(root: $0, makeDecoder: makeDecoder, stop: stop, report: report)
    }
  }

  private func show(_ share: Double) throws {
    if stop.isRaised { throw Stopped() }
    report(
      .progress(JobProgress(phase: .evaluate, done: Int(1000 * share), total: 1000)))
  }

  /// The report about images, and about their rows if they have some.
  private func imageReport(
    _ record: RunReport, _ statement: PrivacyStatement?, _ snapshot: DatasetSnapshot
  ) throws -> ReportData {
    let (synthetic, _, files) = try ImageFolder(released + "/data", makeDecoder: makeDecoder).load(
      plan.recipe.transform, classNames: plan.classes, on: machine)
    let real = try realImages(snapshot)
    let options = EvaluationOptions(
      effort: request.effort.flatMap { EvaluationEffort(rawValue: $0.rawValue) } ?? .standard,
      seed: seed,
      rivalBudget: try statement.map {
        try PrivacyBudget(epsilon: $0.runCost.epsilon, delta: $0.runCost.delta)
      }, testIsUnseen: real.testIsUnseen)
    var facts: [(name: String, value: String)] = [
      ("Effort", options.effort.rawValue), ("Seed of the evaluation", String(seed)),
      ("Real test images", real.split), ("Instruction set", machine.kernels.name),
    ]
    // The tables take seconds, so that an error in them does not end an evaluation of hours.
    let tables: JobTables? =
      try plan.recipe.columns.isEmpty
      ? nil
      : JobTables(
        ofImages: files, in: released, frozen: snapshot, test: real.heldOutRows)
    let comparison = try tables.map { try compare($0) }
    if let tables { facts.append(("Real test rows", tables.split)) }
    let findings = try Evaluator(options, on: machine).findings(
      synthetic: Releasable(synthetic, .postProcessing), train: real.train, test: real.test
    ) { try show($0.share) }
    var data = record.data(synthetic, total: synthetic.count, facts: facts)
    data.findings = findings
    data.tables = comparison
    if let distance = record.previewStudy?.distance(to: real.test, seed: seed) {
      data.privateSignals = data.privateSignals.map(with: distance) { [$1] + $0 }
    }
    return data
  }

  /// The report about a table alone.
  private func tableReport(
    _ record: RunReport, _ snapshot: DatasetSnapshot
  ) throws -> ReportData {
    try show(0)
    let tables = try JobTables(
      ofTablesIn: released, frozen: snapshot, holdOut: holdOut, stop: stop)
    var data = record.data(
      LabelledImages.none(of: plan.classes), total: tables.synthetic.value.rowCount,
      facts: [("Seed of the evaluation", String(seed)), ("Real test rows", tables.split)])
    data.tables = try compare(tables)
    try show(1)
    return data
  }

  private func compare(_ tables: JobTables) throws -> TableFindings {
    try tables.findings(seed: seed, assumptions: plan.recipe.tableAssumptions)
  }

  private func write(_ data: ReportData) throws -> JobResults {
    let files = try ReportWriter().files(data, for: InternalReport.self)
    let place = InternalReportFiles(folder: places.internalFiles)
    try DurableFile.write(files.page, to: place.page)
    try DurableFile.write(files.json, to: place.json)
    return JobResults(outputs: [JobOutput(kind: "internal report", path: place.page)])
  }

  private func privacyStatement() throws -> PrivacyStatement? {
    guard plan.isProtected else { return nil }
    let (place, name) = (places.set(isProtected: true), "privacy.json")
    guard let data = try place.ownFile(name) else {
      throw ControlError.conflict(
        "\(place.path)/\(name): missing (the privacy statement of the release expected). Restore the release."
      )
    }
    return try StateFormat.decode(PrivacyStatement.self, from: data, of: "\(place.path)/\(name)")
  }

  /// The run's frozen images, and as reference those of the hold-out folder or, without one, a part of the
  /// frozen images.
  private func realImages(_ snapshot: DatasetSnapshot) throws -> RealImages {
    let train = snapshot.labelledImages(at: 0..<snapshot.count, classNames: plan.classes)
    guard let holdOut else {
      let count = min(10_000, train.count / 5)
      let (test, rest) = train.split(first: count, seed: seed)
      return RealImages(
        train: Sensitive(rest), test: Sensitive(test), testIsUnseen: false,
        split: "a fifth of the training images, at most 10 000, which the model has seen: "
          + "fidelity and utility may be overestimated, and no attack is run")
    }
    let held = try holdOut.attributedImages(
      like: snapshot, classes: plan.classes, in: places.internalFiles, on: machine)
    return RealImages(
      train: Sensitive(train), test: held.images, heldOutRows: held.rows, testIsUnseen: true,
      split: "the dataset's hold-out folder, without files that are also training images")
  }
}

/// The paths of the internal report.
struct InternalReportFiles {
  /// The folder of files that must never be released.
  let folder: String
  /// The HTML page.
  var page: String { folder + "/report.html" }
  /// The same report as JSON.
  var json: String { folder + "/report.json" }
}
