import Compute
import Datasets
import Learning
import Privacy
import TestSupport
import Testing

@testable import Models

/// Properties of every model family, tested on small models.
@Suite struct FamilyTests {
  private static let format = ImageSpecification.tiny(height: 8, width: 8, classes: 2)

  /// A family with settings for a few hundred to a few thousand parameters.
  struct Example: CustomTestStringConvertible, Sendable {
    let name: String
    let make: @Sendable (_ seed: UInt64, _ threads: Int) throws -> any GenerativeModel
    var testDescription: String { name }

    /// A GAN of the other form of each choice.
    static let projecting = "dp-gan by hinge, projection and norms"

    /// The examples in which a discriminator alone reads real images.
    static var adversarial: [Example] {
      all.filter { $0.name == DPGAN.family || $0.name == projecting }
    }

    static let all = [
      Example(name: DPGAN.family) { seed, threads in
        try DPGAN(
          DPGANSettings(
            width: 2, generatorWidth: 2, latentSize: 4, discriminatorLearningRate: 0.01,
            generatorLearningRate: 0.01, generatorBatchSize: 6,
            schedule: .init(start: 2, threshold: 0.6), averageDecay: 0.5),
          for: format, seed: seed, on: Machine(threadCount: threads))
      },
      Example(name: PixelModel.family) { seed, threads in
        try PixelModel(
          PixelModelSettings(channels: 8, depth: 1, firstKernel: 3, bits: 2, learningRate: 0.01),
          for: format, seed: seed, on: Machine(threadCount: threads))
      },
      Example(name: Multiscale.family) { seed, threads in
        try Multiscale(
          MultiscaleSettings(
            stages: 1,
            base: PixelModelSettings(
              channels: 8, depth: 1, firstKernel: 3, bits: 2, learningRate: 0.01),
            upsampler: UpsamplerSettings(
              channels: 4, depth: 1, bits: 2, components: 2, averageDecay: 0.5)),
          for: format, seed: seed, on: Machine(threadCount: threads))
      },
      Example(name: Embedding.family) { seed, threads in
        try Embedding(
          EmbeddingSettings(
            features: 2, generatorWidth: 2, latentSize: 4, steps: 4, batchSize: 4,
            learningRate: 0.01, averageDecay: 0.5),
          for: format, seed: seed, on: Machine(threadCount: threads))
      },
      Example(name: VAE.family) { seed, threads in
        try VAE(
          VAESettings(
            latentSize: 3, channels: 2, depth: 2, bits: 2, divergenceWarmUpSteps: 4, codes: .full,
            share: 0.1, learningRate: 0.01, averageDecay: 0.5),
          for: format, seed: seed, on: Machine(threadCount: threads))
      },
      Example(name: "vae of mixtures") { seed, threads in
        try VAE(
          VAESettings(
            latentSize: 2, channels: 4, depth: 1, normalization: .group, bits: 8,
            output: .logistics, components: 2, drawing: .sample, learningRate: 0.01,
            averageDecay: 0.5),
          for: format, seed: seed, on: Machine(threadCount: threads))
      },
      Example(name: Distilled.family) { seed, threads in
        try Distilled(
          DistilledSettings(
            teacher: NestedModel(
              PixelModel.self,
              PixelModelSettings(
                channels: 8, depth: 1, firstKernel: 3, bits: 2, learningRate: 0.01)),
            images: 8, steps: 4, batchSize: 4, width: 2, generatorWidth: 2, latentSize: 4,
            averageDecay: 0.5),
          for: format, seed: seed, on: Machine(threadCount: threads))
      },
      Example(name: Taught.family) { seed, threads in
        try Taught(
          TaughtSettings(
            generator: NestedModel(
              PixelModel.self,
              PixelModelSettings(
                channels: 8, depth: 1, firstKernel: 3, bits: 2, learningRate: 0.01))),
          for: format, seed: seed, on: Machine(threadCount: threads))
      },
      Example(name: AttributedImages.family) { seed, threads in
        let columns = [ColumnDomain(name: "side", values: .categories(["left", "right"]))]
        return try AttributedImages(
          AttributedImagesSettings(
            share: 0.2, table: BayesianNetworkSettings(mode: .correlated),
            images: NestedModel(
              PixelModel.self,
              PixelModelSettings(
                channels: 8, depth: 1, firstKernel: 3, bits: 2, learningRate: 0.01))),
          for: format.with(columns), seed: seed, on: Machine(threadCount: threads))
      },
      Example(name: projecting) { seed, threads in
        var settings = DPGANSettings(
          width: 2, generatorWidth: 2, latentSize: 4, discriminatorLearningRate: 0.01,
          generatorLearningRate: 0.01, beta1: 0, generatorBatchSize: 6,
          schedule: .init(start: 2, threshold: nil), averageDecay: 0.5)
        settings.loss = .hinge
        settings.discriminatorClasses = .projection
        settings.discriminatorNormalization = .group
        settings.generatorNormalization = .batch
        settings.discriminatorFakes = 4
        settings.discriminatorAverageDecay = 0.5
        settings.finalRate = 0.1
        return try DPGAN(
          settings, for: format, seed: seed, on: Machine(threadCount: threads))
      },
      Example(name: "pixel by Muon") { seed, threads in
        try PixelModel(
          PixelModelSettings(
            channels: 8, depth: 1, firstKernel: 3, bits: 2, optimizer: .muon, learningRate: 0.01),
          for: format, seed: seed, on: Machine(threadCount: threads))
      },
    ]
  }

  private static let mechanism = Result {
    try SubsampledGaussian(
      samplingProbability: 0.5, noiseMultiplier: 1, clipNorm: 0.5, nominalBatchSize: 6)
  }

  private static let hardened = Result {
    try SubsampledGaussian(
      samplingProbability: 0.5, noiseMultiplier: 1, clipNorm: 0.5, nominalBatchSize: 6,
      noise: .discreteGaussian)
  }

  private func train(
    _ model: any GenerativeModel, steps: Range<Int>, on images: ImageArray? = nil,
    mechanism: SubsampledGaussian?, noise: UInt32 = 7
  ) throws -> [StepReport] {
    // Every step has its own noise stream, so that a resumed run draws the same noise.
    try steps.map { index in
      try model.step(
        TrainingStep(
          index: index, stepCount: 10, batchSize: 6, protection: .test(mechanism),
          noise: TestNoise.stream(noise &+ UInt32(index))),
        on: PrivateExamples(images ?? ImageArray.random(5, Self.format)))
    }
  }

  private func samples(_ model: any GenerativeModel, seed: UInt64 = 3) throws -> [Float] {
    var values: [Float] = []
    try model.sample(labels: [0, 1, 1, 0, 1], seed: seed) { first, images in
      #expect(first * Self.format.shape.count == values.count)
      values += images.array
    }
    return values
  }

  @Test func aFamilyWithoutSamplingOptionsRefusesThem() throws {
    let model = try #require(Example.all.first { $0.name == DPGAN.family }).make(1, 1)
    for (request, found) in [
      (SampleRequest(labels: [0], seed: 1, temperature: 0.9), "temperature is 0.9 (1 expected"),
      (SampleRequest(labels: [0], seed: 1, guidance: 2), "guidance is 2.0 (1 expected"),
    ] {
      #expect {
        try model.sample(request) { _, _ in }
      } throws: { error in
        (error as? RecipeFailure)?.description.contains(found) == true
      }
    }
    try model.sample(SampleRequest(labels: [0], seed: 1, guidance: 1)) { _, _ in }
  }

  @Test func equalSharesDifferByOneAtMost() {
    #expect(SampleRequest.evenCounts(of: 12, among: 5) == [3, 3, 2, 2, 2])
    #expect(SampleRequest.evenCounts(of: 2, among: 3) == [1, 1, 0])
    #expect(SampleRequest.evenCounts(of: 0, among: 2) == [0, 0])
  }

  @Test func aRecipesGuidanceIsTheDefaultOfRequests() throws {
    let model = try PixelModel(
      PixelModelSettings(
        channels: 8, depth: 1, firstKernel: 3, bits: 2, labelDropout: 0.1, guidance: 4,
        learningRate: 0.05, averageDecay: 0),
      for: Self.format, seed: 2, on: Machine(threadCount: 1))
    // With fewer steps, classes hardly differ.
    _ = try train(model, steps: 0..<30, mechanism: nil)
    func drawn(_ guidance: Double?) throws -> [Float] {
      var values: [Float] = []
      try model.sample(SampleRequest(labels: [0, 1], seed: 3, guidance: guidance)) {
        values += $1.array
      }
      return values
    }
    #expect(try drawn(nil) == drawn(4))
    #expect(try drawn(nil) != drawn(1))
  }

  @Test func everyFamilyIsAmongTheExamples() {
    // Families of tables have tests of their own.
    let families = Families.all.filter { $0.settingsType.readsImages }.map { $0.family }
    #expect(Set(Example.all.map(\.name)).isSuperset(of: families))
  }

  @Test(arguments: Example.all) func imagesHaveTheFormatAndItsRange(_ example: Example) throws {
    let values = try samples(example.make(1, 1))
    #expect(values.count == 5 * Self.format.shape.count)
    #expect(values.allSatisfy { (-1...1).contains($0) })
  }

  @Test(arguments: Example.all) func imagesDependOnTheirSeedAlone(_ example: Example) throws {
    let model = try example.make(1, 1)
    let first = try samples(model, seed: 3)
    #expect(try samples(model, seed: 4) != first)
    #expect(try samples(model, seed: 3) == first)
  }

  @Test(arguments: Example.all) func resultIsTheSameOnAnyNumberOfThreads(
    _ example: Example
  ) throws {
    let one = try example.make(1, 1)
    let three = try example.make(1, 3)
    for model in [one, three] {
      _ = try train(model, steps: 0..<3, mechanism: Self.mechanism.get())
    }
    #expect(one.savedState.tensors == three.savedState.tensors)
    #expect(try samples(one) == samples(three))
  }

  @Test(arguments: Example.all) func theMechanismDecidesWhichNoiseAStepDraws(
    _ example: Example
  ) throws {
    let states = try [Self.mechanism, Self.hardened].map { mechanism in
      let model = try example.make(1, 1)
      _ = try train(model, steps: 0..<1, mechanism: mechanism.get())
      return model.savedState.tensors
    }
    #expect(states[0] != states[1])
  }

  @Test(arguments: Example.all) func aRestoredModelContinuesBitForBit(_ example: Example) throws {
    let whole = try example.make(1, 1)
    _ = try train(whole, steps: 0..<6, mechanism: Self.mechanism.get())
    let broken = try example.make(1, 1)
    _ = try train(broken, steps: 0..<3, mechanism: Self.mechanism.get())
    let resumed = try example.make(1, 1)
    try resumed.restore(from: broken.savedState)
    _ = try train(resumed, steps: 3..<6, mechanism: Self.mechanism.get())
    #expect(resumed.savedState.tensors == whole.savedState.tensors)
    #expect(resumed.savedState.metadata == whole.savedState.metadata)
  }

  @Test(arguments: Example.all) func anEmptyBatchStillMovesTheModel(_ example: Example) throws {
    let model = try example.make(1, 1)
    let before = model.savedState.tensors
    let nobody = ImageArray(shape: Self.format.shape, values: [], classes: [])
    let report = try train(model, steps: 0..<1, on: nobody, mechanism: Self.mechanism.get())
    #expect(model.savedState.tensors != before)
    #expect(report.allSatisfy { $0.curves.values.allSatisfy(\.value.isFinite) })
  }

  @Test(arguments: Example.all) func aPoisonedImageLeavesTheModelFinite(
    _ example: Example
  ) throws {
    let model = try example.make(1, 1)
    var images = ImageArray.random(5, Self.format)
    images.values[0] = .nan
    images.values[70] = .infinity
    _ = try train(model, steps: 0..<2, on: images, mechanism: Self.mechanism.get())
    #expect(try samples(model).allSatisfy(\.isFinite))
  }

  @Test(arguments: Example.all) func theImagesOfAUnitAreOneContributionInEveryFamily(
    _ example: Example
  ) throws {
    let states = try [nil, [0, 1, 2, 3, 4], [7, 7, 7, 7, 7]].map { units in
      var images = ImageArray.random(5, Self.format)
      images.units = units
      let model = try example.make(1, 1)
      _ = try train(model, steps: 0..<1, on: images, mechanism: Self.mechanism.get())
      return model.savedState.tensors
    }
    #expect(states[0] == states[1])
    #expect(states[0] != states[2])
  }

  /// Without noise, everything derived from the weights is derived from the images.
  @Test(arguments: Example.all) func curvesOfAnUnprotectedRunStayInside(
    _ example: Example
  ) throws {
    let told = try train(example.make(1, 1), steps: 0..<2, mechanism: nil)
    #expect(told.allSatisfy { $0.curves.values.allSatisfy { $0.reason == .chosenBeforehand } })
    #expect(told.allSatisfy { !$0.privateCurves.isEmpty })
    // The same curves may be released if noise protects the weights.
    let free = try train(example.make(1, 1), steps: 0..<2, mechanism: Self.mechanism.get())
    #expect(free.allSatisfy { !$0.curves.isEmpty && $0.privateCurves.isEmpty })
  }

  /// The report of a private step must not depend on the real images of that step; only later steps
  /// may depend on them, through the noised update.
  @Test(arguments: Example.adversarial)
  func whatADiscriminatorStepTellsDoesNotDependOnItsRealImages(_ example: Example) throws {
    let reports = try [1, 2].map { seed in
      try train(
        example.make(1, 1), steps: 0..<1,
        on: ImageArray.random(seed == 1 ? 5 : 2, Self.format, seed: UInt64(seed)),
        mechanism: Self.mechanism.get())
    }
    let curves = reports.map { $0.map { $0.curves.mapValues(\.value) } }
    #expect(curves[0] == curves[1])
  }

  /// With a clip norm of practically zero, nothing of the real images reaches the discriminator, so
  /// nothing may reach the generator, which learns only from the discriminator.
  @Test(arguments: Example.adversarial)
  func theGeneratorLearnsOfRealImagesThroughTheDiscriminatorAlone(_ example: Example) throws {
    let mechanism = try SubsampledGaussian(
      samplingProbability: 0.5, noiseMultiplier: 1, clipNorm: 1e-30, nominalBatchSize: 6)
    let untrained = try example.make(1, 1).savedState.tensors
    let trained = try [1, 2].map { seed in
      let model = try example.make(1, 1)
      _ = try train(
        model, steps: 0..<6, on: ImageArray.random(5, Self.format, seed: UInt64(seed)),
        mechanism: mechanism)
      return model.savedState.tensors
    }
    let generator = { (tensors: [String: Checkpoint.Array]) in
      tensors.filter { $0.key.hasPrefix("generator.") }
    }
    #expect(!generator(untrained).isEmpty && generator(trained[0]) != generator(untrained))
    #expect(generator(trained[0]) == generator(trained[1]))
  }

  @Test(arguments: Example.all) func theReleasedPartHoldsNoTrainingState(
    _ example: Example
  ) throws {
    let model = try example.make(1, 1)
    _ = try train(model, steps: 0..<2, mechanism: Self.mechanism.get())
    let released = model.savedGenerator
    #expect(!released.tensors.isEmpty)
    #expect(released.tensors.keys.allSatisfy { !$0.contains("optimizer") })
    #expect(released.tensors.keys.allSatisfy { !$0.contains("discriminator") })
    #expect(released.tensors.count < model.savedState.tensors.count)
  }

  @Test(arguments: Example.all) func theReleasedPartDrawsWhatTheTrainedModelDraws(
    _ example: Example
  ) throws {
    let trained = try example.make(1, 1)
    _ = try train(trained, steps: 0..<3, mechanism: Self.mechanism.get())
    let released = trained.savedGenerator
    // Another seed: only the released arrays may matter.
    let other = try example.make(2, 1)
    #expect(try samples(other) != samples(trained))
    try other.restoreGenerator(from: released)
    #expect(try samples(other) == samples(trained))
    #expect(throws: Checkpoint.Failure.self) { try other.restoreGenerator(from: Checkpoint()) }
  }

  @Test func aGANLearnsToSeparateTwoClassesOfFlatImages() throws {
    let format = Self.format
    let model = try DPGAN(
      DPGANSettings(
        width: 4, generatorWidth: 4, latentSize: 4, discriminatorLearningRate: 0.003,
        generatorLearningRate: 0.003, generatorBatchSize: 32,
        schedule: .init(start: 1, threshold: nil), averageDecay: 0.9),
      for: format, seed: 5, on: Machine(threadCount: 1))
    let flat = { (value: Float) in [Float](repeating: value, count: format.shape.count) }
    let images = ImageArray(
      shape: format.shape, values: (0..<32).flatMap { flat($0 % 2 == 0 ? -0.8 : 0.8) },
      classes: (0..<32).map { $0 % 2 })
    for index in 0..<300 {
      _ = try model.step(
        TrainingStep(
          index: index, stepCount: 300, batchSize: 32, protection: .test(nil), noise: NoiseStream()),
        on: PrivateExamples(images))
    }
    var means = [0.0, 0.0]
    try model.sample(labels: (0..<64).map { $0 % 2 }, seed: 9) { first, drawn in
      for index in 0..<drawn.shape[0] {
        let image = drawn.examples(from: index, count: 1).array
        means[(first + index) % 2] += Double(image.reduce(0, +)) / Double(32 * image.count)
      }
    }
    #expect(means[0] < -0.4 && means[1] > 0.4, "\(means)")
  }
}
