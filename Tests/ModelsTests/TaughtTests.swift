import Compute
import FoundationEssentials
import Learning
import Privacy
import TestSupport
import Testing

@testable import Models

/// A generator with a private teacher: two learners of the same images, each paid for apart.
@Suite struct TaughtTests {
  private static let format = ImageSpecification.tiny(height: 8, width: 8, classes: 2)
  private static let pixel = PixelModelSettings(
    channels: 8, depth: 1, firstKernel: 3, bits: 2, learningRate: 0.01)

  private static func settings(_ share: Double = 0.2) -> TaughtSettings {
    TaughtSettings(
      generator: NestedModel(PixelModel.self, pixel),
      teacher: PrivateTeacherSettings(
        share: share, steps: 40, batchSize: 64, clipNorm: 0.5, learningRate: 0.1))
  }

  private func model(seed: UInt64 = 1, threads: Int = 1) throws -> Taught {
    try Taught(
      Self.settings(), for: Self.format, seed: seed, on: Machine(threadCount: threads))
  }

  /// Images with bright rows in class 0 and bright columns in class 1, and some noise.
  private static func stripes(_ count: Int, seed: UInt64 = 1) -> ImageArray {
    var stream = SeededStream(seed: seed)
    let values = (0..<count).flatMap { index -> [Float] in
      let shift = Int(stream.next() % 4)
      return (0..<64).map { pixel in
        let place = index % 2 == 0 ? pixel / 8 : pixel % 8
        return ((place + shift) % 4 < 2 ? 0.6 : -0.6) + 0.4 * Float(2 * stream.uniform() - 1)
      }
    }
    return ImageArray(shape: format.shape, values: values, classes: (0..<count).map { $0 % 2 })
  }

  private func mechanism(
    noise multiplier: Double = 1, clipNorm: Double = 0.5,
    _ distribution: NoiseDistribution = .gaussian
  ) throws -> SubsampledGaussian {
    try SubsampledGaussian(
      samplingProbability: 0.5, noiseMultiplier: multiplier, clipNorm: clipNorm,
      nominalBatchSize: 64, noise: distribution)
  }

  private func step(
    _ model: any GenerativeModel, in phase: String, _ index: Int = 0, on images: ImageArray,
    by mechanism: SubsampledGaussian
  ) throws {
    _ = try model.step(
      TrainingStep(
        phase: phase, index: index, stepCount: 40, batchSize: 64, protection: .noise(mechanism),
        noise: TestNoise.stream(UInt32(index + 1))),
      on: PrivateExamples(images))
  }

  private static func isOfTeacher(_ name: String) -> Bool { name.hasPrefix("private_teacher") }

  private func opinions(_ model: Taught, _ images: ImageArray) -> [[Float]] {
    let arena = Arena()
    let tensor = arena.make(Self.format.shape.batched(images.count))
    images.fill(tensor, from: 0..<images.count)
    return model.classProbabilities(of: tensor)
  }

  @Test func theTeacherHasAPhaseWithAShareBeforeThoseOfTheGenerator() throws {
    let training = TrainingSettings(
      batchSize: 8, steps: 9, clipNorm: 3, noise: .discreteGaussian)
    var settings = Self.settings(0.2)
    settings.generator = NestedModel(
      PixelModel.self,
      PixelModelSettings(prior: PriorSettings(source: .procedural, steps: 5)))
    let phases = Taught.phases(of: settings, training: training, for: Self.format)
    #expect(phases.map(\.name) == ["teacher", "pre-training", "training"])
    #expect(phases.map(\.share) == [0.2, nil, nil])
    // The noise of a hardened run is discrete in every phase.
    #expect(
      phases[0].work
        == .training(
          TrainingSettings(batchSize: 64, steps: 40, clipNorm: 0.5, noise: .discreteGaussian)))
    #expect(phases[2].work == .training(training))
  }

  @Test func theTeacherLearnsInItsOwnPhaseAlone() throws {
    let model = try model()
    let before = model.savedState.tensors
    try step(model, in: "training", on: Self.stripes(20), by: mechanism())
    let after = model.savedState.tensors
    #expect(
      after.filter { Self.isOfTeacher($0.key) } == before.filter { Self.isOfTeacher($0.key) })
    #expect(after != before)
  }

  /// The generator is the one that a run without a teacher would train, bit for bit.
  @Test func theGeneratorDoesNotSeeTheTeacher() throws {
    let taught = try model()
    let alone = try PixelModel(
      Self.pixel, for: Self.format, seed: 1, on: Machine(threadCount: 1))
    for index in 0..<3 {
      try step(taught, in: "teacher", index, on: Self.stripes(20), by: mechanism())
    }
    for index in 0..<3 {
      for model in [taught, alone] as [any GenerativeModel] {
        try step(model, in: "training", index, on: Self.stripes(20), by: mechanism())
      }
    }
    #expect(
      taught.savedState.tensors.filter { !Self.isOfTeacher($0.key) } == alone.savedState.tensors)
  }

  /// With a clip norm of practically zero nothing of the images reaches the teacher: there is no other way.
  @Test func theTeacherKnowsTheImagesThroughNoisyClippedSumsAlone() throws {
    let states = try [1, 2].map { seed in
      let model = try model()
      for index in 0..<4 {
        try step(
          model, in: "teacher", index, on: Self.stripes(seed == 1 ? 20 : 12, seed: UInt64(seed)),
          by: mechanism(noise: 1e30, clipNorm: 1e-30))
      }
      return (model.savedState.tensors, opinions(model, Self.stripes(4)))
    }
    #expect(states[0].0 == states[1].0 && states[0].1 == states[1].1)
  }

  @Test(arguments: [NoiseDistribution.gaussian, .discreteGaussian])
  func aUnitMovesTheTeachersSumByAtMostTheClipNorm(_ noise: NoiseDistribution) throws {
    // The first moment after the first step is a tenth of the noised sum, divided by the batch.
    let faint = try mechanism(noise: 1e-4, clipNorm: 0.5, noise)
    func moment(_ images: ImageArray) throws -> [Double] {
      let model = try model()
      try step(model, in: "teacher", on: images, by: faint)
      let values = try #require(model.savedState.tensors["private_teacher_optimizer.firstMoment"])
        .values
      return values.map { Double($0) * 10 * 64 }
    }
    var images = Self.stripes(24)
    images.units = (0..<24).map { $0 / 4 }
    var fewer = images
    fewer.values.removeLast(4 * 64)
    fewer.classes.removeLast(4)
    fewer.units?.removeLast(4)
    let (with, without) = (try moment(images), try moment(fewer))
    let norm = zip(with, without).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }.squareRoot()
    // The noise is the same in both, but for the rounding of the sum.
    #expect(norm < 0.5 * 1.01 && norm > 0.01, "\(norm)")
  }

  @Test func itLearnsToLabelImagesWithNoise() throws {
    let model = try model()
    for index in 0..<40 {
      try step(
        model, in: "teacher", index, on: Self.stripes(64, seed: UInt64(index)), by: mechanism())
    }
    let unseen = Self.stripes(40, seed: 99)
    let probabilities = opinions(model, unseen)
    let right = probabilities.enumerated().count { $1[unseen.classes[$0]] > 0.5 }
    #expect(right >= 36, "\(right)")
    #expect(probabilities.allSatisfy { abs($0.reduce(0, +) - 1) < 1e-5 })
    // The opinion about an image does not depend on the others.
    #expect(opinions(model, Self.stripes(7, seed: 99)) == Array(probabilities.prefix(7)))
  }

  @Test func itContinuesInEitherPhaseBitForBit() throws {
    let whole = try model()
    var saved = try model().savedState
    for (phase, index) in [("teacher", 0), ("teacher", 1), ("training", 0), ("training", 1)] {
      try step(whole, in: phase, index, on: Self.stripes(20), by: mechanism())
      let resumed = try model(seed: 2, threads: 2)
      try resumed.restore(from: saved)
      try step(resumed, in: phase, index, on: Self.stripes(20), by: mechanism())
      saved = resumed.savedState
    }
    #expect(saved.tensors == whole.savedState.tensors)
  }

  @Test func theReleasedTeacherLabelsLikeTheTrainedOne() throws {
    let trained = try model()
    for index in 0..<5 {
      try step(trained, in: "teacher", index, on: Self.stripes(40), by: mechanism())
    }
    let released = trained.savedGenerator
    let other = try model(seed: 7)
    try other.restoreGenerator(from: released)
    #expect(opinions(other, Self.stripes(5)) == opinions(trained, Self.stripes(5)))
    #expect(opinions(trained, Self.stripes(5)) != opinions(try model(), Self.stripes(5)))
  }

  @Test func theFamilyInsideDecidesWhatIsDrawnAndWatched() throws {
    let model = try model()
    #expect(model.drawingModel is PixelModel)
    let recipe = try JSONDecoder().decode(
      Recipe.self,
      from: Data(
        """
        {"name": "t", "summary": "For tests.", "family": "taught",
         "image": {"height": 8, "width": 8, "channels": 1},
         "training": {"batch_size": 8, "steps": 3, "clip_norm": 1},
         "model": {"generator": {"family": "dp-gan", "width": 2, "generator_width": 2,
           "latent_size": 4, "discriminator_learning_rate": 0.001,
           "generator_learning_rate": 0.001, "beta1": 0.5, "beta2": 0.9,
           "schedule": {"start": 1, "threshold": 0.6, "grace": 10, "limit": 5},
           "average_decay": 0.9},
          "teacher": {"share": 0.1, "steps": 5, "batch_size": 64, "clip_norm": 1,
           "learning_rate": 0.1}}}
        """.utf8))
    #expect(recipe.drawingFamily == DPGAN.self && recipe.hasTeacher)
    #expect(recipe.fields.contains("model.generator.schedule.start"))
    #expect(!recipe.fields.contains("model.generator.channels"))
    let curves = recipe.familyType.curves
    #expect(Set(DPGAN.curves).isSubset(of: curves) && Set(curves).count == curves.count)
  }

  @Test func aTeacherWithinATeacherIsRefused() {
    let error = #expect(throws: DecodingError.self) {
      try JSONDecoder().decode(
        NestedModel.self, from: Data(#"{"family": "taught"}"#.utf8))
    }
    let words = error.map { String(describing: $0) } ?? ""
    #expect(words.contains("found 'taught'") && words.contains("models nest once"))
  }

  @Test func theRemarkOfAReleaseNamesShareAndFiles() {
    let remark = Self.settings(0.125).releaseRemark ?? ""
    #expect(remark.contains("12.5 % of the run's epsilon"))
    #expect(remark.contains("`teacher_probabilities`") && remark.contains("family `pixel`"))
  }
}
