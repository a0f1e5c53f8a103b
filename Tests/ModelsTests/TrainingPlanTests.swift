import Privacy
import Testing

@testable import Models

/// What a plan takes from a recipe, and what from the data.
@Suite struct TrainingPlanTests {
  /// A divisor of floor(population · probability) would be one less for some populations: whoever
  /// sees the update could tell them from their neighbours.
  @Test func theDivisorIsTheRecipesBatchSizeForEveryPopulation() throws {
    let settings = TrainingSettings(batchSize: 49, steps: 10, clipNorm: 1)
    for population in 49...3000 {
      let plan = try TrainingPlan(settings, population: population, noiseMultiplier: 1)
      #expect(plan.mechanism?.nominalBatchSize == 49)
      #expect(plan.samplingProbability == 49 / Double(population))
    }
  }
}
