import Compute
import Glibc
import Learning
import Privacy
import TestSupport
import Testing

@testable import Models

/// The variational autoencoder: its bound, its two phases, and what it draws.
@Suite struct VAETests {
  private static let format = ImageSpecification.tiny(height: 8, width: 8, classes: 2)

  private func model(
    _ change: (inout VAESettings) -> Void = { _ in }, seed: UInt64 = 3,
    format: ImageSpecification = Self.format, threads: Int = 1
  ) throws -> VAE {
    var settings = VAESettings(
      latentSize: 2, channels: 4, depth: 1, bits: 2, codes: .full, share: 0.2,
      learningRate: 0.01, averageDecay: 0.9)
    change(&settings)
    return try VAE(settings, for: format, seed: seed, on: Machine(threadCount: threads))
  }

  private func mechanism(noise multiplier: Double = 1e-6) throws -> SubsampledGaussian {
    try SubsampledGaussian(
      samplingProbability: 1, noiseMultiplier: multiplier, clipNorm: 1, nominalBatchSize: 40)
  }

  private func train(
    _ model: VAE, _ images: ImageArray, steps: Range<Int>, of count: Int,
    by mechanism: SubsampledGaussian? = nil
  ) throws {
    for index in steps {
      _ = try model.step(
        TrainingStep(
          index: index, stepCount: count, batchSize: images.count, protection: .test(mechanism),
          noise: TestNoise.stream(UInt32(index))), on: PrivateExamples(images))
    }
  }

  @discardableResult
  private func sumCodes(
    _ model: VAE, _ images: ImageArray, _ protection: Protection, isStopped: Bool = false
  ) throws -> StepReport {
    try model.step(
      TrainingStep(
        phase: VAE.codePhase, index: 0, stepCount: 1, batchSize: 40, protection: protection,
        noise: TestNoise.stream(4), shouldStop: { isStopped }), on: PrivateExamples(images))
  }

  /// Images whose upper half is bright in class 0, and whose left half is in class 1, in two brightnesses.
  private static func halves(_ count: Int) -> ImageArray {
    let values = (0..<count).flatMap { index -> [Float] in
      (0..<64).map { pixel in
        let level: Float = index / 2 % 2 == 0 ? 1 : 0.4
        return (index % 2 == 0 ? pixel / 8 < 4 : pixel % 8 < 4) ? level : -level
      }
    }
    return ImageArray(shape: format.shape, values: values, classes: (0..<count).map { $0 % 2 })
  }

  @Test func phasesAreNoisyStepsAndAnAnswerThatPaysForTheCodes() {
    let training = TrainingSettings(batchSize: 8, steps: 9, clipNorm: 3)
    let phases = VAE.phases(
      of: VAESettings(codes: .full, share: 0.1), training: training, for: Self.format)
    #expect(phases.map(\.name) == ["training", "codes"])
    #expect(phases[0].work == .training(training) && phases[0].share == nil)
    #expect(phases[1].work == .answer(clipNorm: 1) && phases[1].share == 0.1)
    #expect(VAE.phases(of: VAESettings(), training: training, for: Self.format).count == 1)
  }

  /// The likelihood is an integral over one number, which a fine grid of codes gives without sampling.
  @Test(arguments: [PixelModelSettings.Output.softmax, .logistics])
  func theBoundLiesJustAboveTheIntegral(_ output: PixelModelSettings.Output) throws {
    let model = try model {
      $0.latentSize = 1
      $0.output = output
      $0.components = output == .logistics ? 2 : nil
      // Few small steps: an encoder that is sure of the wrong code would need very many samples.
      $0.learningRate = 0.002
    }
    let images = Self.halves(4)
    try train(model, images, steps: 0..<15, of: 15)
    try sumCodes(model, images, .none(.test))
    let bounds = model.negativeLogLikelihoods(of: images, samples: 20_000)
    let single = model.negativeLogLikelihoods(of: images, samples: 1)
    let exact = images.classes.indices.map { integral(of: images, $0, under: model) }
    for (index, exact) in exact.enumerated() {
      // With 2,000 samples the bound is within 0.11 nats, above or below; with so many, closer.
      #expect(abs(bounds[index] - exact) < 0.1, "\(bounds[index]), \(exact)")
    }
    #expect(single.reduce(0, +) > exact.reduce(0, +))
    // Of a sharper posterior, the bound may be loose, but it stays an upper one.
    try train(model, images, steps: 15..<60, of: 60)
    let later = model.negativeLogLikelihoods(of: images, samples: 20_000)
    for (index, bound) in later.enumerated() {
      #expect(bound > integral(of: images, index, under: model) - 0.1)
    }
  }

  /// Minus the log of ∫ p(x | z) p(z) dz by the trapezoidal rule.
  private func integral(of images: ImageArray, _ index: Int, under model: VAE) -> Double {
    let label = images.classes[index]
    let (mean, deviation) = (
      Double(model.prior.means[label]), abs(Double(model.prior.axes[label]))
    )
    let width = 0.005 * deviation
    let codes = (-1600...1600).map { mean + Double($0) * width }
    let image = images[index].map { model.levels.value(of: model.levels.level(of: $0)) }
    let terms = model.averaged.withAverage { _ in
      codes.map { code -> Double in
        model.pass.begin(exampleCount: 1, labels: [label], purpose: .sampling)
        let input = model.pass.make(Shape(1))
        input.assign([Float(code)])
        let outputs = model.layers.decode(input, in: model.pass)
        let loss = image.withUnsafeBufferPointer { buffer in
          buffer.baseAddress.map {
            model.distribution.loss(
              ofImage: $0, model.format.shape, outputs: outputs.pointer, gradient: nil)
          } ?? 0
        }
        let unit = (code - mean) / deviation
        return -loss - unit * unit / 2 - log(deviation) - log(2 * .pi) / 2
      }
    }
    let largest = terms.max() ?? 0
    return -largest - log(terms.reduce(0) { $0 + exp($1 - largest) } * width)
  }

  /// The evidence bound is the loss, and more samples can only come nearer to the likelihood (on average).
  @Test func theLossIsTheEvidenceBoundOfTheImages() throws {
    let model = try model { $0.latentSize = 1 }
    let images = Self.halves(40)
    try train(model, images, steps: 0..<60, of: 60)
    model.layers.codes.divergenceWeight = 1
    let gradient = model.averaged.parameters.makeCompanion()
    let losses = model.averaged.withAverage { _ in
      (0..<50).map { round in
        model.layers.codes.round = UInt64(round)
        return model.averaged.network.addPublicGradient(
          over: QuantizedImages(images: images, levels: model.levels), loss: model.loss,
          clipNorm: nil, scale: 0, to: gradient, in: model.pass)
      }
    }
    let bound = losses.reduce(0, +) / 50
    let exact = (0..<4).map { integral(of: images, $0, under: model) }.reduce(0, +) / 4
    #expect(bound > exact - 0.05 && bound < exact + 3, "\(bound), \(exact)")
  }

  @Test func theDistributionOfCodesIsThatOfTheImagesCodes() throws {
    let moments = CodeMoments(
      of: [KeyedImages(input: Shape(2))], products: .all, largestNorm: 20,
      on: Machine(threadCount: 1))
    var stream = SeededStream(seed: 9)
    let count = 4000
    let values = (0..<count).flatMap { index -> [Float] in
      let (a, b) = (stream.gaussian(), stream.gaussian())
      return index % 2 == 0
        ? [Float(2 + 0.5 * a), Float(-1 + 0.3 * a + 0.2 * b)]
        : [Float(a), Float(0.8 * a + 0.6 * b)]
    }
    let codes = ImageArray(
      shape: Shape(2), values: values, classes: (0..<count).map { $0 % 2 })
    let sum = try VectorSum(
      momentsOf: moments, classCount: 2, countShare: NoisySum.countShare, by: mechanism()
    ).unprotected(over: PrivateExamples(codes), .test)
    let prior = CodePrior(of: try #require(sum), moments, deviation: 0)
    let expected: [(mean: [Float], covariance: [Float])] = [
      ([2, -1], [0.25, 0.15, 0.15, 0.13]), ([0, 0], [1, 0.8, 0.8, 1]),
    ]
    for (label, expected) in expected.enumerated() {
      let axes: [Float] = (0..<4).map { prior.axes[4 * label + $0] }
      let (a, b, c, d) = (axes[0], axes[1], axes[2], axes[3])
      let common: Float = a * c + b * d
      let covariance: [Float] = [a * a + b * b, common, common, c * c + d * d]
      for (found, value) in zip(covariance, expected.covariance) {
        #expect(abs(found - value) < 0.08)
      }
      for index in 0..<2 {
        #expect(abs(prior.means[2 * label + index] - expected.mean[index]) < 0.08)
      }
    }
    // The density is that of the formula with the covariance itself: determinant 0.01, inverse by hand.
    let found = prior.logDensity(of: [2.3, -0.8], 0)
    let quadratic = (0.13 * 0.09 - 2 * 0.15 * 0.06 + 0.25 * 0.04) / 0.01
    #expect(abs(found - (-quadratic / 2 - log(0.01) / 2 - log(2 * .pi))) < 0.3)
  }

  @Test func momentsBelowTheNoiseLeaveTheStandardDistribution() throws {
    let moments = try model().makeMoments()
    let sum = (0..<(2 * (moments.dimension + 1))).map { Double($0 % 3) - 1 }
    let prior = CodePrior(of: sum, moments, deviation: 100)
    let standard = CodePrior(size: 2, classCount: 2)
    #expect(prior.means == standard.means)
    for (found, expected) in zip(prior.axes.map(abs), standard.axes.map(abs)) where expected == 1 {
      #expect(found > 0.99)
    }
    // Noise alone may make a covariance indefinite; its least variance stays positive.
    let flat = CodePrior(
      of: sum.map { -1e3 * abs($0) }, moments, deviation: 1)
    #expect(flat.logDensity(of: [0, 0], 0).isFinite)
  }

  @Test func aSumThatIsGivenUpLeavesTheModelAsItWas() throws {
    let model = try model()
    let before = model.savedState
    for protection in [Protection.noise(try mechanism()), .none(.test)] {
      #expect(throws: AbandonedStep.self) {
        try sumCodes(model, Self.halves(40), protection, isStopped: true)
      }
      #expect(model.savedState.tensors == before.tensors)
    }
  }

  @Test(arguments: [NoiseDistribution.gaussian, .discreteGaussian])
  func bothPhasesContinueBitForBit(_ noise: NoiseDistribution) throws {
    let mechanism = try SubsampledGaussian(
      samplingProbability: 0.5, noiseMultiplier: 1, clipNorm: 1, nominalBatchSize: 40, noise: noise)
    let images = Self.halves(12)
    let whole = try model { $0.divergenceWarmUpSteps = 5 }
    try train(whole, images, steps: 0..<6, of: 6, by: mechanism)
    try sumCodes(whole, images, .noise(mechanism))
    var saved = try model({ $0.divergenceWarmUpSteps = 5 }).savedState
    for step in 0..<6 {
      let resumed = try model({ $0.divergenceWarmUpSteps = 5 }, threads: 1 + step % 2)
      try resumed.restore(from: saved)
      try train(resumed, images, steps: step..<(step + 1), of: 6, by: mechanism)
      saved = resumed.savedState
    }
    let resumed = try model { $0.divergenceWarmUpSteps = 5 }
    try resumed.restore(from: saved)
    try sumCodes(resumed, images, .noise(mechanism))
    #expect(resumed.savedState.tensors == whole.savedState.tensors)
    #expect(resumed.savedState.metadata == whole.savedState.metadata)
    // What is released draws from the codes' distribution too.
    let released = whole.savedGenerator
    let other = try model(seed: 8)
    try other.restoreGenerator(from: released)
    #expect(other.prior.axes == whole.prior.axes)
    #expect(try drawn(other) == drawn(whole))
  }

  /// Of an empty set, the sum is the noise alone: 2 classes with 2 numbers, 3 products and a count each.
  @Test(arguments: [NoiseDistribution.gaussian, .discreteGaussian])
  func theSumOfMomentsHasTheNoiseOfItsMechanism(_ noise: NoiseDistribution) throws {
    let mechanism = try SubsampledGaussian(
      samplingProbability: 1, noiseMultiplier: 5, clipNorm: 1, nominalBatchSize: 40, noise: noise)
    let nobody = ImageArray(shape: Self.format.shape, values: [], classes: [])
    let report = try sumCodes(model(), nobody, .noise(mechanism))
    let norm = try #require(report.curves[.codeNorm]?.value) * 40
    let expected = 5 * 12.0.squareRoot()
    #expect(norm > 0.4 * expected && norm < 1.7 * expected, "\(norm), \(expected)")
  }

  private func drawn(
    _ model: VAE, _ labels: [Int] = [0, 1, 0, 1], temperature: Double = 1
  ) throws -> [Float] {
    var values: [Float] = []
    try model.sample(SampleRequest(labels: labels, seed: 5, temperature: temperature)) {
      values += $1.array
    }
    return values
  }

  @Test func aDamagedDistributionOfCodesIsRefused() throws {
    let model = try model()
    for bad in [Float.nan, 0] {
      var damaged = model.savedState
      damaged.tensors["codes.axes"] = .init(
        shape: [2, 2, 2], values: [bad] + Array(repeating: 0, count: 7))
      #expect(throws: Checkpoint.Failure.self) { try model.restore(from: damaged) }
    }
  }

  /// The norm of the sum is computed from the images if no noise protects it.
  @Test func theNormOfTheSumLeavesOnlyWithNoise() throws {
    let noisy = try sumCodes(model(), Self.halves(8), .noise(mechanism(noise: 1)))
    #expect(noisy.curves.keys.contains(.codeNorm) && noisy.privateCurves.isEmpty)
    let plain = try sumCodes(model(), Self.halves(8), .none(.test))
    #expect(plain.curves.isEmpty && plain.privateCurves.keys.contains(.codeNorm))
  }

  @Test func drawnImagesShowTheirClass() throws {
    for drawing in VAESettings.Drawing.allCases {
      let model = try model { $0.drawing = drawing }
      let images = Self.halves(40)
      try train(model, images, steps: 0..<150, of: 150)
      try sumCodes(model, images, .none(.test))
      var right = 0
      let values = try drawn(model, (0..<40).map { $0 % 2 })
      for index in 0..<40 {
        // Above minus below, and left minus right.
        let halves = (0..<64).reduce(into: (Float(0), Float(0))) { sum, pixel in
          let value = values[64 * index + pixel]
          sum.0 += pixel / 8 < 4 ? value : -value
          sum.1 += pixel % 8 < 4 ? value : -value
        }
        right += (halves.0 > halves.1) == (index % 2 == 0) ? 1 : 0
      }
      #expect(right >= 38, "\(drawing): \(right) of 40")
    }
  }

  @Test func anImageDependsOnItsPlaceAndLabelAlone() throws {
    let model = try model { $0.drawing = .sample }
    let many = try drawn(model, (0..<70).map { $0 % 2 })
    let other = try drawn(model, (0..<70).map { $0 == 40 ? $0 % 2 : 1 })
    #expect(Array(many[(64 * 40)..<(64 * 41)]) == Array(other[(64 * 40)..<(64 * 41)]))
    #expect(try drawn(model, temperature: 0.5) != drawn(model))
    for request in [
      SampleRequest(labels: [2], seed: 1), SampleRequest(labels: [0], seed: 1, temperature: 0),
      SampleRequest(labels: [0], seed: 1, guidance: 2),
    ] {
      #expect(throws: RecipeFailure.self) { try model.sample(request) { _, _ in } }
    }
  }

  @Test(arguments: [1, 3]) func meansAreThoseOfTheDistributions(_ channels: Int) {
    var stream = SeededStream(seed: 4)
    let levels = PixelLevels(bits: 3)
    let distributions: [any MeanPixelDistribution] = [
      CategoricalLevels(levels: levels, channelCount: channels),
      LogisticMixture(levels: levels, channelCount: channels, componentCount: 2),
    ]
    for distribution in distributions {
      // Narrow logistics, since the part beyond black and white is not in the mean.
      let outputs = (0..<distribution.outputCount).map { index in
        let isScale = distribution is LogisticMixture && index >= 2 * (1 + channels)
        return Float(isScale ? -3 : 0.3 * stream.gaussian())
      }
      var mean = [Float](repeating: 0, count: channels)
      distribution.writeMean(outputs: outputs, into: &mean)
      var sums = [Double](repeating: 0, count: channels)
      var nothing: Float = 0
      let count = 20_000
      for _ in 0..<count {
        var pixel = [Float](repeating: 0, count: channels)
        pixel.withUnsafeMutableBufferPointer { buffer in
          guard let base = buffer.baseAddress else { return }
          withUnsafePointer(to: &nothing) { memory in
            let place = PixelPlace(image: base, position: 0, memory: memory)
            for step in distribution.steps {
              distribution.draw(
                step, at: place, outputs: outputs, temperature: 1, from: &stream, into: base)
            }
          }
        }
        for channel in 0..<channels { sums[channel] += Double(pixel[channel]) / Double(count) }
      }
      for channel in 0..<channels { #expect(abs(sums[channel] - Double(mean[channel])) < 0.03) }
    }
  }

  @Test func settingsThatDoNotFitAreRefused() {
    let cases: [(change: (inout VAESettings) -> Void, found: String)] = [
      ({ $0.depth = 3 }, "depth is 3 (a smaller one"),
      ({ $0.share = nil }, "share is absent (above 0, below 1 expected)"),
      ({ $0.codes = .standard }, "share is 0.2 (absent with codes standard"),
      ({ $0.components = 2 }, "components is 2 (absent with output softmax"),
      ({ $0.output = .logistics }, "components is absent (1 to 64 expected)"),
      ({ $0.latentSize = 0 }, "latent_size is 0 (1 to 256 expected)"),
      ({ $0.divergenceWeight = 0 }, "kl_weight is 0.0 (above 0, below 100 expected)"),
    ]
    for (change, found) in cases {
      #expect {
        try model(change)
      } throws: { error in
        (error as? RecipeFailure)?.description.contains(found) == true
      }
    }
  }

  @Test func imagesNeedNotBeSquareNorEven() throws {
    let format = ImageSpecification.tiny(height: 9, width: 13, channels: 3, classes: 1)
    let model = try model({ $0.depth = 2 }, format: format)
    let images = ImageArray.random(3, format)
    try train(model, images, steps: 0..<2, of: 2)
    #expect(try drawn(model, [0, 0]).count == 2 * 9 * 13 * 3)
    #expect(model.negativeLogLikelihoods(of: images).allSatisfy { $0.isFinite && $0 > 0 })
  }

  @Test func theWeightOfTheDivergenceRisesAndStays() {
    var settings = VAESettings(divergenceWeight: 2, divergenceWarmUpSteps: 4)
    #expect((0..<6).map(settings.divergenceWeight(at:)) == [0.5, 1, 1.5, 2, 2, 2])
    settings.divergenceWarmUpSteps = 0
    #expect(settings.divergenceWeight(at: 0) == 2)
  }
}
