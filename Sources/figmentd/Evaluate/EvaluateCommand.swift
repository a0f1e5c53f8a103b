import ArgumentParser
import Compute
import Datasets
import Evaluation
import FoundationEssentials
import Privacy

/// `figmentd evaluate`: judges any folder of synthetic images, without daemon or job.
struct EvaluateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "evaluate",
    abstract: "Judge a folder of synthetic images against the real ones.",
    discussion: """
      All three folders hold a sub-folder for each class, with image files. The real images
      are only read. The figures are computed from them without noise: they are for those who may
      see the real images. With --output, an internal and a release report are written; only the
      second may be shared.
      """)

  @Option(help: ArgumentHelp("The synthetic images.", valueName: "dir"))
  var synthetic: String
  @Option(help: ArgumentHelp("The real images that were trained on.", valueName: "dir"))
  var train: String
  @Option(help: ArgumentHelp("Real images that were not trained on.", valueName: "dir"))
  var test: String
  @Option(help: ArgumentHelp("Where the reports are written.", valueName: "dir"))
  var output: String?
  @Flag(help: "Print the internal report as JSON.")
  var json = false
  @Flag(help: "Look at 10,000 synthetic images at most, in about two minutes.")
  var quick = false
  @Flag(help: "Follow the published protocol: ten epochs, three seeds. Takes hours.")
  var thorough = false
  @Option(parsing: .unconditional, help: "What decides every random choice.")
  var seed: UInt64 = 1
  @OptionGroup var levels: LevelOptions
  @OptionGroup var threads: ThreadOptions
  @Option(
    parsing: .unconditional,
    help: "The set's epsilon, at which a rival classifier is trained on the real images.")
  var epsilon: Double?
  @Option(help: "The set's delta.")
  var delta = 1e-5
  @Option(help: "The heading of the reports.")
  var title: String?

  func validate() throws {
    guard !(quick && thorough) else {
      throw ValidationError("--quick and --thorough: both given (one expected). Leave one out.")
    }
  }

  func run() throws {
    let machine = threads.machine
    let meter = ProgressMeter()
    let sets = try ImageSets(
      synthetic: synthetic, train: train, test: test, as: levels.rules, on: machine, meter: meter)
    let findings = try Evaluator(options(), on: machine).findings(
      synthetic: sets.synthetic, train: sets.train, test: sets.test
    ) { meter.show($0.stage, $0.share) }
    meter.finish()
    let data = report(sets, findings, machine)
    if let output {
      let pages = try ReportWriter().write(data, to: output)
      meter.say("internal report: \(pages.internalPage)")
      meter.say("release report:  \(pages.releasePage)")
    }
    let document = data.document(for: InternalReport.self)
    if json {
      try StandardOutput.write(String(decoding: document.json(), as: UTF8.self))
    } else {
      try StandardOutput.write(ReportText(document).text)
    }
  }

  private func options() throws -> EvaluationOptions {
    EvaluationOptions(
      effort: quick ? .quick : thorough ? .thorough : .standard, seed: seed,
      rivalBudget: try epsilon.map { try PrivacyBudget(epsilon: $0, delta: delta) })
  }

  private func report(
    _ sets: ImageSets, _ findings: EvaluationFindings, _ machine: Machine
  ) -> ReportData {
    var data = ReportData(
      title: title ?? "Evaluation of a synthetic image set",
      subtitle: "\(sets.synthetic.value.count) synthetic images of \(sets.synthetic.value.shape),"
        + " \(sets.synthetic.value.classNames.count) classes",
      synthetic: sets.synthetic,
      provenance: Provenance(
        command: CommandLine.arguments.joined(separator: " "),
        facts: [
          ("Effort", findings.options.effort.rawValue), ("Seed", String(seed)),
          ("Threads", String(machine.threads.threadCount)),
          ("Instruction set", machine.kernels.name),
          ("Synthetic files left out", String(sets.rejectedSynthetic)),
        ]))
    data.findings = findings
    if let epsilon {
      data.guarantee = Guarantee(
        epsilon: epsilon, delta: delta, unit: "the unit that the privacy statement names",
        statement: [
          "Whoever ran this evaluation states that the synthetic set was made with differential"
            + " privacy at these numbers. An evaluation cannot verify that; the privacy statement"
            + " of the release does."
        ], isProved: false)
    }
    return data
  }
}
