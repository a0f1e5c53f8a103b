import Foundation
import Privacy
import Testing

@testable import Models

/// The parts of a plan that come from the recipe, and those that come from the data.
@Suite struct TrainingPlanTests {
  /// A divisor of floor(population · probability) would be one less for some populations: an
  /// observer of the update could distinguish them from their neighbours.
  @Test func theDivisorIsTheRecipesBatchSizeForEveryPopulation() throws {
    let settings = TrainingSettings(batchSize: 49, steps: 10, clipNorm: 1)
    for population in 49...3000 {
      let plan = try TrainingPlan(settings, population: population, noiseMultiplier: 1)
      #expect(plan.mechanism?.nominalBatchSize == 49)
      #expect(plan.samplingProbability == 49 / Double(population))
    }
  }

  /// A different probability in a saved plan, beside that of its mechanism, is ignored.
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
