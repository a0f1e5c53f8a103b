import Models
import Privacy
import Testing

/// The prediction of plans about noise.
@Suite struct NoiseOutlookTests {
  private func outlook(
    images: Int, epsilon: Double, parameters: Int, noise: Double, steps: Int = 400
  ) throws -> NoiseOutlook {
    var settings = try RecipeSettings.training
    settings.steps = steps
    let plan = try TrainingPlan(settings, population: images, noiseMultiplier: noise)
    return try #require(NoiseOutlook(plan, parameterCount: parameters, epsilon: epsilon))
  }

  private enum RecipeSettings {
    static var training: TrainingSettings {
      get throws {
        TrainingSettings(batchSize: 512, steps: 400, clipNorm: 1)
      }
    }
  }

  @Test func theRatioIsTheAveragedNoiseInClipNorms() throws {
    // 8 · √10,000 / (100 · √400): all images in every batch.
    let found = try outlook(images: 100, epsilon: 1, parameters: 10_000, noise: 8)
    #expect(abs(found.ratio - 0.4) < 1e-12)
    #expect(found.expectation == .noise)
  }

  @Test func manyImagesNeedNoWarning() throws {
    let found = try outlook(images: 60_000, epsilon: 10, parameters: 40_000, noise: 0.6)
    #expect(found.expectation == .clear)
    #expect(found.warning == nil)
  }

  @Test func theWarningNamesWhatWouldHelp() throws {
    let found = try outlook(images: 200, epsilon: 2, parameters: 10_000, noise: 8)
    let warning = try #require(found.warning)
    // 0.2 is five times the clear ratio: five times the images, or five times epsilon, would help.
    #expect(warning.contains("these 200 images"))
    #expect(warning.contains("1,000 images"))
    #expect(warning.contains("epsilon 10"))
    // No recipe has 25 times fewer parameters.
    #expect(!warning.contains("parameters"))
    let near = try outlook(images: 200, epsilon: 2, parameters: 2_500, noise: 8)
    #expect(try #require(near.warning).contains("6.3 times fewer parameters"))
    let dear = try outlook(images: 200, epsilon: 10, parameters: 10_000, noise: 8)
    #expect(try #require(dear.warning).contains("epsilon") == false)
  }

  @Test func aPlanWithoutPrivacyHasNoNoise() throws {
    let plan = try TrainingPlan(nonPrivate: RecipeSettings.training, population: 100)
    #expect(NoiseOutlook(plan, parameterCount: 10, epsilon: nil) == nil)
  }
}
