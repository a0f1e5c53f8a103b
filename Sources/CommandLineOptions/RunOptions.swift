public import ArgumentParser
public import Control

/// The options of a run, for every command that has them: `figment train`, `figment plan`, `figmentd run`.
///
/// Names, meanings and defaults are only here; ranges are in the request, which HTTP bodies use too.
public struct RunOptions: ParsableArguments {
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "The privacy budget of the run; 1 to 10 is usual. A job of the daemon may leave it out and takes all "
        + "that is left of the dataset's budget."))
  public var epsilon: Double?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "The delta of (epsilon, delta)-differential privacy; below 1 / number of images. A job of the "
        + "daemon may leave it out and takes that of the policy."))
  public var delta: Double?

  @Option(
    parsing: .unconditional,
    help:
      "Steps of the main training; phases with a share of epsilon keep those of the recipe. (default: the recipe's)"
  )
  public var steps: Int?

  @Option(
    parsing: .unconditional,
    help: "Images (or persons) that a step learns from, on average. (default: the recipe's)")
  public var batchSize: Int?

  @Flag(help: "Train without noise; the result has no privacy guarantee and must not be shared.")
  public var nonPrivate = false

  @Flag(
    help: "Use exact sums and discrete noise on a grid; several times slower.")
  public var hardened = false

  @Option(
    parsing: .unconditionalSingleValue,
    help: ArgumentHelp(
      "Release a noisy answer about the real images; this part of epsilon pays for it. class-counts: the "
        + "numbers of images per class. class-means: the mean image of each class. accuracy: the "
        + "accuracy on real images of a classifier trained on the synthetic set. May be repeated.",
      valueName: "name=epsilon"),
    transform: AnswerPrice.init(argument:))
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
    parsing: .unconditional, help: "Number of synthetic images to write. (default: 10,000)")
  public var count: Int?

  @Option(
    parsing: .unconditional,
    help:
      "The random seed of everything but privacy noise and the choice of batches. (default: random)"
  )
  public var seed: UInt64?

  /// Reads the options of a command line.
  public init() {}

  /// Refuses an answer with two costs.
  public func validate() throws {
    let names = prices.map(\.name)
    guard let twice = names.first(where: { name in names.count { $0 == name } > 1 }) else { return }
    throw ValidationError(
      "--answer: \(twice) is given twice (one price expected). Drop one of them.")
  }

  /// The request from these options.
  public func request(dataset: String, recipe: String) -> TrainRequest {
    TrainRequest(
      dataset: dataset, recipe: recipe, epsilon: epsilon, delta: delta, steps: steps,
      batchSize: batchSize, nonPrivate: nonPrivate ? true : nil, hardened: hardened ? true : nil,
      answers: prices.isEmpty ? nil : Dictionary(prices.map { ($0.name, $0.epsilon) }) { $1 },
      count: count, seed: seed)
  }

  /// The costs of answers, whichever option names them.
  private var prices: [(name: String, epsilon: Double)] {
    answer.map { ($0.name, $0.epsilon) }
      + TrainRequest.formerAnswers(countEpsilon: countEpsilon, scoreEpsilon: scoreEpsilon)
      .map { ($0.key, $0.value) }
  }
}

/// An answer and its cost, as in `class-counts=0.5`.
public struct AnswerPrice: Hashable, Sendable {
  /// The answer's name.
  public let name: String
  /// Its part of the run's epsilon.
  public let epsilon: Double

  /// Reads `NAME=EPSILON`.
  ///
  /// - Throws: `ValidationError` for anything else, with an example.
  public init(argument: String) throws {
    let parts = argument.split(separator: "=", omittingEmptySubsequences: false)
    guard parts.count == 2, !parts[0].isEmpty, let epsilon = Double(parts[1]) else {
      let given = parts.first.map(String.init) ?? ""
      let name = given.isEmpty ? "accuracy" : given
      throw ValidationError(
        "found '\(argument)', expected NAME=EPSILON, for example \(name)=0.5")
    }
    name = String(parts[0])
    self.epsilon = epsilon
  }
}
