import ArgumentParser
import Datasets
import Evaluation
import FoundationEssentials
import Privacy

/// `figmentd audit`: tests the claims of the accountants and the ledger by attacking the training.
struct AuditCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "audit",
    abstract: "Attack private training and compare the result with the ledger's claim.",
    discussion: """
      The first part audits the mechanism. It runs the sampling, clipping and noise of training on one \
      layer many times, with and without a canary example, and compares the measured privacy profile \
      with the accountant's.

      The second part audits whole trainings of both model families at a tiny size. It writes images \
      into a temporary folder and freezes and samples them like images of users: with files and with \
      persons as units, with both kinds of noise, in one run and in two runs on one ledger. The attacker \
      knows every image, but not when the canary was sampled, and sees the model after every step. Each \
      line contains the epsilon that the ledger's statement claims and two lower bounds: one valid for \
      any mechanism, and one valid for sampled Gaussians of any noise, which needs fewer trainings.

      The audit reads none of your images. It exits with 0 if no lower bound exceeds a claim, and with 1 \
      if one does or if an attack is too weak to detect anything.
      """)

  /// The numbers of runs with `--quick`.
  static let quickRunCount = 40_000
  static let quickTrainingCount = 4000

  @Flag(
    help:
      "Use a tenth of the runs and trainings; the mechanism audit still detects errors of 20 %."
  )
  var quick = false
  @Option(
    parsing: .unconditional,
    help: "Runs of the mechanism in each setting with the canary, and as many without.")
  var runs: Int?
  @Option(
    parsing: .unconditional,
    help: "Trainings in each setting with the canary, and as many without.")
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
          + "Drop it for the standard audit.")
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

/// The result of an audit of all settings.
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

  /// The report as text.
  var text: String {
    settings.map(Self.paragraph).joined(separator: "\n") + "\n"
      + trainings.map(Self.line).joined() + "\n"
      + (passed
        ? "Passed: the lower bounds come close to the claims and exceed none.\n"
        : "FLAGGED: a lower bound exceeds a claim, or an attack was too weak. Do not train with this build "
          + "until the cause is known.\n")
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

  /// One training setting: the attacked runs, the claim, and the bounds with their share of the claim.
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

  /// Four decimals; rounding keeps a lower bound a lower bound.
  private static func decimals(_ value: Double, _ rule: FloatingPointRoundingRule) -> String {
    "\((value * 1e4).rounded(rule) / 1e4)"
  }
}
