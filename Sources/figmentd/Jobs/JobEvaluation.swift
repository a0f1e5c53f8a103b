import Compute
import Control
import Datasets
import Evaluation
import FoundationEssentials
import Models
import Privacy
import Runs

/// Measures what a training job released against the images it learnt from: `figment evaluate`.
///
/// The report stays in the trained job's internal folder: it holds numbers and pictures of real
/// images.
struct JobEvaluation {
  /// The run that is judged.
  let plan: ResolvedPlan
  /// Where its files lie.
  let places: RunPlaces
  /// The dataset as it is configured now.
  let dataset: DatasetConfiguration
  /// What is asked for.
  let request: EvaluateRequest
  /// What computes.
  let machine: Machine
  /// Decodes images that may be hostile.
  let makeDecoder: @Sendable () throws -> any ImageDecoder
  /// The wish that it stops.
  let stop: StopSignal
  /// Hears of progress.
  let report: @Sendable (JobReport) -> Void

  /// The real images, and what they are good for.
  private struct RealImages {
    let train: Sensitive<LabelledImages>
    let test: Sensitive<LabelledImages>
    let testIsUnseen: Bool
    let split: String
  }

  private struct Stopped: Error {}

  /// Evaluates and writes both files of the report; nil when it was asked to stop.
  func run() throws -> JobResults? {
    do {
      let released = !plan.isProtected ? places.unprotected : places.release
      let synthetic = try syntheticImages(released + "/data")
      let statement = try privacyStatement()
      let real = try realImages()
      let options = EvaluationOptions(
        effort: request.effort.flatMap { EvaluationEffort(rawValue: $0.rawValue) } ?? .standard,
        seed: request.seed ?? 1,
        rivalBudget: try statement.map {
          try PrivacyBudget(epsilon: $0.runCost.epsilon, delta: $0.runCost.delta)
        }, testIsUnseen: real.testIsUnseen)
      let findings = try Evaluator(options, on: machine).findings(
        synthetic: Releasable(synthetic, .postProcessing), train: real.train, test: real.test
      ) { progress in
        if stop.isRaised { throw Stopped() }
        report(
          .progress(
            JobProgress(phase: .evaluate, done: Int(1000 * progress.share), total: 1000)))
      }
      let run = try RunReport(
        plan, statement, in: places.internalFiles, command: request.command,
        on: machine)
      var data = run.data(
        synthetic, total: synthetic.count,
        facts: [
          ("Effort", options.effort.rawValue), ("Seed of the evaluation", String(options.seed)),
          ("Real test images", real.split), ("Instruction set", machine.kernels.name),
        ])
      data.findings = findings
      if let distance = run.previewStudy?.distance(to: real.test, seed: options.seed) {
        data.privateSignals = data.privateSignals.map(with: distance) { [$1] + $0 }
      }
      return try write(data)
    } catch is Stopped {
      return nil
    } catch DatasetError.stopped {
      return nil
    } catch EvaluationError.tooFewImages(let set, _, let expected) {
      // Without the number that was found: it counts real images, and failures are shown to all who
      // may look.
      throw ControlError.failed(
        "job \(request.job): the \(set) set has fewer images than an evaluation needs "
          + "(\(expected) expected).")
    } catch let error as EvaluationError {
      throw ControlError.failed("job \(request.job): \(error.description)")
    } catch let error as DatasetError {
      throw ControlError.failed("dataset \(dataset.name): \(error.description)")
    }
  }

  private func write(_ data: ReportData) throws -> JobResults {
    let files = try ReportWriter().files(data, for: InternalReport.self)
    let place = InternalReportFiles(folder: places.internalFiles)
    try DurableFile.write(files.page, to: place.page)
    try DurableFile.write(files.json, to: place.json)
    return JobResults(outputs: [JobOutput(kind: "report", path: place.page)])
  }

  private func privacyStatement() throws -> PrivacyStatement? {
    guard plan.isProtected else { return nil }
    let (place, name) = (places.set(isProtected: true), "privacy.json")
    guard let data = try place.ownFile(name) else {
      throw ControlError.conflict(
        "\(place.path)/\(name): the release has none (the statement of its run expected). Restore the release."
      )
    }
    return try StateFormat.decode(PrivacyStatement.self, from: data, of: "\(place.path)/\(name)")
  }

  private func syntheticImages(_ path: String) throws -> LabelledImages {
    try ImageFolder(path, makeDecoder: makeDecoder).load(
      plan.recipe.transform, classNames: plan.classes, on: machine
    ).images
  }

  /// The run's own frozen images; beside them those of the hold-out folder or, without one, a part
  /// of the run's own.
  private func realImages() throws -> RealImages {
    let snapshot = try DatasetSnapshot(opening: "\(places.internalFiles)/images.pack")
    try plan.requireForm(of: snapshot, run: "\(request.job)")
    let train = snapshot.labelledImages(at: 0..<snapshot.count, classNames: plan.classes)
    guard let root = dataset.holdOut else {
      let count = min(10_000, train.count / 5)
      let (test, rest) = train.split(first: count, seed: request.seed ?? 1)
      return RealImages(
        train: Sensitive(rest), test: Sensitive(test), testIsUnseen: false,
        split: "a fifth of the training images, at most 10 000, which the model has seen: "
          + "likeness and usefulness may come out too well, and no attack is made")
    }
    let holdOut = HoldOut(root: root, makeDecoder: makeDecoder, stop: stop, report: report)
    return RealImages(
      train: Sensitive(train),
      test: try holdOut.images(
        like: snapshot, classes: plan.classes, in: places.internalFiles, on: machine),
      testIsUnseen: true,
      split: "the dataset's hold-out folder, without files that are training images too")
  }
}

/// Where the report that stays inside lies.
struct InternalReportFiles {
  /// The folder of what must never be released.
  let folder: String
  /// The page.
  var page: String { folder + "/report.html" }
  /// Its twin.
  var json: String { folder + "/report.json" }
}
