public import Compute
import Datasets
public import Learning
import Privacy

/// A Bayesian network over the columns of a table, learnt from noisy tables of a few columns.
///
/// It is of the family of PrivBayes (Zhang and others 2017) and has the three modes of DataSynthesizer (Ping and
/// others 2017), with Gaussian noise and the adaptive choice of AIM (McKenna and others 2022, arXiv 2201.12677). Its
/// columns are the class, named `label`, if there is more than one, and then the format's columns.
public final class BayesianNetwork: GenerativeModel {
  public static let family = "bayes-net"
  /// The name of the only phase in mode `random`.
  static let counting = "number of rows"
  /// The name of the phase that measures every column.
  static let oneWay = "one-way marginals"
  /// The name of the phase of rounds.
  static let rounds = "rounds"

  /// The recipe's settings.
  public let settings: BayesianNetworkSettings
  let format: ImageSpecification
  /// What was learnt.
  private(set) var learner: NetworkLearner
  /// The network that draws, once it is known.
  private var drawing: CodeNetwork?

  public init(
    _ settings: BayesianNetworkSettings, for format: ImageSpecification, seed: UInt64,
    on machine: Machine
  ) throws {
    try settings.validate(for: format)
    let codes = BayesianNetworkSettings.codeCounts(of: format)
    guard !codes.isEmpty else {
      throw RecipeFailure(
        "recipe, \(Self.family): no column (at least one expected). Declare the columns of the "
          + "table in the configuration of the data set.")
    }
    self.settings = settings
    self.format = format
    learner = NetworkLearner(
      codeCounts: codes, limits: settings.limits, root: format.classes.count > 1 ? 0 : nil)
  }

  /// In mode `random` a noisy number of rows; otherwise one noisy table of each column, and then rounds.
  public static func phases(
    of settings: BayesianNetworkSettings, training: TrainingSettings, for format: ImageSpecification
  ) -> [PhaseOutline] {
    let count = max(1, BayesianNetworkSettings.codeCounts(of: format).count)
    // One table of norm 1 for each column.
    let answer = PhaseOutline.Work.answer(clipNorm: Double(count).squareRoot())
    let purpose = "a noisy table of each column"
    switch settings.mode {
    case .random:
      return [
        PhaseOutline(counting, "the noisy number of rows; no column is read", .answer(clipNorm: 1))
      ]
    case .correlated where count > 1:
      return [
        PhaseOutline(
          oneWay, purpose, answer,
          share: settings.share ?? BayesianNetworkSettings.defaultShare),
        PhaseOutline(
          rounds, "each chooses the table that the network describes worst, and measures it",
          .rounds(count: settings.roundCount(columns: count))),
      ]
    case .independent, .correlated:
      return [PhaseOutline(oneWay, purpose, answer)]
    }
  }

  /// The phases of a network inside another family, which have `share` of the run's epsilon together.
  static func phases(
    of settings: BayesianNetworkSettings, for format: ImageSpecification, share: Double
  ) -> [PhaseOutline] {
    // A network makes no steps on samples.
    let nothing = TrainingSettings(batchSize: 1, steps: 1, clipNorm: 1)
    let phases = phases(of: settings, training: nothing, for: format)
    let stated = phases.compactMap(\.share).reduce(0, +)
    return phases.map { phase in
      PhaseOutline(
        phase.name, phase.purpose, phase.work, share: share * (phase.share ?? 1 - stated))
    }
  }

  public var privateParameterCount: Int {
    settings.mode == .random
      ? 1
      : max(
        learner.codeCounts.reduce(0, +), learner.measured.reduce(0) { $0 + $1.values.count })
  }

  public var description: String {
    let names = (format.classes.count > 1 ? ["label"] : []) + format.columns.map(\.name)
    let lines = drawingNetwork().nodes.map { node in
      let parents = node.parents.map { names[$0] }.joined(separator: ", ")
      return names[node.column] + (parents.isEmpty ? "" : " given \(parents)")
        + ": \(node.probabilities.count) probabilities"
    }
    return "bayes-net, \(settings.mode.rawValue)\n" + lines.joined(separator: "\n")
  }

  public func step(_ step: TrainingStep, on images: PrivateExamples) throws -> StepReport {
    guard !step.shouldStop() else { throw AbandonedStep() }
    drawing = nil
    guard settings.mode != .random else {
      let (tables, _) = step.tables(of: [learner.marginal(of: [])], on: rows(of: images))
      learner.total = max(1, tables[0][0])
      return step.report(ofWeights: [.rowCount: learner.total])
    }
    let (tables, deviation) = step.tables(
      of: learner.codeCounts.indices.map { learner.marginal(of: [$0]) }, on: rows(of: images))
    learner.start(with: tables, deviation: deviation)
    return step.report(ofWeights: [.rowCount: learner.total])
  }

  public func round(_ round: SelectionRound, on images: PrivateExamples) throws -> StepReport {
    guard !round.shouldStop() else { throw AbandonedStep() }
    drawing = nil
    let distance = try learner.round(asking: RoundAnswers(round: round, rows: rows(of: images)))
    return round.report(ofTables: [.tableDistance: distance])
  }

  /// The rows with the class as their first column, if there is more than one.
  private func rows(of images: PrivateExamples) -> PrivateExamples {
    guard format.classes.count > 1 else { return images }
    return images.map(drawing: NoiseStream()) { source, _ in LabelledCodes(of: source) }
  }

  /// Refuses: a network has no images.
  public func sample(
    _ request: SampleRequest, _ receive: (_ first: Int, _ images: Tensor) throws -> Void
  ) throws {
    try settings.validate(request, for: format)
    throw RecipeFailure(
      "sampling: family \(Self.family) draws rows of a table and no images. Use a recipe whose "
        + "network has an image model.")
  }

  private func network() -> CodeNetwork {
    learner.measured.isEmpty
      ? CodeNetwork(uniformOver: learner.codeCounts) : learner.network()
  }

  /// The network that draws rows; it is computed from the answers when it is first needed.
  private func drawingNetwork() -> CodeNetwork {
    let network = drawing ?? network()
    drawing = network
    return network
  }

  public func save(into checkpoint: inout Checkpoint) { checkpoint.save(learner) }

  public func restore(from checkpoint: Checkpoint) throws {
    learner = try checkpoint.learner(like: learner)
    drawing = nil
  }

  public func saveGenerator(into checkpoint: inout Checkpoint) {
    checkpoint.save(drawingNetwork())
  }

  public func restoreGenerator(from checkpoint: Checkpoint) throws {
    drawing = try checkpoint.network(like: learner)
  }
}

extension BayesianNetwork {
  /// Draws rows: the class first, if there is more than one, and then a code for each column of the format.
  ///
  /// The rows depend only on the trained network, the seed and their number. Draw all that are needed at once: their
  /// tables then lie nearer to the network than those of independent rows would.
  public func rows(count: Int, seed: UInt64) -> [[UInt8]] {
    split(drawingNetwork().rows(count, seed: seed))
  }

  /// Draws one row per label, from the distribution of rows of that class; the label is the first code.
  ///
  /// It needs a format with more than one class.
  public func rows(labels: [Int], seed: UInt64) throws -> [[UInt8]] {
    let classCount = format.classes.count
    guard classCount > 1 else {
      throw RecipeFailure(
        "sampling: rows of a class (a format with at least two classes expected).")
    }
    if let label = labels.first(where: { !(0..<classCount).contains($0) }) {
      throw RecipeFailure("sampling: class \(label) (0 to \(classCount - 1) expected).")
    }
    return drawRows(ofClasses: labels, seed: seed)
  }

  /// Draws one row per label; the labels are known to be classes of the format, of which there are several.
  func drawRows(ofClasses labels: [Int], seed: UInt64) -> [[UInt8]] {
    split(drawingNetwork().rows(labels.count, seed: seed, first: labels))
  }

  /// The logarithm of the probability of each row, in nats; minus infinity for a row that cannot occur.
  ///
  /// Use it only for a held-out or public table: the values are computed from the rows without noise.
  ///
  /// - Parameter rows: codes in the order of `rows(count:seed:)`, each below its number of codes.
  public func logProbabilities(of rows: [[UInt8]]) -> [Double] {
    let network = drawingNetwork()
    return rows.map { network.logProbability(of: $0) }
  }

  /// The logarithm of the probability of a row's columns given its class, in nats.
  func logProbability(ofCodesOf row: TableRow) -> Double {
    guard format.classes.count > 1 else {
      return drawingNetwork().logProbability(of: row.codes)
    }
    return drawingNetwork().logProbability(of: [UInt8(row.label)] + row.codes, given: 0)
  }

  private func split(_ codes: [UInt8]) -> [[UInt8]] {
    let width = learner.codeCounts.count
    return stride(from: 0, to: codes.count, by: width).map { Array(codes[$0..<($0 + width)]) }
  }
}

/// What a round may ask, answered by the private rows.
private struct RoundAnswers: TableAnswers {
  let round: SelectionRound
  let rows: PrivateExamples

  var deviation: Double { round.cellDeviation }

  func choose(among candidates: [MarginalCandidate]) -> Int {
    round.choice(among: candidates, on: rows)
  }

  func measure(_ marginal: Marginal) -> [Double] { round.table(of: marginal, on: rows) }
}

extension TrainingCurve {
  /// The noisy number of rows.
  static let rowCount = TrainingCurve("row_count")
  /// The share of rows that the network put into wrong cells of the measured table, noise included.
  static let tableDistance = TrainingCurve(
    "table_distance", title: "Distance of the network from the measured tables, noise included",
    .lower)
}

extension BayesianNetwork {
  public static let curves: [TrainingCurve] = [.rowCount, .tableDistance]
  public static let watchedCurve: TrainingCurve? = .tableDistance
}
