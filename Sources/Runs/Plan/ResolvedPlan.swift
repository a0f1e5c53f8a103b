import Control
import Datasets
import FoundationEssentials
package import Models
package import Privacy

/// All decisions of a run, made before its first step: `plan` prints what is computed from it, and a run
/// saves it beside its checkpoints, so that a resumed run continues with the same plan.
///
/// Its file is called `design.json`, as in earlier versions.
package struct ResolvedPlan {
  /// The recipe at that time.
  package let recipe: Recipe
  /// The phases, in the order in which they are carried out.
  package private(set) var phases: [Phase]
  /// The number of units of privacy that the phases assume.
  package let population: Int
  /// The class names, in label order.
  package let classes: [String]
  /// The seed of everything that privacy does not depend on.
  package let seed: UInt64
  /// The secret name of the frozen images (`FrozenImages`); empty in a plan that is only shown.
  package let snapshot: String
  /// The epsilon of all phases together, rounded up; nil without privacy.
  package let epsilon: Double?
  /// The facts about the data that the administrator declared; all others were found in the folder.
  ///
  /// Sorted; nil in plans of versions that did not distinguish the two.
  let declared: [DatasetFact]?
  /// What the order asked for that phases do not hold; nil in plans that were saved before it was kept.
  var asked: AskedOptions?
  /// The format in which the plan was saved; 0 for versions that wrote no number.
  var format = StateFormat.current

  /// Resolves an order over images of `classes` in `units` units, or in as many as were declared.
  ///
  /// - Parameter history: what was done to the root so far; read only for an order for the rest of its
  ///   budget.
  /// - Returns: the plan, and in words the decisions that the order left open.
  package static func resolve(
    _ order: RunOrder, classes: [String], units: Int, snapshot: String = "",
    after history: @autoclosure () throws -> LedgerHistory
  ) throws -> (plan: ResolvedPlan, remark: String?) {
    _ = try ClassNames.folders(classes)
    try order.requireColumns()
    try order.recipe.validate(classes: classes)
    try order.requireAnswers(classes: classes)
    let priced = try PricedPhases(order, classes: classes, units: units, after: history())
    let plan = ResolvedPlan(
      recipe: order.recipe, phases: priced.phases, population: priced.population,
      classes: classes, seed: order.seed ?? drawnSeed(), snapshot: snapshot,
      epsilon: priced.epsilon, declared: order.declared.sorted { $0.rawValue < $1.rawValue },
      asked: AskedOptions(of: order))
    return (plan, priced.remark)
  }

  /// A random seed for orders without one; every reader of JSON reproduces it exactly.
  package static func drawnSeed() -> UInt64 { UInt64.random(in: 0...(1 << 53)) }

  /// Whether noise protects the images.
  package var isProtected: Bool { phases.contains { $0.learns && $0.access != nil } }

  /// The mechanism of the phase that gets the rest of epsilon, that of its tables if the model learns in rounds
  /// alone; nil without privacy.
  package var mechanism: SubsampledGaussian? {
    mainPlan?.mechanism ?? phases.lazy.compactMap { $0.selection?.mechanism?.table }.first
  }

  /// The noisy steps of the phase that gets the rest of epsilon: in most families, the training.
  package var mainPlan: TrainingPlan? { phases.mainPlan }

  /// What noise will do to images and rows.
  ///
  /// - Parameters:
  ///   - parameterCount: the number of parameters whose gradients receive noise.
  ///   - noun: what the units of privacy are, for example "rows".
  package func noise(
    parameterCount: Int, units noun: String
  ) -> (expectation: NoiseOutlook.Expectation?, warning: String?) {
    recipe.noise(
      of: phases, classes: classes, parameterCount: parameterCount, epsilon: epsilon, units: noun)
  }

  /// What noise does to the columns of a table, for a release; nil without them.
  package var noiseSentence: String? {
    recipe.noiseSentence(of: phases, classes: classes, epsilon: epsilon)
  }

  /// The phases that the model carries out, each with the number of steps before it.
  package var modelPhases: [(phase: Phase, firstStep: Int)] {
    var first = 0
    return phases.filter { $0.stepCount > 0 }.map { phase in
      defer { first += phase.stepCount }
      return (phase, first)
    }
  }

  /// The number of steps that the model makes in all phases.
  package var stepCount: Int { phases.reduce(0) { $0 + $1.stepCount } }

  /// Steps that read no private image.
  package var freeStepCount: Int {
    phases.reduce(0) { $0 + ($1.freeReason == nil ? 0 : $1.stepCount) }
  }

  /// The planned steps on private images, if fewer were made; nil if all were.
  func plannedSteps(ifMoreThan made: Int) -> Int? {
    let planned = stepCount - freeStepCount
    return made < planned ? planned : nil
  }

  /// What interruptions cost, in a sentence; nil if all planned steps on private images were made.
  ///
  /// - Parameter made: those that were made.
  func lossSentence(made: Int) -> String? {
    guard isProtected, let planned = plannedSteps(ifMoreThan: made) else { return nil }
    let lost = planned - made
    return
      "Interruptions such as a power cut cost \(Rounded.count(lost)) of \(Rounded.count(planned)) planned "
      + "\(planned == 1 ? "step" : "steps"). Epsilon counts \(lost == 1 ? "it" : "them") all the same."
  }

  /// The steps in words, those that read private images apart from the others.
  ///
  /// - Parameter made: those that were made on private images; nil for all of them.
  func stepsText(made: Int? = nil) -> String {
    let made = made ?? stepCount - freeStepCount
    return JobResults.text(
      ofSteps: made, planned: plannedSteps(ifMoreThan: made), free: freeStepCount)
  }

  /// Everything that the run does to the data.
  package var event: PrivacyEvent { phases.event() }

  /// The same plan, whose phases say which weights they take over.
  func stating(_ starts: [StartOfRun]) -> ResolvedPlan {
    var plan = self
    plan.phases = phases.map { phase in starts.reduce(phase) { $1.stated(in: $0) } }
    return plan
  }

  /// The name of a saved plan, in the internal folder of its run.
  static let fileName = "design.json"
  private static let name = "/" + fileName

  /// The plan of an earlier attempt; nil for the first attempt.
  package static func saved(in folder: String) throws -> ResolvedPlan? {
    guard try DurableFile.names(in: folder).contains(String(name.dropFirst())) else { return nil }
    let plan = try StateFormat.read(ResolvedPlan.self, at: folder + name)
    do {
      try plan.validate()
    } catch {
      throw StateFormat.damaged(folder + name, by: error)
    }
    return plan
  }

  /// Writes the plan durably; equal plans have equal bytes.
  func save(in folder: String) throws {
    try DurableFile.write(try StateFormat.encode(self), to: folder + Self.name)
  }

  /// SHA-256 of the saved plan, which the run announces to the ledger, so that a later change of the plan is
  /// detected.
  static func fingerprint(in folder: String) throws -> String {
    try DurableFile.read(folder + name).sha256
  }
}

extension ResolvedPlan: Codable {
  private enum CodingKeys: String, CodingKey {
    case recipe, phases, population, classes, seed, snapshot, epsilon, declared, asked
  }

  /// The keys of plans before there were phases: one training, and two answers beside it.
  private enum FormerKeys: String, CodingKey { case plan, counts, score }

  /// Reads a plan, including one of the versions before phases.
  package init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    recipe = try container.decode(Recipe.self, forKey: .recipe)
    classes = try container.decode([String].self, forKey: .classes)
    seed = try container.decode(UInt64.self, forKey: .seed)
    snapshot = try container.decode(String.self, forKey: .snapshot)
    epsilon = try container.decodeIfPresent(Double.self, forKey: .epsilon)
    declared = try container.decodeIfPresent([DatasetFact].self, forKey: .declared)
    asked = try container.decodeIfPresent(AskedOptions.self, forKey: .asked)
    format = try StateFormat.Number(from: decoder).format ?? 0
    guard container.contains(.phases) else {
      (phases, population) = try Self.formerPhases(from: decoder)
      return
    }
    phases = try container.decode([Phase].self, forKey: .phases)
    population = try container.decode(Int.self, forKey: .population)
  }

  private static func formerPhases(
    from decoder: any Decoder
  ) throws -> (phases: [Phase], population: Int) {
    let former = try decoder.container(keyedBy: FormerKeys.self)
    let plan = try former.decode(TrainingPlan.self, forKey: .plan)
    let question = { (key: FormerKeys, kind: any PaidAnswer.Type) throws -> [Phase] in
      try former.decodeIfPresent(CountQuery.self, forKey: key).map {
        // The ledger recorded the charge under the phase name of that version.
        [Phase(kind.formerPhase ?? kind.phase, kind.purpose, .counts($0), epsilon: $0.epsilon)]
      } ?? []
    }
    let training = PhaseOutline.training(
      TrainingSettings(batchSize: 1, steps: 1, clipNorm: 1))
    let phases =
      try question(.counts, ClassCountsAnswer.self)
      + [Phase(training.name, training.purpose, .training(plan)), RunOutline.drawingPhase]
      + question(.score, SyntheticAccuracyAnswer.self)
    return (phases, plan.population)
  }
}
