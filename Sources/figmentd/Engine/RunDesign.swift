import Control
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
  /// The name of the frozen set of images.
  let snapshot: String
  /// The epsilon of the plan alone, rounded up; nil without privacy.
  let epsilon: Double?

  /// Decides: finds the noise for the order's epsilon.
  init(_ order: RunOrder, population: Int, classes: [String], snapshot: String) throws {
    recipe = order.recipe
    self.classes = classes
    self.snapshot = snapshot
    seed = order.seed ?? UInt64.random(in: 0...(1 << 53))
    try order.recipe.validate(classes: classes)
    let priced = try Self.plan(order, population: population)
    plan = priced.plan
    epsilon = priced.epsilon
  }

  /// The plan for an order over a number of units, and its epsilon.
  static func plan(
    _ order: RunOrder, population: Int
  ) throws -> (plan: TrainingPlan, epsilon: Double?) {
    let free = try TrainingPlan(nonPrivate: order.training, population: population)
    guard let epsilon = order.epsilon else { return (free, nil) }
    let noise = try Calibration(budget: PrivacyBudget(epsilon: epsilon, delta: order.delta))
      .noiseMultiplier(samplingProbability: free.samplingProbability, times: free.steps)
    let plan = try TrainingPlan(
      order.training, population: population, noiseMultiplier: noise.noiseMultiplier)
    return (plan, noise.epsilon)
  }

  private static let name = "/design.json"

  /// The design of an earlier attempt; nil at the first.
  static func saved(in folder: String) throws -> RunDesign? {
    guard try DurableFile.names(in: folder).contains(String(name.dropFirst())) else { return nil }
    return try JSONDecoder().decode(RunDesign.self, from: DurableFile.read(folder + name))
  }

  /// Writes the design durably.
  func save(in folder: String) throws {
    try DurableFile.write(try JSONEncoder().encode(self), to: folder + Self.name)
  }

  /// The event of everything the run does; nil without privacy.
  func event(steps: Int) -> PrivacyEvent? {
    plan.mechanism.map { .repeated(event: $0.event, times: steps) }
  }
}
