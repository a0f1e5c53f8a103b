import Control
import Crypto
import Datasets
import FoundationEssentials
import Models
import Privacy

/// What a run decided before its first step: kept beside its checkpoints, so that a resumed run
/// goes on with the same plan.
struct RunDesign: Codable {
  /// The recipe as it was.
  let recipe: Recipe
  /// What is done to the data.
  let plan: TrainingPlan
  /// The class names, in label order.
  let classes: [String]
  /// The seed of everything that privacy does not depend on.
  let seed: UInt64
  /// The secret name of the frozen images; see `FrozenImages`.
  let snapshot: String
  /// The question for class counts; nil when nobody asked.
  let counts: CountQuery?
  /// The question for a score on the real images; nil when nobody asked.
  let score: CountQuery?
  /// The epsilon of the plan alone, questions included, rounded up; nil without privacy.
  let epsilon: Double?
  /// The facts about the data that the administrator declared; all others were found in the folder.
  ///
  /// Sorted; nil in designs that were saved before the two were told apart.
  let declared: [DatasetFact]?

  /// Writes down what an order and its price decided.
  init(_ order: RunOrder, _ priced: PricedPlan, classes: [String], snapshot: String) throws {
    recipe = order.recipe
    self.classes = classes
    self.snapshot = snapshot
    seed = order.seed ?? Self.drawnSeed()
    _ = try ClassNames.folders(classes)
    try order.recipe.validate(classes: classes)
    plan = priced.plan
    try priced.questions.validate(classes: classes)
    counts = priced.questions.counts
    score = priced.questions.score
    epsilon = priced.epsilon
    declared = order.declared.sorted { $0.rawValue < $1.rawValue }
  }

  /// A seed where nobody gave one; every reader of JSON keeps it exactly.
  static func drawnSeed() -> UInt64 { UInt64.random(in: 0...(1 << 53)) }

  /// What is asked beside training.
  var questions: RunQuestions { RunQuestions(counts: counts, score: score) }

  private static let name = "/design.json"

  /// The design of an earlier attempt; nil at the first.
  static func saved(in folder: String) throws -> RunDesign? {
    guard try DurableFile.names(in: folder).contains(String(name.dropFirst())) else { return nil }
    let design = try StateFormat.read(RunDesign.self, at: folder + name)
    do {
      try design.validate()
    } catch {
      throw StateFormat.damaged(folder + name, by: error)
    }
    return design
  }

  /// Writes the design durably, the same design always in the same bytes.
  func save(in folder: String) throws {
    try DurableFile.write(try StateFormat.encode(self), to: folder + Self.name)
  }

  /// SHA-256 of the saved design, which the run announces to the ledger: a design that was changed
  /// afterwards is noticed.
  static func fingerprint(in folder: String) throws -> String {
    SHA256.hash(data: try DurableFile.read(folder + name)).hexadecimal
  }

  /// Everything that the run does to the data: its steps and its questions.
  var event: PrivacyEvent {
    plan.mechanism.map { Self.event($0, steps: plan.steps, questions: questions.all) }
      ?? .composed([])
  }

  /// Steps of training and the questions that are still to be asked, as one event.
  static func event(
    _ mechanism: SubsampledGaussian, steps: Int, questions: [CountQuery]
  ) -> PrivacyEvent {
    let training = PrivacyEvent.repeated(event: mechanism.event, times: steps)
    let asked = questions.map(\.event)
    guard steps > 0 else { return .composed(asked) }
    return asked.isEmpty ? training : .composed(asked + [training])
  }
}
