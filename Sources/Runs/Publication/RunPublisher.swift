import Compute
import Control
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
    request = SampleRequest(
      classCounts: SampleRequest.evenCounts(of: run.order.count, among: format.classes.count),
      seed: run.plan.seed &+ 1)
  }

  var drawn: LabelledImages { writer.lookedImages(format) }

  func draw() throws -> Bool {
    try writer.writeImages(
      of: run.model, format: format, request,
      shouldStop: { run.stop.isRaised },
      report: { [count = run.order.count] in
        run.report(.progress(JobProgress(phase: .generate, done: $0, total: count)))
      })
  }

  func publish(_ answers: PaidAnswers, _ account: RunAccount, steps: Int) throws -> JobResults {
    run.report(.progress(JobProgress(phase: .pack, done: 0, total: 1)))
    let (plan, order, model) = (run.plan, run.order, run.model)
    try writer.writeSheet(of: model, format: format, as: request)
    try writer.writeGenerator(of: model, recipe: plan.recipe, classes: plan.classes)
    let statement = try account.statement(answers: answers.words)
    for file in try answers.files() { try writer.write(file.content, as: file.name) }
    for picture in answers.pictures { try writer.write(picture.image, as: picture.name) }
    try writer.write(
      Releasable(
        ReleaseReadme(plan, statement, count: order.count, answers: answers.contents).text,
        .chosenBeforehand),
      as: "README.md")
    if let statement {
      try writer.write(
        Releasable(ControlCoding.encodeForPeople(statement), .chosenBeforehand), as: "privacy.json")
      try writer.write(Releasable(statement.markdown, .chosenBeforehand), as: "PRIVACY.md")
    }
    try writer.write(report(answers, statement))
    let manifest = try writer.writeManifest(run: order.name, software: Version.current)
    try writer.noteOwn(manifest: manifest)
    if let statement { try account.release(manifest, claim: statement.total) }
    try writer.finish(manifest: manifest)
    return results(statement, steps: steps)
  }

  private func results(_ statement: PrivacyStatement?, steps: Int) -> JobResults {
    let planned = run.plan.stepCount - run.plan.freeStepCount
    return JobResults(
      epsilon: statement?.runCost.epsilon, totalEpsilon: statement?.total.epsilon,
      meaning: statement?.meaning, delta: statement == nil ? nil : run.order.delta,
      steps: steps, plannedSteps: steps < planned ? planned : nil,
      freeSteps: run.plan.freeStepCount > 0 ? run.plan.freeStepCount : nil,
      images: run.order.count,
      outputs: [
        JobOutput(kind: "images", path: place + "/data"),
        JobOutput(kind: "sheet", path: place + "/samples.png"),
        JobOutput(kind: "report", path: place + "/report.html"),
        JobOutput(kind: "model", path: place + "/model/generator.safetensors"),
        JobOutput(kind: "record", path: run.places.internalFiles + "/run.json"),
      ])
  }

  /// The content of the report.
  private func report(
    _ answers: PaidAnswers, _ statement: PrivacyStatement?
  ) throws -> ReportData {
    let images = drawn
    var data = try RunReport(
      run.plan, statement, in: run.places.internalFiles, command: run.order.command,
      on: run.machine
    ).data(images, total: run.order.count)
    if images.count > 0 {
      data.ownFindingsAlone = Releasable(
        SyntheticFindings(images, on: run.machine.threads), .postProcessing)
    }
    data.paidAnswers = answers.tables
    data.paidAccuracy = answers.accuracyForVerdict
    return data
  }
}

/// The README of a synthetic set.
struct ReleaseReadme {
  private let plan: ResolvedPlan
  private let statement: PrivacyStatement?
  private let count: Int
  private let answers: [String]

  /// Describes a set of `count` images; `answers` describe the files about the real ones.
  init(_ plan: ResolvedPlan, _ statement: PrivacyStatement?, count: Int, answers: [String]) {
    self.plan = plan
    self.statement = statement
    self.count = count
    self.answers = answers
  }

  /// The README in Markdown, with the header that dataset hubs read.
  var text: String {
    let image = plan.recipe.image
    let guarantee =
      statement.map {
        "\([$0.sentence, $0.meaning ?? ""].joined(separator: "\n\n"))\n\n"
          + "The whole statement: PRIVACY.md, and privacy.json."
      }
        ?? """
        **No guarantee.** This set was trained without privacy. Images in it may reproduce training \
        images. Treat it like the training images themselves: it must not be shared.
        """
    return """
      ---
      task_categories: [image-classification]
      tags: [synthetic\(statement == nil ? "" : ", differential-privacy")]
      ---
      # \(count) synthetic images

      Made by Figment \(Version.current) with recipe `\(plan.recipe.name)`: \
      \(image.width)×\(image.height) pixels, \(image.channels == 1 ? "grey" : "colour"), \
      \(plan.classes.count) classes (\(plan.classes.joined(separator: ", "))), in equal shares, \
      regardless of the shares in the training set.
      \(plan.recipe.model.releaseRemark.map { "\n\($0)\n" } ?? "")
      Every image was drawn by the trained model. A model can reproduce what it was trained on: a \
      guarantee bounds how much its images can reveal about a single training image. Every file \
      carries the IPTC mark *trainedAlgorithmicMedia*.

      ## Privacy

      \(guarantee)

      ## Contents

      - `data/<class>/*.png`, `metadata.jsonl`: the images and their labels\(plan.recipe.hasTeacher ? ", and a teacher's" : "")
      - `samples.png`: twelve of each class
      - `report.html`, `report.json`: the releasable report on the images and their training
      - `model/generator.safetensors`: the model that drew them\(plan.recipe.hasTeacher ? ", and the teacher" : "")
      - `manifest.json`: SHA-256 of every file
      \(answers.map { "- \($0)" }.joined(separator: "\n"))

      """
  }
}

extension SetWriter {
  /// The images that were kept for the report.
  func lookedImages(_ format: ImageSpecification) -> LabelledImages {
    LabelledImages(
      shape: Shape(format.height, format.width, format.channels), classNames: format.classes,
      labels: looked.labels, pixels: looked.pixels,
      teacherProbabilities: looked.teacherProbabilities.isEmpty ? nil : looked.teacherProbabilities)
  }
}
