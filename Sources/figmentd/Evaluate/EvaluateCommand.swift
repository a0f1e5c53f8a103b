import ArgumentParser
import Compute
import Datasets
import Evaluation
import FoundationEssentials
import Privacy
import Runs

/// `figmentd evaluate`: evaluates any folder of synthetic images, without daemon or job.
struct EvaluateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "evaluate",
    abstract: "Evaluate a folder of synthetic images against the real ones.",
    discussion: """
      Each of the three folders contains a sub-folder of image files for each class. The command only \
      reads the real images. It computes the figures from them without noise: show the figures only to \
      people who may see the real images. With --output, it writes an internal report and a release \
      report; only the release report may be shared.
      """)

  @Option(help: ArgumentHelp("The folder of synthetic images.", valueName: "dir"))
  var synthetic: String
  @Option(help: ArgumentHelp("The folder of real images used for training.", valueName: "dir"))
  var train: String
  @Option(help: ArgumentHelp("A folder of real images not used for training.", valueName: "dir"))
  var test: String
  @Option(help: ArgumentHelp("The folder for the reports.", valueName: "dir"))
  var output: String?
  @Flag(help: "Print the internal report as JSON.")
  var json = false
  @Flag(help: "Use at most 10,000 synthetic images; takes about two minutes.")
  var quick = false
  @Flag(help: "Follow the published protocol: ten epochs, three seeds. Takes hours.")
  var thorough = false
  @Option(parsing: .unconditional, help: "The random seed of the evaluation.")
  var seed: UInt64 = 1
  @OptionGroup var levels: LevelOptions
  @OptionGroup var threads: ThreadOptions
  @Option(
    parsing: .unconditional,
    help:
      "The epsilon of the set; a private classifier is trained at it for comparison."
  )
  var epsilon: Double?
  @Option(help: "The delta of the set.")
  var delta = 1e-5
  @Option(help: "The title of the reports.")
  var title: String?

  func validate() throws {
    guard !(quick && thorough) else {
      throw ValidationError("--quick and --thorough: both given (at most one expected). Drop one.")
    }
    guard (try? WorkingFolder.absolute(train)) != (try? WorkingFolder.absolute(test)) else {
      throw ValidationError(
        "--train and --test: the same folder (images that were not used for training expected as --test). "
          + "Figures would look better than they are.")
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
    let data = try report(sets, findings, machine)
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
  ) throws -> ReportData {
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
          ("Skipped synthetic files", String(sets.rejectedSynthetic)),
        ]))
    data.findings = findings
    if let epsilon {
      data.guarantee = Guarantee(
        epsilon: epsilon, delta: delta, unit: "the unit that the privacy statement names",
        statement: [
          "The person who ran this evaluation states that the synthetic set was made with differential"
            + " privacy at these numbers. An evaluation cannot verify that; the privacy statement"
            + " of the release can."
        ], isProved: false)
    } else if let stated = PrivacyStatement.beside(images: try WorkingFolder.absolute(synthetic)) {
      data.guarantee = Guarantee(
        epsilon: stated.total.epsilon, delta: stated.total.delta,
        unit: "the unit that the privacy statement names",
        statement: [
          "The privacy statement of the release beside these images says: \(stated.sentence)",
          "An evaluation does not check it. With --epsilon, a classifier is trained at that epsilon for comparison.",
        ], isProved: false)
    }
    return data
  }
}
