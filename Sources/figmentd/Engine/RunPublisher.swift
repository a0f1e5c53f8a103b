import Compute
import Control
import Evaluation
import FoundationEssentials
import Models
import Privacy

/// Turns a trained model into a set that people may look at: a release, or, without privacy, an
/// internal set that says so.
struct RunPublisher {
  private let order: RunOrder
  private let places: RunPlaces
  private let machine: Machine
  private let stop: StopSignal
  private let report: @Sendable (JobReport) -> Void
  /// Asks for a score of the drawn images; false when it was asked to stop.
  var askForScore: (LabelledImages) throws -> Bool = { _ in true }

  /// Prepares publishing.
  init(
    _ order: RunOrder, _ places: RunPlaces, on machine: Machine, stop: StopSignal,
    report: @escaping @Sendable (JobReport) -> Void
  ) {
    self.order = order
    self.places = places
    self.machine = machine
    self.stop = stop
    self.report = report
  }

  /// Draws and writes everything; nil when it was asked to stop before the set was whole.
  func publish(
    _ model: any GenerativeModel, _ design: RunDesign, _ account: RunAccount, steps: Int
  ) throws -> JobResults? {
    let place = places.set(isProtected: design.plan.mechanism != nil)
    if let mechanism = design.plan.mechanism {
      let writer = try ReleaseWriter(releaseAt: place, protectedBy: mechanism, hasReport: true)
      return try publish(model, design, account, steps, place.path, writer)
    }
    let writer = try InternalSetWriter(insideAt: place, hasReport: true)
    return try publish(model, design, account, steps, place.path, writer)
  }

  private func publish<Zone>(
    _ model: any GenerativeModel, _ design: RunDesign, _ account: RunAccount, _ steps: Int,
    _ place: String, _ writer: SetWriter<Zone>
  ) throws -> JobResults? {
    let format = design.recipe.format(classes: design.classes)
    let request = SampleRequest(
      classCounts: SampleRequest.evenCounts(of: order.count, among: format.classes.count),
      seed: design.seed &+ 1)
    let drawn = try writer.writeImages(
      of: model, format: format, request,
      shouldStop: { stop.isRaised },
      report: { [count = order.count] in
        report(.progress(JobProgress(phase: .generate, done: $0, total: count)))
      })
    guard drawn, try askForScore(writer.lookedImages(format)) else { return nil }
    report(.progress(JobProgress(phase: .pack, done: 0, total: 1)))
    try writer.writeSheet(of: model, format: format, as: request)
    try writer.writeGenerator(of: model, recipe: design.recipe, classes: design.classes)
    let answers = try PaidAnswers(in: places.internalFiles)
    let statement = try account.statement(answers: answers.words)
    try answers.write(with: writer)
    try writer.write(
      Releasable(
        ReleaseReadme(design, statement, count: order.count, answers: answers.contents).text,
        .chosenBeforehand),
      as: "README.md")
    if let statement {
      try writer.write(
        Releasable(ControlCoding.encodeForPeople(statement), .chosenBeforehand), as: "privacy.json")
      try writer.write(Releasable(statement.markdown, .chosenBeforehand), as: "PRIVACY.md")
    }
    try writer.write(report(writer, format, design, statement))
    let manifest = try writer.writeManifest(run: order.name, software: Version.current)
    try writer.noteOwn(manifest: manifest)
    if let statement { try account.release(manifest, claim: statement.total) }
    try writer.finish(manifest: manifest)
    return JobResults(
      epsilon: statement?.runCost.epsilon, totalEpsilon: statement?.total.epsilon,
      meaning: statement?.meaning, delta: statement == nil ? nil : order.delta,
      steps: steps, plannedSteps: steps < design.plan.steps ? design.plan.steps : nil,
      images: order.count,
      outputs: [
        JobOutput(kind: "images", path: place + "/data"),
        JobOutput(kind: "sheet", path: place + "/samples.png"),
        JobOutput(kind: "report", path: place + "/report.html"),
        JobOutput(kind: "model", path: place + "/model/generator.safetensors"),
        JobOutput(kind: "record", path: places.internalFiles + "/run.json"),
      ])
  }

  /// What the report says.
  private func report<Zone>(
    _ writer: SetWriter<Zone>, _ format: ImageSpecification, _ design: RunDesign,
    _ statement: PrivacyStatement?
  ) throws -> ReportData {
    let images = writer.lookedImages(format)
    var data = try RunReport(
      design, statement, in: places.internalFiles, command: order.command, on: machine
    ).data(images, total: order.count)
    if images.count > 0 {
      data.ownFindingsAlone = Releasable(
        SyntheticFindings(images, on: machine.threads), .postProcessing)
    }
    let answers = try PaidAnswers(in: places.internalFiles)
    data.provenance.facts += answers.facts
    data.paidScore = answers.score
    return data
  }
}

/// The card of a synthetic set.
struct ReleaseReadme {
  private let design: RunDesign
  private let statement: PrivacyStatement?
  private let count: Int
  private let answers: [String]

  /// Describes a set of `count` images, with what is told of the real ones.
  init(_ design: RunDesign, _ statement: PrivacyStatement?, count: Int, answers: [String]) {
    self.design = design
    self.statement = statement
    self.count = count
    self.answers = answers
  }

  /// The card in Markdown, with the header that dataset hubs read.
  var text: String {
    let image = design.recipe.image
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

      Made by Figment \(Version.current) with recipe `\(design.recipe.name)`: \
      \(image.width)×\(image.height) pixels, \(image.channels == 1 ? "grey" : "colour"), \
      \(design.classes.count) classes (\(design.classes.joined(separator: ", "))), in equal shares \
      whatever the shares in the training set were.

      Every image was drawn by the trained model. A model can reproduce what it was trained on: how \
      much its images can tell of a single training image is what a guarantee bounds. Every file \
      carries the IPTC mark *trainedAlgorithmicMedia*.

      ## Privacy

      \(guarantee)

      ## Contents

      - `data/<class>/*.png`, `metadata.jsonl`: the images and their labels
      - `samples.png`: twelve of each class
      - `report.html`, `report.json`: what may be told about the images and their training
      - `model/generator.safetensors`: the model that drew them
      - `manifest.json`: SHA-256 of every file
      \(answers.map { "- \($0)" }.joined(separator: "\n"))

      """
  }
}
