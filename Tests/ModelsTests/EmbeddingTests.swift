import Compute
import Learning
import Privacy
import TestSupport
import Testing

@testable import Models

/// The family that reads its images once: means from a noisy sum, and a generator that matches them.
@Suite struct EmbeddingTests {
  private static let format = ImageSpecification.tiny(height: 8, width: 8, classes: 2)

  private func model(
    steps: Int = 200, seed: UInt64 = 3, format: ImageSpecification = Self.format
  ) throws -> Embedding {
    try Embedding(
      EmbeddingSettings(
        features: 4, generatorWidth: 4, latentSize: 4, steps: steps, batchSize: 16,
        learningRate: 0.01, averageDecay: 0.9),
      for: format, seed: seed, on: Machine(threadCount: 1))
  }

  private func mechanism(noise multiplier: Double = 1e-6) throws -> SubsampledGaussian {
    try SubsampledGaussian(
      samplingProbability: 1, noiseMultiplier: multiplier, clipNorm: 1, nominalBatchSize: 40)
  }

  /// Images whose upper half is bright in class 0, and whose left half is in class 1.
  private static func halves(_ count: Int) -> ImageArray {
    let values = (0..<count).flatMap { index -> [Float] in
      (0..<64).map { pixel in
        (index % 2 == 0 ? pixel / 8 < 4 : pixel % 8 < 4) ? 0.9 : -0.9
      }
    }
    return ImageArray(shape: format.shape, values: values, classes: (0..<count).map { $0 % 2 })
  }

  private func answer(
    _ model: Embedding, _ images: ImageArray, noise multiplier: Double = 1e-6
  ) throws {
    _ = try model.step(
      TrainingStep(
        phase: "mean embeddings", index: 0, stepCount: 1, batchSize: 40,
        protection: .noise(mechanism(noise: multiplier)), noise: TestNoise.stream(4)),
      on: PrivateExamples(images))
  }

  @Test func itHasOneAnswerAndFreeWorkAfterIt() {
    let phases = Embedding.phases(
      of: EmbeddingSettings(steps: 70),
      training: TrainingSettings(batchSize: 8, steps: 9, clipNorm: 3), for: Self.format)
    #expect(phases.map(\.name) == ["mean embeddings", "generator"])
    #expect(phases[0].work == .answer(clipNorm: 1) && phases[0].share == nil)
    #expect(phases[1].work == .free(.postProcessing, steps: 70))
  }

  @Test func everyImageAddsAVectorOfNormOne() throws {
    let model = try model()
    for image in [Self.halves(1), ImageArray.random(1, Self.format)] {
      try answer(model, image)
      let norm = model.sum.array.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot() * 40
      #expect(abs(norm - 1) < 1e-3, "\(norm)")
    }
  }

  @Test func aSumThatIsGivenUpLeavesTheModelAsItWas() throws {
    let model = try model()
    let before = model.savedState
    for protection in [Protection.noise(try mechanism()), .none(.test)] {
      #expect(throws: AbandonedStep.self) {
        try model.step(
          TrainingStep(
            phase: "mean embeddings", index: 0, stepCount: 1, batchSize: 40,
            protection: protection, noise: TestNoise.stream(4), shouldStop: { true }),
          on: PrivateExamples(Self.halves(40)))
      }
      let after = model.savedState
      #expect(after.tensors == before.tensors && after.metadata == before.metadata)
    }
  }

  @Test func meansAreThoseOfTheImagesAndCountsThoseOfTheClasses() throws {
    let (count, block) = (5, 4)
    var sum = [Double](repeating: 0, count: 2 * block)
    let scale = Double((1 - NoisySum.countShare * NoisySum.countShare).squareRoot())
    for (label, images, feature) in [(0, 30.0, 0), (1, 10.0, 2)] {
      sum[label * block + feature] = images * scale
      sum[label * block + 3] = images * Double(NoisySum.countShare)
    }
    let means = MeanEmbeddings(of: sum, featureCount: 3, deviation: 0).means
    #expect(means.count == 2 && count > 0)
    for (mean, expected) in zip(means, [[1, 0, 0], [0, 0, 1]] as [[Float]]) {
      for (left, right) in zip(mean, expected) { #expect(abs(left - right) < 1e-5) }
    }
    // If the noise is larger than everything, none of it counts as a feature.
    let noisy = MeanEmbeddings(of: sum.map { $0 * 0.01 }, featureCount: 3, deviation: 10).means
    #expect(noisy.allSatisfy { $0.allSatisfy { $0 == 0 } })
  }

  @Test func theGeneratorDrawsWhatTheClassesLookLike() throws {
    let model = try model(steps: 300)
    try answer(model, Self.halves(40))
    for step in 0..<300 {
      _ = try model.work(FreeStep(phase: "generator", index: step, stepCount: 300))
    }
    var bright = [[0.0, 0.0], [0.0, 0.0]]
    try model.sample(labels: (0..<40).map { $0 % 2 }, seed: 8) { first, images in
      for place in 0..<images.shape[0] {
        for pixel in 0..<64 {
          let value = Double(images.pointer[place * 64 + pixel])
          // Above minus below, and left minus right.
          bright[(first + place) % 2][0] += (pixel / 8 < 4 ? 1 : -1) * value / 64 / 20
          bright[(first + place) % 2][1] += (pixel % 8 < 4 ? 1 : -1) * value / 64 / 20
        }
      }
    }
    #expect(bright[0][0] > 0.4 && abs(bright[0][1]) < 0.3, "\(bright)")
    #expect(bright[1][1] > 0.4 && abs(bright[1][0]) < 0.3, "\(bright)")
  }

  @Test func itContinuesInEitherPhaseBitForBit() throws {
    let whole = try model(steps: 6)
    try answer(whole, Self.halves(40), noise: 1)
    let broken = try model(steps: 6)
    try answer(broken, Self.halves(40), noise: 1)
    for step in 0..<6 {
      _ = try whole.work(FreeStep(phase: "generator", index: step, stepCount: 6))
    }
    var saved = broken.savedState
    for step in 0..<6 {
      let resumed = try model(steps: 6)
      try resumed.restore(from: saved)
      _ = try resumed.work(FreeStep(phase: "generator", index: step, stepCount: 6))
      saved = resumed.savedState
    }
    let expected = whole.savedState
    #expect(saved.tensors == expected.tensors && saved.metadata == expected.metadata)
  }

  /// Without noise, the distance from the means is computed from the images.
  @Test(arguments: [false, true])
  func theDistanceLeavesOnlyIfNoiseProtectsTheMeans(_ isProtected: Bool) throws {
    let model = try model(steps: 2)
    try answer(model, Self.halves(8))
    let report = try model.work(
      FreeStep(phase: "generator", index: 0, stepCount: 2, isProtected: isProtected))
    #expect((report.curves[.embeddingDistance] != nil) == isProtected)
    #expect((report.privateCurves[.embeddingDistance] != nil) == !isProtected)
    #expect(report.curves[.learningRate]?.reason == .chosenBeforehand)
  }

  @Test func aDamagedCheckpointIsRefused() throws {
    let model = try model()
    var saved = model.savedState
    for text in ["nan", "-1", "inf", "many"] {
      saved.metadata["embedding.deviation"] = text
      #expect(throws: Checkpoint.Failure.self) { try model.restore(from: saved) }
    }
  }

  @Test(arguments: [(8, 1), (9, 1), (28, 1), (32, 3), (45, 3), (64, 3)])
  func everySquareSizeHasFeaturesAndAGenerator(_ side: Int, _ channels: Int) throws {
    let format = ImageSpecification.tiny(height: side, width: side, channels: channels, classes: 1)
    let model = try model(steps: 2, format: format)
    try answer(model, ImageArray.random(3, format))
    for step in 0..<2 {
      _ = try model.work(FreeStep(phase: "generator", index: step, stepCount: 2))
    }
    try model.sample(labels: [0], seed: 1) { _, images in
      #expect(images.array.count == side * side * channels)
    }
  }
}

/// Features of unit length and the gradient through them.
@Suite struct FeatureMapTests {
  private func map(_ machine: Machine) -> FeatureMap {
    var first = NetworkBuilder(input: Shape(6, 6, 1), on: machine)
    first.convolution(2, kernel: 3, stride: 2, padding: 1)
    first.tanh()
    var second = NetworkBuilder(input: Shape(6, 6, 1), on: machine)
    second.averagePooling(2)
    return FeatureMap(
      [(first.network(seed: 4), 1), (second.network(seed: 5), 0.7)], of: Shape(6, 6, 1), on: machine
    )
  }

  private func features(_ map: FeatureMap, _ images: [Float], _ arena: Arena) -> Tensor {
    let input = arena.make(Shape(images.count / 36, 6, 6, 1))
    input.assign(images)
    let target = arena.make(Shape(images.count / 36, map.dimension))
    map.write(of: input, to: target)
    return target
  }

  @Test func featuresHaveLengthOne() {
    let (map, arena) = (map(Machine(threadCount: 1)), Arena())
    var stream = SeededStream(seed: 3)
    let images = (0..<(5 * 36)).map { _ in Float(2 * stream.uniform() - 1) }
    let found = features(map, images, arena).array
    for image in 0..<5 {
      let part = found[(image * map.dimension)..<((image + 1) * map.dimension)]
      #expect(abs(part.reduce(0) { $0 + $1 * $1 } - 1) < 1e-5)
    }
  }

  @Test func theGradientIsThatOfFiniteDifferences() {
    let (map, arena) = (map(Machine(threadCount: 1)), Arena())
    var stream = SeededStream(seed: 6)
    var images = (0..<(2 * 36)).map { _ in Float(2 * stream.uniform() - 1) }
    let weights = (0..<(2 * map.dimension)).map { _ in Float(stream.gaussian()) }
    func value() -> Double {
      let own = Arena()
      return withExtendedLifetime(own) {
        zip(features(map, images, own).array, weights).reduce(0) { $0 + Double($1.0 * $1.1) }
      }
    }
    _ = features(map, images, arena)
    let slope = arena.make(Shape(2, map.dimension))
    slope.assign(weights)
    // A fresh pass for the gradient: finite differences overwrite the last one.
    let gradient = map.imageGradient(of: slope).array
    for index in [0, 7, 20, 35, 40, 71] {
      let old = images[index]
      images[index] = old + 1e-2
      let above = value()
      images[index] = old - 1e-2
      let below = value()
      images[index] = old
      let expected = (above - below) / 2e-2
      #expect(
        abs(expected - Double(gradient[index])) < 2e-3 + 0.02 * abs(expected),
        "\(index): \(expected) \(gradient[index])")
    }
  }
}
