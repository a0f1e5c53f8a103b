import ArgumentParser
import Evaluation
import FoundationEssentials
import Privacy

/// `figmentd audit`: tries to refute the accountant by attacking the mechanism that it describes.
struct AuditCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "audit",
    abstract: "Attack the private mechanism and compare with what the accountant claims.",
    discussion: """
      Runs the sampling, clipping and noise that models train with many times, with and without \
      one canary example, and measures how well an optimal attacker tells both apart. No data is \
      read. Ends with 0 when all claims withstood the attack, with 1 when one did not.
      """)

  @Option(help: "Runs with the canary in each setting, and as many without it.")
  var runs = MechanismAudit.standardRunCount
  @Flag(help: "Print one JSON object instead of text.")
  var json = false

  func validate() throws {
    guard (MechanismAudit.smallestRunCount...10_000_000).contains(runs) else {
      throw ValidationError(
        "--runs: \(runs) given (\(MechanismAudit.smallestRunCount) to 10000000 expected). "
          + "Leave it out for \(MechanismAudit.standardRunCount).")
    }
  }

  func run() throws {
    let audit = MechanismAudit(runCount: runs)
    let settings = try MechanismAudit.Setting.standard()
    let meter = ProgressMeter()
    var findings: [MechanismAuditFindings] = []
    for (index, setting) in settings.enumerated() {
      findings.append(
        try audit.findings(setting) { share in
          meter.show("audit \(index + 1) of \(settings.count)", share)
        })
    }
    meter.finish()
    let report = AuditReport(of: findings)
    try json ? StandardOutput.write(json: report) : StandardOutput.write(report.text)
    if !report.passed { throw ArgumentParser.ExitCode.failure }
  }
}

/// What an audit of all settings found.
struct AuditReport: Encodable {
  let passed: Bool
  let settings: [MechanismAuditFindings]

  init(of settings: [MechanismAuditFindings]) {
    self.settings = settings
    passed = !settings.isEmpty && settings.allSatisfy { $0.isPassed }
  }

  /// The report for people.
  var text: String {
    settings.map(Self.paragraph).joined(separator: "\n") + "\n"
      + (passed
        ? "Passed: the attack achieved nearly what the accountant allows, and nowhere more.\n"
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

  /// Four decimals; what is a lower bound stays one.
  private static func decimals(_ value: Double, _ rule: FloatingPointRoundingRule) -> String {
    "\((value * 1e4).rounded(rule) / 1e4)"
  }
}
