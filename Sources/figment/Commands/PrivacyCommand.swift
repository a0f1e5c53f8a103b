import ArgumentParser
import Control
import Glibc
import Privacy

/// Privacy computations that need neither a daemon nor data.
struct PrivacyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "privacy",
    abstract: "Compute the privacy cost of training, or the noise for a budget.",
    discussion: """
      'epsilon' and 'noise' print upper bounds for DP-SGD with Poisson sampling, flat clipping and \
      Gaussian noise, under adding or removing one unit of privacy. These commands need no running \
      daemon and read no data.
      """,
    subcommands: [
      PrivacyEpsilonCommand.self, PrivacyNoiseCommand.self, PrivacyAuditCommand.self,
    ])
}

/// The options that all privacy computations share.
struct PrivacyMechanismOptions: ParsableArguments {
  @Option(
    parsing: .unconditional,
    help: "Probability that a unit enters a batch (batch size / number of units).")
  var samplingRate: Double

  @Option(parsing: .unconditional, help: "Number of training steps on real data.")
  var steps: Int

  @Option(
    parsing: .unconditional,
    help: "The delta of (epsilon, delta)-differential privacy: at least 1e-12, below 1.")
  var delta: Double

  @Flag(help: "Print one JSON object instead of a sentence.")
  var json = false

  /// Describes the assumptions that the bound depends on.
  func assumptions(noiseMultiplier: Double) -> String {
    "\(Rounded.count(steps)) steps, each on a random sample into which every unit enters independently with "
      + "probability \(samplingRate), each unit's contribution clipped, Gaussian noise of "
      + "\(noiseMultiplier) times the clip norm added to the sum"
  }
}

/// Runs a privacy computation and turns its errors into a message and an exit code.
enum PrivacyQuestion {
  /// Runs `body`; exits with 64 for an invalid argument and with 1 for an unreachable target.
  static func answer(isJSON: Bool, _ body: () throws -> String) throws {
    do {
      Console.ofThisProcess(wantsColour: false).line(try body())
    } catch let error as PrivacyError {
      let code: ArgumentParser.ExitCode =
        switch error {
        case .outOfRange, .unsupportedEvent: .validationFailure
        case .unreachableTarget, .unboundedLoss: .failure
        }
      let complaint: ControlError =
        code == .validationFailure ? .invalid(error.description) : .failed(error.description)
      Console.complain(complaint.complaint(of: "figment", asJSON: isJSON))
      throw code
    }
  }
}

/// Prints the epsilon of a number of steps.
struct PrivacyEpsilonCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "epsilon", abstract: "Compute the epsilon of a training run.")

  @OptionGroup var mechanism: PrivacyMechanismOptions

  @Option(
    parsing: .unconditional,
    help: "Standard deviation of the noise, divided by the clip norm.")
  var noiseMultiplier: Double

  func run() throws {
    try PrivacyQuestion.answer(isJSON: mechanism.json) { try answer() }
  }

  /// The printed answer.
  func answer() throws(PrivacyError) -> String {
    guard mechanism.steps >= 1 else {
      throw .outOfRange(
        argument: "steps", value: "\(mechanism.steps)", expected: "a whole number from 1")
    }
    let event = try ElementaryEvent(
      samplingProbability: mechanism.samplingRate, noiseMultiplier: noiseMultiplier
    ).event
    let cost = try PrivacyCost(of: event, times: mechanism.steps, delta: mechanism.delta)
    guard cost.epsilon < .infinity else { throw .unboundedLoss(delta: mechanism.delta) }
    return mechanism.json ? Self.json(cost) : sentence(cost)
  }

  private static func json(_ cost: PrivacyCost) -> String {
    // A missing bound is null, because JSON has no infinity.
    let number = { (value: Double) in value.isFinite ? "\(value)" : "null" }
    return #"{"epsilon":\#(number(cost.epsilon)),"#
      + #""rdp":{"epsilon":\#(number(cost.renyi.epsilon)),"order":\#(cost.renyi.order)},"#
      + #""pld":{"epsilon":\#(number(cost.privacyLossEpsilon))}}"#
  }

  private func sentence(_ cost: PrivacyCost) -> String {
    let epsilon = Decimals.epsilon(cost.epsilon)
    var text =
      "(\(epsilon), \(Decimals.number(mechanism.delta)))-differential privacy holds for everything computed by "
      + mechanism.assumptions(noiseMultiplier: noiseMultiplier) + ". "
      + "Two data sets are neighbours if one unit is added to or removed from one of them: "
      + "whatever an observer concludes from the results, its probability is at most e^\(epsilon) "
      + "times what it would be had any one unit been added or removed, plus \(Decimals.number(mechanism.delta)). "
      + "The figure is the smaller of two upper bounds: "
      + "\(Decimals.epsilon(cost.renyi.epsilon)) by Rényi divergence (order "
      + "\(cost.renyi.order)), \(Decimals.epsilon(cost.privacyLossEpsilon)) by "
      + "privacy loss distribution."
    text += " Epsilon \(epsilon): \(GuaranteeStrength(epsilon: cost.epsilon).words)."
    if cost.renyi.isAtEdge {
      text +=
        " The best Rényi order is the largest or smallest that was tried; that bound may be loose."
    }
    return text
  }
}

/// Prints the noise multiplier for a target epsilon.
struct PrivacyNoiseCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "noise", abstract: "Compute the noise multiplier for a target epsilon.")

  @OptionGroup var mechanism: PrivacyMechanismOptions

  @Option(parsing: .unconditional, help: "The epsilon that training must not exceed.")
  var epsilon: Double

  func run() throws {
    try PrivacyQuestion.answer(isJSON: mechanism.json) { try answer() }
  }

  /// The printed answer.
  func answer() throws(PrivacyError) -> String {
    let budget = try PrivacyBudget(epsilon: epsilon, delta: mechanism.delta)
    let noise = try Calibration(budget: budget).noiseMultiplier(
      samplingProbability: mechanism.samplingRate, times: mechanism.steps)
    if mechanism.json {
      return #"{"noise_multiplier":\#(noise.noiseMultiplier),"epsilon":\#(noise.epsilon)}"#
    }
    return "A noise multiplier of \(noise.noiseMultiplier) keeps "
      + mechanism.assumptions(noiseMultiplier: noise.noiseMultiplier)
      + " at epsilon \(Decimals.epsilon(noise.epsilon)) for delta "
      + "\(Decimals.number(mechanism.delta)), not above the target of \(Decimals.number(epsilon)), under adding or removing one "
      + "unit. It was rounded up and then evaluated as printed."
  }
}

/// Attacks private training and compares the result with the ledger's claim.
struct PrivacyAuditCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "audit",
    abstract: "Attack private training and compare the result with the ledger's claim.",
    discussion: """
      Runs 'figmentd audit'. Needs no running daemon and reads none of your images. The audit attacks \
      the mechanism alone and whole trainings of both model families. For each training it prints the \
      claimed epsilon and empirical lower bounds. Exits with 0 if no lower bound exceeds a claim, and \
      with 1 if one does or if an attack was too weak to be conclusive.
      """)

  @Flag(
    help:
      "Use a tenth of the runs and trainings; the mechanism audit still detects errors of 20 %."
  )
  var quick = false

  @Flag(help: "Print one JSON object instead of text.")
  var json = false

  /// The arguments for the daemon's binary.
  var daemonArguments: [String] {
    ["figmentd", "audit"] + (quick ? ["--quick"] : []) + (json ? ["--json"] : [])
  }

  func run() throws {
    DaemonBinary.execute(daemonArguments)
    let reason = String(cString: strerror(errno))
    Console.complain("figment: cannot run figmentd: \(reason). Install it beside figment.")
    throw ArgumentParser.ExitCode.failure
  }
}
