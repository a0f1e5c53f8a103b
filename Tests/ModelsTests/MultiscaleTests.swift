import Compute
import Glibc
import Learning
import Privacy
import TestSupport
import Testing

@testable import Models

/// A small image first, then networks that double its size.
@Suite struct MultiscaleTests {
  /// Blocks as an upsampler reads them, all with one corner to predict.
  private struct Blocks: ExampleSource {
    var values: [[Float]]
    let label: Int
    var count: Int { values.count }
    func labels(in range: Range<Int>) -> [Int] { range.map { _ in label } }
    func fill(_ target: Tensor, from range: Range<Int>) {
      target.assign(range.flatMap { values[$0] })
    }
  }

  private static func upsampler(
    height: Int, width: Int, channels: Int, bits: Int = 2, temperature: Double? = nil,
    seed: UInt64 = 1
  ) -> Upsampler {
    Upsampler(
      UpsamplerSettings(
        channels: 6, depth: 2, bits: bits, components: 2, temperature: temperature),
      of: .tiny(height: height, width: width, channels: channels, classes: 2),
      levels: PixelLevels(bits: bits), name: "upsampler", seed: seed, on: Machine(threadCount: 1))
  }

  private static func random(_ count: Int, seed: UInt64 = 1) -> [Float] {
    var stream = SeededStream(seed: seed)
    return (0..<count).map { _ in Float(2 * stream.uniform() - 1) }
  }

  @Test func reducedImagesAreMeansOfSquares() {
    let format = ImageSpecification.tiny(height: 8, width: 12, channels: 3, classes: 2)
    let images = ImageArray.random(3, format)
    let reduced = ReducedImages(images: images, format: format, factor: 4)
    let arena = Arena()
    let target = arena.make(Shape(2, 2, 3, 3))
    reduced.fill(target, from: 1..<3)
    for (example, row, column, channel) in [(0, 0, 0, 0), (0, 1, 2, 1), (1, 0, 1, 2)] {
      var sum: Float = 0
      for y in 0..<4 {
        for x in 0..<4 {
          let pixel = (4 * row + y) * 12 + 4 * column + x
          sum += images[1 + example][pixel * 3 + channel]
        }
      }
      let found: Float = target.pointer[((example * 2 + row) * 3 + column) * 3 + channel]
      #expect(abs(found - sum / 16) < 1e-6)
    }
    #expect(reduced.labels(in: 1..<3) == images.labels(in: 1..<3))
  }

  @Test func blocksHoldTheCoarsePixelAndItsFourCorners() {
    let coarse = ImageSpecification.tiny(height: 2, width: 2, classes: 3)
    // Rows 0 to 3 of columns 0 to 3, on 256 levels.
    let values = (0..<16).map { PixelLevels(bits: 8).value(of: 10 * $0) }
    let blocks = BlockExamples(
      images: ImageArray(shape: Shape(4, 4, 1), values: values, classes: [2]), coarse: coarse,
      coarseLevels: PixelLevels(bits: 1), levels: PixelLevels(bits: 8), corners: [3])
    let arena = Arena()
    let target = arena.make(Shape(1, 2, 2, 5))
    blocks.fill(target, from: 0..<1)
    #expect(blocks.labels(in: 0..<1) == [2 * 4 + 3])
    let levels = target.array.map { PixelLevels(bits: 8).level(of: $0) }
    // The block at row 1, column 0: pixels (2,0), (3,1), (2,1), (3,0).
    #expect(Array(levels[11..<15]) == [80, 130, 90, 120])
    #expect(levels[0] == 0 && levels[15] == 0, "the coarse image has two levels")
  }

  @Test(arguments: [1, 3])
  func aCornerIsPredictedFromTheCoarseImageAndEarlierCornersAlone(_ channels: Int) {
    let upsampler = Self.upsampler(height: 3, width: 2, channels: channels)
    let size = 6 * channels * 5
    let values = Self.random(size)
    let pass = Pass(on: Machine(threadCount: 1))
    func outputs(_ values: [Float], _ corner: Int) -> [Float] {
      pass.begin(exampleCount: 1, labels: [4 + corner])
      let input = pass.make(Shape(3, 2, 5 * channels))
      input.assign(values)
      return upsampler.network.network.forward(input, in: pass).array
    }
    for corner in 0..<4 {
      let expected = outputs(values, corner)
      for changed in 0..<5 {
        var others = values
        for position in 0..<6 { others[position * 5 * channels + changed * channels] += 0.5 }
        let found = outputs(others, corner)
        // Part 0 is the coarse image, part n + 1 is corner n.
        #expect((found == expected) == (changed > corner), "\(corner) \(changed)")
      }
    }
  }

  @Test func probabilitiesOfAllImagesAddUpToOne() {
    // One grey block on two levels has 16 images.
    let upsampler = Self.upsampler(height: 1, width: 1, channels: 1, bits: 1, seed: 5)
    var total = [Double](repeating: 0, count: 16)
    for corner in 0..<4 {
      let blocks = Blocks(
        values: (0..<16).map { image in
          [1] + (0..<4).map { image >> $0 & 1 == 0 ? -1 : 1 }
        }, label: 4 + corner)
      for (image, loss) in upsampler.losses(ofBlocks: blocks).enumerated() {
        total[image] += loss
      }
    }
    var sum = 0.0
    for loss in total { sum += exp(-loss) }
    #expect(abs(sum - 1) < 1e-5, "\(sum)")
    #expect(total.max() != total.min())
  }

  @Test func theGradientIsThatOfTheLoss() {
    let upsampler = Self.upsampler(height: 2, width: 2, channels: 3)
    let blocks = Blocks(
      values: [
        Self.random(60).map { PixelLevels(bits: 2).value(of: PixelLevels(bits: 2).level(of: $0)) }
      ],
      label: 2)
    let network = upsampler.network
    let gradient = network.parameters.makeCompanion()
    gradient.fill(0)
    let pass = Pass(on: Machine(threadCount: 1))
    func loss() -> Double {
      let unused = network.parameters.makeCompanion()
      unused.fill(0)
      network.network.parametersChanged()
      return network.addPublicGradient(
        over: blocks, loss: upsampler.loss, clipNorm: nil, scale: 1, to: unused, in: pass)
    }
    _ = network.addPublicGradient(
      over: blocks, loss: upsampler.loss, clipNorm: nil, scale: 1, to: gradient, in: pass)
    let parameters = network.parameters.values
    for index in stride(from: 0, to: parameters.count, by: 37) {
      let value = parameters.pointer[index]
      parameters.pointer[index] = value + 1e-2
      let above = loss()
      parameters.pointer[index] = value - 1e-2
      let below = loss()
      parameters.pointer[index] = value
      let expected: Double = (above - below) / 2e-2
      let found = Double(gradient.pointer[index])
      let tolerance = 0.02 + 0.02 * abs(expected)
      #expect(abs(found - expected) < tolerance, "\(index): \(found) \(expected)")
    }
  }

  // MARK: The family

  private static let format = ImageSpecification.tiny(
    height: 16, width: 16, channels: 3, classes: 2)

  private static func model(
    threads: Int = 1, prior: PriorSettings? = nil, learningRate: Double = 0.01, stages: Int = 2,
    seed: UInt64 = 4
  ) throws -> Multiscale {
    try Multiscale(
      MultiscaleSettings(
        stages: stages,
        base: PixelModelSettings(
          channels: 9, depth: 1, firstKernel: 3, bits: 3, learningRate: learningRate,
          averageDecay: 0.9),
        upsampler: UpsamplerSettings(
          channels: 12, depth: 1, bits: 4, components: 3, learningRate: learningRate,
          averageDecay: 0.9, prior: prior)),
      for: format, seed: seed, on: Machine(threadCount: threads))
  }

  @Test func eachStageIsAPhaseWithItsShare() {
    var settings = MultiscaleSettings(
      stages: 2, base: PixelModelSettings(),
      upsampler: UpsamplerSettings(
        share: 0.2, batchSize: 64, steps: 30, clipNorm: 2,
        prior: PriorSettings(source: .procedural, steps: 7)))
    settings.base.prior = PriorSettings(source: .procedural, steps: 5)
    let training = TrainingSettings(
      batchSize: 8, steps: 9, clipNorm: 3, noise: .discreteGaussian)
    let phases = Multiscale.phases(of: settings, training: training, for: Self.format)
    #expect(
      phases.map(\.name) == [
        "pre-training", "training", "pre-training to 8x8", "upsampling to 8x8",
        "pre-training to 16x16", "upsampling to 16x16",
      ])
    #expect(phases.map(\.share) == [nil, nil, nil, 0.2, nil, 0.2])
    #expect(
      phases[3].work
        == .training(
          TrainingSettings(batchSize: 64, steps: 30, clipNorm: 2, noise: .discreteGaussian)))
    #expect(phases[4].work == .free(.publicData, steps: 7))
  }

  /// One image of two colours in diagonal stripes, and one of grey.
  private static let images: ImageArray = {
    let values = (0..<(2 * 256)).flatMap { index -> [Float] in
      let (row, column) = (index % 256 / 16, index % 16)
      if index >= 256 { return [0, 0, 0] }
      return (row + column) % 6 < 3 ? [1, -1, 0.2] : [-1, 0.5, 1]
    }
    return ImageArray(shape: format.shape, values: values, classes: [0, 1])
  }()

  private func train(_ model: Multiscale, phase: String, steps: Int) throws -> [StepReport] {
    try (0..<steps).map {
      try model.step(
        TrainingStep(
          phase: phase, index: $0, stepCount: steps, batchSize: 2, protection: .test(nil),
          noise: TestNoise.stream(UInt32($0))),
        on: PrivateExamples(Self.images))
    }
  }

  @Test func itLearnsImagesOfAllSizesAndDrawsThem() throws {
    let model = try Self.model()
    let before = model.bitsPerDimension(of: Self.images)
    var bits = [before]
    for (phase, steps) in [
      ("training", 400), ("upsampling to 8x8", 600), ("upsampling to 16x16", 2000),
    ] {
      let reports = try train(model, phase: phase, steps: steps)
      #expect(reports.allSatisfy { $0.curves.keys.elementsEqual([.learningRate]) })
      bits.append(model.bitsPerDimension(of: Self.images))
    }
    #expect(bits == bits.sorted(by: >), "\(bits)")
    #expect(bits[3] < 0.25 * before, "\(bits)")
    try model.sample(
      SampleRequest(labels: [0, 1], seed: 3, temperature: 0.3)
    ) { _, drawn in
      let gaps = zip(drawn.array, Self.images.values).map { abs($0 - $1) }
      let difference = gaps.reduce(0, +) / Float(2 * 768)
      #expect(difference < 0.2, "\(difference)")
    }
  }

  @Test func anImageDependsOnItsPlaceAloneAndNotOnThreads() throws {
    let labels = (0..<40).map { $0 % 2 }
    func draw(_ count: Int, threads: Int) throws -> [Float] {
      var values: [Float] = []
      try Self.model(threads: threads).sample(labels: Array(labels.prefix(count)), seed: 9) {
        first, images in
        #expect(first * 768 == values.count)
        values += images.array
      }
      return values
    }
    let all = try draw(40, threads: 1)
    #expect(all.count == 40 * 768)
    #expect(try draw(40, threads: 3) == all)
    #expect(try draw(7, threads: 2) == Array(all.prefix(7 * 768)))
    #expect(all[0..<768] != all[1536..<2304])
  }

  @Test func preTrainingTeachesUpsamplersAndReadsNoImage() throws {
    let prior = PriorSettings(source: .procedural, steps: 60, batchSize: 8, learningRate: 0.01)
    let model = try Self.model(prior: prior)
    let bits = try (0..<60).map { index in
      try model.work(FreeStep(phase: "pre-training to 16x16", index: index, stepCount: 60))
        .curves[.priorBitsPerDimension]?.value ?? .infinity
    }
    let (first, last) = (bits.prefix(10).reduce(0, +), bits.suffix(10).reduce(0, +))
    #expect(last < 0.8 * first, "\(bits)")
  }

  /// The values of a network's parameters.
  private static func values(of network: String, in model: Multiscale) -> [String: [Float]] {
    var checkpoint = Checkpoint()
    model.saveGenerator(into: &checkpoint)
    return checkpoint.tensors.reduce(into: [:]) { found, entry in
      guard entry.key.hasPrefix(network + ".") else { return }
      found[String(entry.key.dropFirst(network.count))] = entry.value.values
    }
  }

  @Test func anUpsamplerThatWeightsLackStartsFromThatOfTheStageBefore() throws {
    let prior = PriorSettings(source: .release)
    let small = try Self.model(prior: prior, stages: 1, seed: 9)
    let large = try Self.model(prior: prior)
    try large.start(from: StartingWeights(of: small, classes: Self.format.classes))
    let found = Self.values(of: "upsampler1", in: small)
    #expect(!found.isEmpty)
    #expect(Self.values(of: "upsampler1", in: large) == found)
    #expect(Self.values(of: "upsampler2", in: large) == found)
    // Where there are weights of its own, it starts from these.
    let other = try Self.model(prior: prior, seed: 9)
    try large.start(from: StartingWeights(of: other, classes: Self.format.classes))
    let own = Self.values(of: "upsampler2", in: other)
    #expect(own != found && Self.values(of: "upsampler2", in: large) == own)
  }

  /// How much images differ that are drawn from one coarse image with different random numbers.
  private static func spread(atTemperature temperature: Double?) -> Double {
    let upsampler = upsampler(height: 4, width: 4, channels: 1, bits: 8, temperature: temperature)
    let arena = Arena()
    let count = 32
    var streams = (0..<count).map { SeededStream(seed: UInt64($0) &* 0x9E37_79B9_7F4A_7C15) }
    let images = upsampler.draw(
      from: arena.makeZeros(Shape(count, 4, 4, 1)), classes: [Int](repeating: 0, count: count),
      streams: &streams, temperature: 1, in: arena
    ).array
    let size = images.count / count
    return (0..<size).reduce(0) { sum, place in
      let values = (0..<count).map { Double(images[$0 * size + place]) }
      let mean = values.reduce(0, +) / Double(count)
      return sum + values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    }
  }

  @Test func theUpsamplersOwnTemperatureNarrowsWhatItDraws() {
    let spread = Self.spread(atTemperature: nil)
    #expect(spread > 0 && Self.spread(atTemperature: 1) == spread)
    #expect(Self.spread(atTemperature: 0.3) < 0.5 * spread)
  }

  @Test(arguments: [
    (["image.height": "30"], "a multiple of 4"), (["model.upsampler.share": "0.5"], "below 1"),
    (["model.stages": "5"], "stages is 5"), (["model.base.bits": "9"], "bits is 9"),
    (["model.upsampler.temperature": "1.5"], "temperature is 1.5"),
  ])
  func settingsThatCannotBeAreRefused(_ changes: [String: String], _ found: String) throws {
    let values = RecipeValues([
      "name": "m", "summary": "s", "family": "multiscale", "image.height": "32",
      "image.width": "32", "image.channels": "3", "training.batch_size": "8",
      "training.steps": "4", "training.clip_norm": "1", "model.stages": "2",
      "model.base.channels": "9", "model.base.depth": "1", "model.base.first_kernel": "3",
      "model.base.bits": "3", "model.base.output": "softmax", "model.base.class_regions": "1",
      "model.base.label_dropout": "0", "model.base.guidance": "1",
      "model.base.learning_rate": "0.01", "model.base.warm_up_steps": "0",
      "model.base.final_rate": "1", "model.base.beta1": "0.9", "model.base.beta2": "0.99",
      "model.base.average_decay": "0.9", "model.upsampler.channels": "8",
      "model.upsampler.depth": "1", "model.upsampler.bits": "4",
      "model.upsampler.components": "2", "model.upsampler.share": "0.1",
      "model.upsampler.batch_size": "8", "model.upsampler.steps": "3",
      "model.upsampler.clip_norm": "1", "model.upsampler.learning_rate": "0.01",
      "model.upsampler.average_decay": "0.9",
    ])
    try values.recipe().validate(classes: ["a", "b"])
    let error = #expect(throws: RecipeFailure.self) {
      try values.with(changes.mapValues { $0 }).recipe().validate(classes: ["a", "b"])
    }
    #expect(error?.description.contains(found) == true, "\(error?.description ?? "")")
  }
}
