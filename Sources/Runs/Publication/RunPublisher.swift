import Compute
import Control
import Datasets
import Evaluation
import FoundationEssentials
import Models
import Privacy

/// Turns a trained model into a set for people: a release, or, without privacy, an internal set with a
/// warning.
///
/// The plan's drawing phase draws the set, and it is packed after the last phase, so that answers about the
/// drawn images can be computed in between.
protocol RunPublication: AnyObject {
  /// Draws the images; false when it was stopped early.
  func draw() throws -> Bool
  /// The drawn images, or an even sample if there are very many.
  var drawn: LabelledImages { get }
  /// Packs and publishes the set with all its files; `steps` were made on private images.
  func publish(_ answers: PaidAnswers, _ account: RunAccount, steps: Int) throws -> JobResults
}

/// The parts of a run that its publication needs.
struct RunPublisher {
  let order: RunOrder
  let places: RunPlaces
  let plan: ResolvedPlan
  let model: any GenerativeModel
  let machine: Machine
  let stop: StopSignal
  let report: @Sendable (JobReport) -> Void

  /// Begins the set.
  func begin() throws -> any RunPublication {
    let place = places.set(isProtected: plan.isProtected)
    if let mechanism = plan.mechanism {
      let writer = try ReleaseWriter(releaseAt: place, protectedBy: mechanism, hasReport: true)
      return ZonePublication(self, place.path, writer)
    }
    return ZonePublication(
      self, place.path, try InternalSetWriter(insideAt: place, hasReport: true))
  }
}

/// The publication of a set in its zone.
private final class ZonePublication<Zone: ReportZone>: RunPublication {
  private let run: RunPublisher
  private let place: String
  private let writer: SetWriter<Zone>
  private let format: ImageSpecification
  private let request: SampleRequest

  init(_ run: RunPublisher, _ place: String, _ writer: SetWriter<Zone>) {
    self.run = run
    self.place = place
    self.writer = writer
    format = run.plan.recipe.format(classes: run.plan.classes)
    let seed = run.plan.seed &+ 1
    if let table = run.model as? any TableModel {
      // The label is a column like others: its shares are the model's.
      request = SampleRequest(
        labels: table.labels(count: run.order.count, seed: seed), seed: seed)
    } else {
      request = SampleRequest(
        classCounts: SampleRequest.evenCounts(of: run.order.count, among: format.classes.count),
        seed: seed)
    }
  }

  private var hasImages: Bool { run.plan.recipe.model.readsImages }

  var drawn: LabelledImages { writer.lookedImages(format) }

  func draw() throws -> Bool {
    let report = { [run] (done: Int) in
      run.report(.progress(JobProgress(phase: .generate, done: done, total: run.order.count)))
    }
    return try writer.writeSet(
      of: run.model, format: format, request, shouldStop: { run.stop.isRaised }, report: report)
  }

  func publish(_ answers: PaidAnswers, _ account: RunAccount, steps: Int) throws -> JobResults {
    run.report(.progress(JobProgress(phase: .pack, done: 0, total: 1)))
    let (plan, order, model) = (run.plan, run.order, run.model)
    if hasImages { try writer.writeSheet(of: model, format: format, as: request) }
    try writer.writeGenerator(of: model, recipe: plan.recipe, classes: plan.classes)
    let statement = try account.statement(answers: answers.words)
    for file in try answers.files() { try writer.write(file.content, as: file.name) }
    for picture in answers.pictures { try writer.write(picture.image, as: picture.name) }
    try writer.write(
      Releasable(
        ReleaseReadme(
          plan, statement, count: order.count, steps: steps, answers: answers.contents
        ).text,
        .chosenBeforehand),
      as: "README.md")
    if let statement {
      try writer.write(
        Releasable(ControlCoding.encodeForPeople(statement), .chosenBeforehand), as: "privacy.json")
      try writer.write(Releasable(statement.markdown, .chosenBeforehand), as: "PRIVACY.md")
    }
    try writer.write(report(answers, statement, steps: steps))
    let manifest = try writer.writeManifest(run: order.name, software: Version.current)
    try writer.noteOwn(manifest: manifest)
    if let statement { try account.release(manifest, claim: statement.total) }
    try writer.finish(manifest: manifest)
    return results(statement, steps: steps)
  }

  private func results(_ statement: PrivacyStatement?, steps: Int) -> JobResults {
    JobResults(
      epsilon: statement?.runCost.epsilon, totalEpsilon: statement?.total.epsilon,
      meaning: statement?.meaning, delta: statement == nil ? nil : run.order.delta,
      unit: statement?.unit.words, steps: steps,
      plannedSteps: run.plan.plannedSteps(ifMoreThan: steps),
      freeSteps: run.plan.freeStepCount > 0 ? run.plan.freeStepCount : nil,
      images: run.order.count,
      outputs: (hasImages
        ? [
          JobOutput(kind: "images", path: place + "/data"),
          JobOutput(kind: "sheet", path: place + "/samples.png"),
        ] : [JobOutput(kind: "table", path: place + "/data.csv")]) + [
          JobOutput(kind: "report", path: place + "/report.html"),
          JobOutput(kind: "model", path: place + "/model/generator.safetensors"),
          JobOutput(kind: "internal record", path: run.places.internalFiles + "/run.json"),
        ])
  }

  /// The content of the report.
  private func report(
    _ answers: PaidAnswers, _ statement: PrivacyStatement?, steps: Int
  ) throws -> ReportData {
    let images = drawn
    var data = try RunReport(
      run.plan, statement, in: run.places.internalFiles, command: run.order.command, steps: steps,
      on: run.machine
    ).data(images, total: run.order.count)
    if images.count > 0 {
      data.ownFindingsAlone = Releasable(
        SyntheticFindings(images, on: run.machine.threads), .postProcessing)
    }
    if !format.columns.isEmpty {
      data.tables = TableEvaluation.alone(
        synthetic: Releasable(try writer.table(format.columns), .postProcessing),
        assumptions: run.plan.recipe.tableAssumptions
          + [run.plan.noiseSentence].compactMap { $0 })
    }
    data.paidAnswers = answers.tables
    data.paidAccuracy = answers.accuracyForVerdict
    return data
  }
}

extension SetWriter {
  /// The rows that were kept for the report.
  func table(_ columns: [ColumnDomain]) throws -> CodedTable {
    try CodedTable(
      domains: columns, codes: rowCodes, rowCount: rowCodes.count / columns.count)
  }

  /// The images that were kept for the report.
  func lookedImages(_ format: ImageSpecification) -> LabelledImages {
    guard format.hasImages else { return .none(of: format.classes) }
    return LabelledImages(
      shape: Shape(format.height, format.width, format.channels), classNames: format.classes,
      labels: looked.labels, pixels: looked.pixels,
      teacherProbabilities: looked.teacherProbabilities.isEmpty ? nil : looked.teacherProbabilities)
  }
}
