import ArgumentParser
import Compute
import Control
import Datasets
import Evaluation
import FoundationEssentials
import Privacy
import Runs

/// `figmentd evaluate`: evaluates any synthetic images, table, or images with a table, without daemon or job.
struct EvaluateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "evaluate",
    abstract: "Evaluate synthetic images or tables against the real ones.",
    discussion: """
      Images: each of the three folders contains a sub-folder of image files for each class; with --columns, also \
      metadata.csv or metadata.jsonl in the root (beside the images of a release). Tables: --synthetic is a \
      release with data.csv or a table, the other two are folders of tables. The command only reads the real \
      data. It computes the figures from them without noise: show the figures only to people who may see the \
      real data. With --output, it writes an internal report and a release report; only the release report may \
      be shared.
      """)

  @Option(
    help: ArgumentHelp("A release, a folder of synthetic images, or a table.", valueName: "path"))
  var synthetic: String
  @Option(
    help: ArgumentHelp("The folder of real images or tables used for training.", valueName: "dir"))
  var train: String
  @Option(
    help: ArgumentHelp(
      "A folder of real images or tables not used for training.", valueName: "dir"))
  var test: String
  @Option(
    help: ArgumentHelp(
      "A YAML file that declares the columns of the tables, as for figmentd run.",
      valueName: "file"))
  var columns: String?
  @Option(help: ArgumentHelp("The folder for the reports.", valueName: "dir"))
  var output: String?
  @Flag(help: "Print the internal report as JSON.")
  var json = false
  @Flag(help: "Use at most 10,000 synthetic images; takes about three minutes.")
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
        "--train and --test: the same folder (data that was not used for training expected as --test). "
          + "Figures would look better than they are.")
    }
  }

  func run() throws {
    let meter = ProgressMeter()
    let place = try SyntheticPlace(synthetic)
    let columns = try self.columns.map(ColumnsFile.read)
    let data = try report(place, columns, meter)
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

  /// Reads and compares the sets.
  func report(
    _ place: SyntheticPlace, _ columns: [ColumnDomain]?, _ meter: ProgressMeter
  ) throws -> ReportData {
    guard case .alone(let table) = place.table else {
      return try imageReport(place, columns, meter)
    }
    guard let columns else {
      throw ControlError.invalid(
        "--columns: missing, and --synthetic is a table (a YAML file that declares its columns expected, as for "
          + "figmentd run).")
    }
    let tables = try TableSets(
      alone: table, train: train, test: test, columns: columns, say: meter.say)
    let rowCount = tables.synthetic.value.rowCount
    var data = ReportData(
      title: title ?? "Evaluation of a synthetic table",
      subtitle: "\(rowCount) synthetic rows, \(columns.count) columns",
      synthetic: Releasable(.none(), .postProcessing),
      provenance: Provenance(
        command: CommandLine.arguments.joined(separator: " "), facts: [("Seed", String(seed))]))
    data.tables = try tables.findings(seed: seed)
    data.guarantee = guarantee(place)
    return data
  }

  private func imageReport(
    _ place: SyntheticPlace, _ columns: [ColumnDomain]?, _ meter: ProgressMeter
  ) throws -> ReportData {
    let machine = threads.machine
    let sets = try ImageSets(
      synthetic: place.images ?? synthetic, train: train, test: test, as: levels.rules,
      on: machine, meter: meter)
    // First the tables, which take seconds: an error in them ends no evaluation of minutes.
    let tables = try columns.map {
      try TableSets(
        beside: sets, place, train: train, test: test, columns: $0, say: meter.say
      ).findings(seed: seed)
    }
    let findings = try Evaluator(options(), on: machine).findings(
      synthetic: sets.synthetic, train: sets.train, test: sets.test
    ) { meter.show($0.stage, $0.share) }
    meter.finish()
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
    data.tables = tables
    data.guarantee = guarantee(place)
    return data
  }

  private func options() throws -> EvaluationOptions {
    EvaluationOptions(
      effort: quick ? .quick : thorough ? .thorough : .standard, seed: seed,
      rivalBudget: try epsilon.map { try PrivacyBudget(epsilon: $0, delta: delta) })
  }

  /// The guarantee that the caller states, or that of the release.
  private func guarantee(_ place: SyntheticPlace) -> Guarantee? {
    let unit = "the unit that the privacy statement names"
    if let epsilon {
      return Guarantee(
        epsilon: epsilon, delta: delta, unit: unit,
        statement: [
          "The person who ran this evaluation states that the synthetic set was made with differential"
            + " privacy at these numbers. An evaluation cannot verify that; the privacy statement"
            + " of the release can."
        ], isProved: false)
    }
    guard let stated = PrivacyStatement.inRelease(place.release) else { return nil }
    let advice =
      place.isTableAlone
      ? "" : " With --epsilon, a classifier is trained at that epsilon for comparison."
    return Guarantee(
      epsilon: stated.total.epsilon, delta: stated.total.delta, unit: unit,
      statement: [
        "The privacy statement of the release says: \(stated.sentence)",
        "An evaluation does not check it.\(advice)",
      ], isProved: false)
  }
}
