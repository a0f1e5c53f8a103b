import ArgumentParser
import Control
import Glibc
import Privacy

/// Questions about privacy that need no daemon and no data.
struct PrivacyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "privacy",
    abstract: "Compute what training costs in privacy, or which noise a budget needs.",
    discussion: """
      The answers of epsilon and noise are upper bounds for DP-SGD with Poisson sampling, flat \
      clipping and Gaussian noise, under adding or removing one unit of privacy. No daemon is \
      asked and no data is read.
      """,
    subcommands: [
      PrivacyEpsilonCommand.self, PrivacyNoiseCommand.self, PrivacyAuditCommand.self,
    ])
}

/// The arguments that every privacy question shares.
struct PrivacyMechanismOptions: ParsableArguments {
  @Option(
    parsing: .unconditional,
    help: "Probability with which each unit enters a batch (batch size / declared size).")
  var samplingRate: Double

  @Option(parsing: .unconditional, help: "Number of steps on real data.")
  var steps: Int

  @Option(
    parsing: .unconditional,
    help: "Probability with which the bound may fail, from 1e-12 to below 1.")
  var delta: Double

  @Flag(help: "Print one JSON object instead of a sentence.")
  var json = false

  /// The assumptions that a reader must know, in words.
  func assumptions(noiseMultiplier: Double) -> String {
    "\(Rounded.count(steps)) steps, each on a random sample into which every unit enters independently with "
      + "probability \(samplingRate), each unit's contribution clipped, Gaussian noise of "
      + "\(noiseMultiplier) times the clip norm added to the sum"
  }
}

/// How a privacy question ends when it cannot be answered: a sentence, and a code by its kind.
enum PrivacyQuestion {
  /// Runs `body`; refusals of arguments end with 64, targets that cannot be reached with 1.
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

/// Prints what a number of steps costs.
struct PrivacyEpsilonCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "epsilon", abstract: "Compute the epsilon that training spends.")

  @OptionGroup var mechanism: PrivacyMechanismOptions

  @Option(
    parsing: .unconditional,
    help: "Standard deviation of the noise on the sum, divided by the clip norm.")
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
    // A bound that does not exist is null: JSON has no infinity.
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
      + "Two data sets are neighbours when one unit is added to or removed from one of them: "
      + "whatever an observer concludes from the results, its probability is at most e^\(epsilon) "
      + "times what it would be had any one unit been added or removed, plus \(Decimals.number(mechanism.delta)). "
      + "The figure is the smaller of two upper bounds: "
      + "\(Decimals.epsilon(cost.renyi.epsilon)) by Rényi divergence (order "
      + "\(cost.renyi.order)), \(Decimals.epsilon(cost.privacyLossEpsilon)) by "
      + "privacy loss distribution."
    text += " Epsilon \(epsilon): \(GuaranteeStrength(epsilon: cost.epsilon).words)."
    if cost.renyi.isAtEdge {
      text += " The Rényi order lies at the end of those tried; that bound may be loose."
    }
    return text
  }
}

/// Prints the noise that a target needs.
struct PrivacyNoiseCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "noise", abstract: "Find the noise multiplier that a target epsilon needs.")

  @OptionGroup var mechanism: PrivacyMechanismOptions

  @Option(parsing: .unconditional, help: "The epsilon that must not be exceeded.")
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

/// Attacks private training and compares the outcome with what the ledger claims.
struct PrivacyAuditCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "audit",
    abstract: "Attack private training and compare with what the ledger claims.",
    discussion: """
      The daemon's own binary runs the audit, because it holds what trains models; no running daemon is \
      needed, and no images of yours are read. It attacks the mechanism alone and whole trainings of both \
      families, and prints for each training the claimed epsilon beside lower bounds. Ends with 0 when \
      all claims withstood the attack, with 1 when one did not or an attack was too weak to tell.
      """)

  @Flag(
    help:
      "Make a tenth of the runs and trainings: in the mechanism, mistakes of a fifth are still noticed."
  )
  var quick = false

  @Flag(help: "Print one JSON object instead of text.")
  var json = false

  /// How the daemon's binary is called.
  var daemonArguments: [String] {
    ["figmentd", "audit"] + (quick ? ["--quick"] : []) + (json ? ["--json"] : [])
  }

  func run() throws {
    DaemonBinary.execute(daemonArguments)
    let reason = String(cString: strerror(errno))
    Console.complain("figment: figmentd: cannot be run: \(reason). Install it beside figment.")
    throw ArgumentParser.ExitCode.failure
  }
}
