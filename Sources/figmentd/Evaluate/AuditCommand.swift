import ArgumentParser
import Datasets
import Evaluation
import FoundationEssentials
import Privacy

/// `figmentd audit`: tries to refute the accountants and the ledger by attacking what trains models.
struct AuditCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "audit",
    abstract: "Attack private training and compare with what the ledger claims.",
    discussion: """
      First the sampling, clipping and noise that models train with run on one layer, many times, with \
      and without one canary example; the measured privacy profile is compared with the accountant's.

      Then whole trainings are attacked: both families at a tiny size, on images that are written into \
      a temporary folder, frozen and sampled like those of users, with files and with people as units, \
      with both kinds of noise, in one run and in two on one ledger. An attacker who knows every image \
      but the canary's coins looks at the model after every step. Each line gives the epsilon that the \
      ledger's statement claims and two lower bounds: one for any mechanism, and one for sampled \
      Gaussians of whatever noise, which needs fewer trainings.

      No images of yours are read. Ends with 0 when all claims withstood the attack, with 1 when a lower \
      bound exceeds a claim, or when an attack is so weak that it would notice nothing.
      """)

  /// What `--quick` makes of each kind.
  static let quickRunCount = 40_000
  static let quickTrainingCount = 4000

  @Flag(
    help:
      "Make a tenth of the runs and trainings: in the mechanism, mistakes of a fifth are still noticed."
  )
  var quick = false
  @Option(
    parsing: .unconditional,
    help: "Runs of the mechanism with the canary in each setting, and as many without it.")
  var runs: Int?
  @Option(
    parsing: .unconditional,
    help: "Trainings with the canary in each setting, and as many without it.")
  var trainings: Int?
  @Flag(help: "Print one JSON object instead of text.")
  var json = false

  private var runCount: Int {
    runs ?? (quick ? Self.quickRunCount : MechanismAudit.standardRunCount)
  }

  private var trainingCount: Int {
    trainings ?? (quick ? Self.quickTrainingCount : TrainingAudit.standardRunCount)
  }

  func validate() throws {
    try Self.check("runs", runCount, MechanismAudit.smallestRunCount...10_000_000)
    try Self.check("trainings", trainingCount, TrainingAudit.smallestRunCount...1_000_000)
  }

  private static func check(_ option: String, _ count: Int, _ range: ClosedRange<Int>) throws {
    guard range.contains(count) else {
      throw ValidationError(
        "--\(option): \(count) given (\(range.lowerBound) to \(range.upperBound) expected). "
          + "Leave it out for the standard audit.")
    }
  }

  func run() throws {
    let meter = ProgressMeter()
    let report = AuditReport(
      mechanism: try attackMechanism(meter), training: try attackTraining(meter))
    meter.finish()
    try json ? StandardOutput.write(json: report) : StandardOutput.write(report.text)
    if !report.passed { throw ArgumentParser.ExitCode.failure }
  }

  private func attackMechanism(_ meter: ProgressMeter) throws -> [MechanismAuditFindings] {
    let audit = MechanismAudit(runCount: runCount)
    let settings = try MechanismAudit.Setting.standard()
    return try settings.enumerated().map { index, setting in
      try audit.findings(setting) { share in
        meter.show("mechanism \(index + 1) of \(settings.count)", share)
      }
    }
  }

  private func attackTraining(_ meter: ProgressMeter) throws -> [TrainingAuditFindings] {
    let audit = TrainingAudit(runCount: trainingCount)
    let settings = TrainingAudit.Setting.standard
    return try settings.enumerated().map { index, setting in
      let root = try AuditLedger(for: setting)
      return try audit.findings(setting, on: root) { share in
        meter.show("training \(index + 1) of \(settings.count)", share)
      }
    }
  }
}

/// What an audit of all settings found.
struct AuditReport: Encodable {
  let passed: Bool
  let settings: [MechanismAuditFindings]
  let trainings: [TrainingAuditFindings]

  init(mechanism: [MechanismAuditFindings], training: [TrainingAuditFindings]) {
    settings = mechanism
    trainings = training
    passed =
      !mechanism.isEmpty && mechanism.allSatisfy { $0.isPassed }
      && !training.isEmpty && training.allSatisfy { $0.isPassed }
  }

  /// The report for people.
  var text: String {
    settings.map(Self.paragraph).joined(separator: "\n") + "\n"
      + trainings.map(Self.line).joined() + "\n"
      + (passed
        ? "Passed: the attacks achieved much of what the claims allow, and nowhere more.\n"
        : "FLAGGED: a claim did not withstand the attack. Train nothing with this build until the "
          + "cause is known.\n")
  }

  private static func paragraph(_ setting: MechanismAuditFindings) -> String {
    var text =
      "sampling rate \(setting.samplingProbability), noise multiplier "
      + "\(setting.noiseMultiplier), steps \(setting.stepCount), runs 2 x \(setting.runCount): "
      + (setting.isPassed ? "passed" : "FLAGGED") + "\n"
    for point in setting.points {
      text +=
        "  epsilon \(point.epsilon): delta claimed \(Decimals.roundedUp(point.theory, places: 4)), "
        + "measured \(decimals(point.estimate, .toNearestOrEven)), "
        + "at least \(decimals(max(0, point.lowerBound), .down))"
        + (point.isViolated ? ", VIOLATED" : "") + (point.isWeak ? ", TOO WEAK" : "") + "\n"
    }
    return text
      + "  epsilon at delta \(setting.delta): claimed \(Decimals.epsilon(setting.claimedEpsilon)), "
      + "at least \(decimals(setting.epsilonLowerBound, .down))\n"
  }

  /// One setting of training: what was attacked, the claim, and the bounds with their share of it.
  private static func line(_ setting: TrainingAuditFindings) -> String {
    let runs = setting.phases.map { phase in
      "\(phase.steps) steps, sampling rate \(Double(phase.batchSize) / Double(phase.population)), "
        + "\(phase.noise.rawValue) noise \(phase.noiseMultiplier)"
    }
    return "\(setting.family.rawValue), unit \(setting.unit.rawValue), \(runs.count) "
      + (runs.count == 1 ? "run" : "runs") + " (\(runs.joined(separator: "; "))), trainings 2 x "
      + "\(setting.runCount): claimed epsilon \(Decimals.epsilon(setting.claimedEpsilon)) at delta "
      + "\(setting.delta) (\(setting.accountant)), lower bound "
      + "\(decimals(setting.exactLowerBound, .down)) (\(percent(setting.exactRatio))), for Gaussians "
      + "\(decimals(setting.gaussianLowerBound, .down)) (\(percent(setting.gaussianRatio))): "
      + (setting.isPassed ? "passed" : "FLAGGED")
      + (setting.isViolated ? ", VIOLATED" : "") + (setting.isWeak ? ", TOO WEAK" : "") + "\n"
  }

  private static func percent(_ ratio: Double) -> String {
    ratio.isFinite ? "\(Int((100 * ratio).rounded(.down))) %" : "no share"
  }

  /// Four decimals; what is a lower bound stays one.
  private static func decimals(_ value: Double, _ rule: FloatingPointRoundingRule) -> String {
    "\((value * 1e4).rounded(rule) / 1e4)"
  }
}
