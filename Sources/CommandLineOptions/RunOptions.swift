public import ArgumentParser
public import Control

/// What a run may be asked, for every command that asks: `figment train`, `figment plan`, `figmentd run`.
///
/// Names, meaning and defaults stand here alone; ranges stand with the request, which HTTP bodies are
/// read into too.
public struct RunOptions: ParsableArguments {
  @Option(
    parsing: .unconditional,
    help: "The privacy loss that the run may cause. (default: what the budget leaves)")
  public var epsilon: Double?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "The delta of (epsilon, delta)-differential privacy. (default: the policy's; 1e-5 without one)"))
  public var delta: Double?

  @Option(parsing: .unconditional, help: "Steps on private images. (default: the recipe's)")
  public var steps: Int?

  @Flag(help: "Train without noise and without any guarantee; the set must not be shared.")
  public var nonPrivate = false

  @Flag(
    help: "Compute sums and noise in whole steps of a grid, exact to the last bit; several times slower.")
  public var hardened = false

  @Option(
    parsing: .unconditionalSingleValue,
    help: ArgumentHelp(
      "Pay for a noisy answer about the real images, out of epsilon; may be repeated. class-counts: the "
        + "images of each class. accuracy: how many real images a classifier trained on the synthetic "
        + "ones gets right.", valueName: "name=epsilon"))
  public var answer: [AnswerPrice] = []

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("The same as --answer class-counts=.", visibility: .hidden))
  public var countEpsilon: Double?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("The same as --answer accuracy=.", visibility: .hidden))
  public var scoreEpsilon: Double?

  @Option(
    parsing: .unconditional, help: "Synthetic images to write at the end. (default: 10,000)")
  public var count: Int?

  @Option(
    parsing: .unconditional,
    help: "The seed of everything that is not privacy noise. (default: random)")
  public var seed: UInt64?

  /// Reads the options of a command line.
  public init() {}

  /// The request that the options make.
  public func request(dataset: String, recipe: String) -> TrainRequest {
    TrainRequest(
      dataset: dataset, recipe: recipe, epsilon: epsilon, delta: delta, steps: steps,
      nonPrivate: nonPrivate ? true : nil, hardened: hardened ? true : nil,
      answers: answers.isEmpty ? nil : answers, count: count, seed: seed)
  }

  /// The price of each answer, by the answers' names.
  private var answers: [String: Double] {
    var prices = Dictionary(answer.map { ($0.name, $0.epsilon) }) { $1 }
    if let countEpsilon { prices["class-counts"] = countEpsilon }
    if let scoreEpsilon { prices["accuracy"] = scoreEpsilon }
    return prices
  }
}

/// An answer and what it may cost, as in `class-counts=0.5`.
public struct AnswerPrice: ExpressibleByArgument, Hashable, Sendable {
  /// The answer's name.
  public let name: String
  /// Its part of the run's epsilon.
  public let epsilon: Double

  /// Reads `NAME=EPSILON`; nil for anything else.
  public init?(argument: String) {
    let parts = argument.split(separator: "=", omittingEmptySubsequences: false)
    guard parts.count == 2, !parts[0].isEmpty, let epsilon = Double(parts[1]) else { return nil }
    name = String(parts[0])
    self.epsilon = epsilon
  }
}
