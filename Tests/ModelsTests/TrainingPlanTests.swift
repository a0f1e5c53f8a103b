import Foundation
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

  /// A saved plan that names another probability beside its mechanism's is not listened to.
  @Test func thePlanSamplesWithTheProbabilityThatIsAccounted() throws {
    let json = """
      {"steps":4,"batch_size":6,"population":12,"sampling_probability":1,"mechanism":
       {"sampling_probability":0.5,"noise_multiplier":1.5,"clip_norm":0.5,"nominal_batch_size":6}}
      """
    let plan = try JSONDecoder().decode(TrainingPlan.self, from: Data(json.utf8))
    #expect(plan.samplingProbability == 0.5)
    #expect(
      try EventTally(plan.event).counts == [
        ElementaryEvent(samplingProbability: 0.5, noiseMultiplier: 1.5): 4
      ])
    let written = String(decoding: try JSONEncoder().encode(plan), as: UTF8.self)
    #expect(written.components(separatedBy: "sampling_probability").count == 2)
    let free = try TrainingPlan(
      nonPrivate: TrainingSettings(batchSize: 6, steps: 4, clipNorm: 1), population: 12)
    #expect(free.samplingProbability == 0.5)
    #expect(try EventTally(free.event).isEmpty)
  }
}
