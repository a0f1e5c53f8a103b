import Compute
@_spi(PrivateZone) import Privacy
import TestSupport
import Testing

@testable import Learning
@testable import Models

/// The images of a step, each selected by its own coin.
private final class PoissonImages: Trainer.Images {
  let images: ImageArray

  init(_ images: ImageArray) { self.images = images }

  func drawBatch(probability: Double, from noise: NoiseStream) -> PrivateExamples {
    var coins = noise
    let chosen = (0..<images.count).filter { _ in
      Double.random(in: 0..<1, using: &coins) < probability
    }
    return PrivateExamples(
      ImageArray(
        shape: images.shape, values: chosen.flatMap { images[$0] },
        classes: chosen.map { images.classes[$0] }))
  }
}

@Suite struct PixelModelTrainingTests {
  private func train(
    _ model: PixelModel, on images: ImageArray, steps: Range<Int>, of count: Int,
    mechanism: SubsampledGaussian? = nil, noise: NoiseStream = NoiseStream()
  ) throws -> [StepReport] {
    try steps.map {
      try model.step(
        TrainingStep(
          index: $0, stepCount: count, batchSize: images.count, protection: .test(mechanism),
          noise: noise),
        on: PrivateExamples(images))
    }
  }

  @Test(arguments: PixelModelCase.allCases)
  func oneTrainingImageIsMemorised(_ kind: PixelModelCase) throws {
    var settings = kind.settings
    settings.learningRate = 0.01
    settings.averageDecay = 0.9
    settings.channels = 12
    let model = try PixelModel(
      settings, for: kind.format, seed: 1, on: Machine(threadCount: 1))
    var image = ImageArray.random(1, kind.format, seed: 4)
    image.values = image.quantized(model)
    let before = model.bitsPerDimension(of: image)
    let reports = try train(model, on: image, steps: 0..<800, of: 800)
    // Logistics become narrow slowly.
    let goal = (settings.output == .softmax ? 0.05 : 0.2) * before
    #expect(model.bitsPerDimension(of: image) < goal)
    // Without noise, only the operator sees the loss on real images.
    #expect(reports.allSatisfy { $0.curves.keys.elementsEqual([.learningRate]) })
    let bits = try #require(reports.last?.privateCurves[.bitsPerDimension])
    #expect(bits.revealed() < goal)
    // The tails of logistics sometimes miss a level, and then all later pixels go wrong.
    if settings.output == .softmax {
      try model.draw(SampleRequest(labels: [0, 0, 0], seed: 8, temperature: 0.2)) { drawn in
        for index in 0..<3 {
          #expect(drawn.images.examples(from: index, count: 1).array == image.values)
        }
      }
    }
  }

  @Test func classesAreLearntSeparately() throws {
    let format = ImageSpecification.tiny(height: 4, width: 4, classes: 2)
    let model = try PixelModel(
      PixelModelSettings(
        channels: 8, depth: 1, firstKernel: 3, bits: 1, learningRate: 0.01, averageDecay: 0.9),
      for: format, seed: 1, on: Machine(threadCount: 1))
    let values = [Float](repeating: -1, count: 16) + [Float](repeating: 1, count: 16)
    let images = ImageArray(shape: format.shape, values: values, classes: [0, 1])
    _ = try train(model, on: images, steps: 0..<200, of: 200)
    try model.sample(labels: [0, 1], seed: 1) { _, drawn in
      #expect(drawn.array == values)
    }
  }

  /// In each image all levels are even or all are odd, as a scanner may round; with 64 levels, a
  /// value between −1 and 1 cannot distinguish them.
  @Test func fourierFeaturesDistinguishLevelsThatValuesDoNot() throws {
    let format = ImageSpecification.tiny(height: 4, width: 4, classes: 1)
    let levels = PixelLevels(bits: 6)
    func images(seed: UInt64) -> ImageArray {
      var stream = SeededStream(seed: seed)
      let values = (0..<256).flatMap { image in
        (0..<16).map { _ in levels.value(of: 2 * Int(stream.uniform() * 32) + image % 2) }
      }
      return ImageArray(
        shape: format.shape, values: values, classes: [Int](repeating: 0, count: 256))
    }
    let (training, others) = (images(seed: 3), images(seed: 4))
    let bits = try [nil, 6].map { octaves -> Double in
      let model = try PixelModel(
        PixelModelSettings(
          channels: 8, depth: 1, firstKernel: 3, bits: 6, fourierOctaves: octaves,
          learningRate: 0.01, averageDecay: 0.9),
        for: format, seed: 1, on: Machine(threadCount: 1))
      _ = try train(model, on: training, steps: 0..<120, of: 120)
      return model.bitsPerDimension(of: others)
    }
    #expect(bits[0] > 5.9 && bits[1] < 5.4, "\(bits)")
  }

  @Test func untrainedModelIsCloseToUniform() throws {
    let kind = PixelModelCase.greySoftmax
    let model = try PixelModel(
      kind.settings, for: kind.format, seed: 1, on: Machine(threadCount: 1))
    #expect(abs(model.bitsPerDimension(of: ImageArray.random(4, kind.format)) - 2) < 0.2)
  }

  @Test func learningRateFollowsTheRecipe() throws {
    var settings = PixelModelCase.greySoftmax.settings
    settings.learningRate = 0.5
    settings.warmUpSteps = 2
    settings.finalRate = 0.1
    let format = PixelModelCase.greySoftmax.format
    let model = try PixelModel(settings, for: format, seed: 1, on: Machine(threadCount: 1))
    let rates = try train(model, on: ImageArray.random(2, format), steps: 0..<12, of: 12)
      .compactMap { $0.curves[.learningRate]?.value }
    #expect(rates[0] == 0.25 && rates[1] == 0.5)
    #expect(zip(rates[1...], rates[2...]).allSatisfy { $0 >= $1 })
    #expect(abs(rates[11] - 0.05) < 1e-6)
  }

  @Test func restoredModelContinuesBitForBit() throws {
    let kind = PixelModelCase.colourLogistics
    let images = ImageArray.random(3, kind.format)
    let whole = try PixelModel(
      kind.settings, for: kind.format, seed: 2, on: Machine(threadCount: 1))
    _ = try train(whole, on: images, steps: 0..<6, of: 6)

    let first = try PixelModel(
      kind.settings, for: kind.format, seed: 2, on: Machine(threadCount: 1))
    _ = try train(first, on: images, steps: 0..<3, of: 6)
    let checkpoint = first.savedState
    let second = try PixelModel(
      kind.settings, for: kind.format, seed: 77, on: Machine(threadCount: 1))
    try second.restore(from: checkpoint)
    _ = try train(second, on: images, steps: 3..<6, of: 6)
    #expect(second.network.parameters.values.array == whole.network.parameters.values.array)
    #expect(second.averaged.average.values.array == whole.averaged.average.values.array)
  }

  @Test func releasedPartContainsOnlyTheAverage() throws {
    let model = try PixelModelCase.greySoftmax.model()
    _ = try train(model, on: ImageArray.random(2, model.format), steps: 0..<2, of: 2)
    let checkpoint = model.savedGenerator
    #expect(checkpoint.tensors.count == model.network.parameters.parameters.count)
    for parameter in model.network.parameters.parameters {
      let expected = Array(
        model.averaged.average.values.array[
          parameter.offset..<(parameter.offset + parameter.shape.count)])
      #expect(checkpoint.tensors["network.\(parameter.name)"]?.values == expected)
    }
  }

  @Test func privateTrainingPaysInTheLedgerAndTellsNothingOfTheImages() throws {
    let kind = PixelModelCase.greySoftmax
    let model = try PixelModel(
      kind.settings, for: kind.format, seed: 1, on: Machine(threadCount: 1))
    let images = ImageArray.random(12, kind.format)
    let plan = try TrainingPlan(
      TrainingSettings(batchSize: 6, steps: 5, clipNorm: 1), population: 12, noiseMultiplier: 2)
    let ledger = try MemoryLedger(budget: PrivacyBudget(epsilon: 50, delta: 1e-5))
    let trainer = Trainer(
      model, plan: plan, images: PoissonImages(images), ledger: ledger)
    let before = model.network.parameters.values.array
    var names: Set<TrainingCurve> = []
    let ending = try trainer.run(
      blockSize: { 2 }, shouldStop: { false },
      report: {
        names.formUnion($0.report.curves.keys)
        names.formUnion($0.report.privateCurves.keys)
      }, blockEnded: {})
    guard case .finished = ending else {
      Issue.record("the run stopped early")
      return
    }
    #expect(model.network.parameters.values.array != before)
    #expect(names == [.learningRate])
    #expect(trainer.charged == 5)
    #expect(try !ledger.spent().isEmpty)
  }

  @Test func aShareOfTheImagesIsLearntWithoutTheirClass() throws {
    let kind = PixelModelCase.greyGuided
    let model = try PixelModel(
      kind.settings, for: kind.format, seed: 1, on: Machine(threadCount: 1))
    let images = ImageArray.random(40, kind.format)
    _ = try train(model, on: images, steps: 0..<1, of: 1)
    let table = try #require(
      model.network.parameters.parameters.first { $0.name == "block0.verticalGate.table" })
    // Four rows: three classes and no class; each occurred in some image.
    let rows = model.network.parameters.values(of: table)
    for row in 0..<4 {
      #expect(
        rows.array[(row * rows.count / 4)..<((row + 1) * rows.count / 4)].contains { $0 != 0 })
    }
  }

  /// An outsider could compute coins that follow from the recipe or the step.
  @Test func theCoinsThatDropLabelsComeFromTheStreamOfTheNoise() throws {
    let kind = PixelModelCase.greyGuided
    let weights = try [UInt32(1), 1, 2].map { seed in
      let model = try PixelModel(
        kind.settings, for: kind.format, seed: 1, on: Machine(threadCount: 1))
      // Without a mechanism, only the coins are drawn.
      _ = try train(
        model, on: ImageArray.random(40, kind.format), steps: 0..<1, of: 1,
        noise: TestNoise.stream(seed))
      return model.network.parameters.values.array
    }
    #expect(weights[0] == weights[1])
    #expect(weights[0] != weights[2])
  }

  /// Images that share a coin would depend on the images between them.
  @Test func everyImageHasItsOwnCoinInWhicheverMicroBatchItIs() {
    let images = ImageArray.random(20, .tiny(), seed: 2)
    var examples = QuantizedImages(images: images, levels: PixelLevels(bits: 2))
    examples.absentLabel = 3
    examples.isClassAbsent = (0..<20).map { $0 % 3 == 0 || $0 == 13 }
    let expected = (0..<20).map { examples.isClassAbsent[$0] ? 3 : images.classes[$0] }
    for size in [1, 6, 8, 20] {
      #expect(examples.microBatches(of: size).flatMap { examples.labels(in: $0) } == expected)
    }
  }

  @Test(arguments: [1, 5]) func contributionOfAUnitIsBoundedByTheClipNorm(
    _ imageCount: Int
  ) throws {
    let kind = PixelModelCase.colourSoftmax
    var images = ImageArray.random(1, kind.format)
    images = ImageArray(
      shape: images.shape, values: (0..<imageCount).flatMap { _ in images.values },
      classes: (0..<imageCount).map { _ in images.classes[0] },
      units: (0..<imageCount).map { _ in 4 })
    let clipNorm = 0.25
    let mechanism = try SubsampledGaussian(
      samplingProbability: 0.5, noiseMultiplier: 1e-9, clipNorm: clipNorm, nominalBatchSize: 1)
    let model = try kind.model()
    let pass = Pass(on: model.machine)
    let gradient = model.network.clippedSum(
      over: PrivateExamples(QuantizedImages(images: images, levels: model.levels)),
      loss: model.loss, mechanism, in: pass
    ).noised(by: NoiseStream())
    let norm = gradient.values.array.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
    #expect(norm <= clipNorm * 1.0001)
    #expect(norm > clipNorm * 0.99)
  }

  @Test(arguments: [
    PixelModelSettings(bits: 0), PixelModelSettings(bits: 9), PixelModelSettings(channels: 31),
    PixelModelSettings(firstKernel: 4), PixelModelSettings(output: .logistics),
    PixelModelSettings(components: 5), PixelModelSettings(learningRate: 0),
    PixelModelSettings(labelDropout: 1), PixelModelSettings(guidance: 2),
    PixelModelSettings(finalRate: 2), PixelModelSettings(averageDecay: 1),
  ])
  func invalidSettingsAreRefusedByName(_ settings: PixelModelSettings) {
    #expect(throws: RecipeFailure.self) {
      try settings.validate(for: .tiny(channels: 3))
    }
  }
}
