import Compute
import Learning
import Privacy

/// The network that doubles the size of an image: one stage of a multiscale model.
final class Upsampler {
  /// The slope of every leaky rectifier.
  private static let slope: Float = 0.2
  /// Examples per pass: their activations stay in cache.
  private static let microBatchSize = 8

  let settings: UpsamplerSettings
  let coarse: ImageSpecification
  private let averaged: AveragedNetwork
  private let coarseLevels: PixelLevels
  private let distribution: LogisticMixture
  private let context: BlockContext
  private let pass: Pass
  private let seed: UInt64
  private let machine: Machine

  /// An untrained upsampler of images like `coarse`, which have `coarseLevels`.
  ///
  /// - Parameter name: its name in checkpoints.
  init(
    _ settings: UpsamplerSettings, of coarse: ImageSpecification, levels coarseLevels: PixelLevels,
    name: String, seed: UInt64, on machine: Machine
  ) {
    self.settings = settings
    self.coarse = coarse
    self.coarseLevels = coarseLevels
    self.seed = seed
    self.machine = machine
    distribution = LogisticMixture(
      levels: PixelLevels(bits: settings.bits), channelCount: coarse.channels,
      componentCount: settings.components)
    context = BlockContext(coarse)
    let network = Self.network(
      settings, classes: coarse.classes.count, context, outputs: distribution.outputCount,
      seed: seed, on: machine)
    let constants = AdamConstants(
      learningRate: Float(settings.learningRate), beta1: 0.9, beta2: 0.99)
    averaged = AveragedNetwork(
      network, optimizer: Adam(for: network.parameters, constants, on: machine),
      averageDecay: settings.averageDecay, names: .init(name))
    pass = Pass(on: machine)
  }

  private static func network(
    _ settings: UpsamplerSettings, classes: Int, _ context: BlockContext, outputs: Int,
    seed: UInt64, on machine: Machine
  ) -> PrivateNetwork {
    // A bias for each class and corner: which pixel is predicted changes every layer.
    let labels = max(1, classes) * BlockCorner.count
    var net = NetworkBuilder(input: context.inputShape, on: machine)
    net.append(context)
    net.convolution(settings.channels, kernel: 3, padding: 1)
    net.classBias(classes: labels)
    net.leakyReLU(slope)
    for _ in 0..<settings.depth {
      net.residual {
        $0.convolution(settings.channels, kernel: 3, padding: 1)
        $0.classBias(classes: labels)
        $0.leakyReLU(slope)
        $0.convolution(
          settings.channels, kernel: 1, initialization: .normal(standardDeviation: 0.02))
      }
    }
    net.convolution(outputs, kernel: 1, initialization: .normal(standardDeviation: 0.05))
    return net.privateNetwork(seed: seed, microBatchSize: microBatchSize)
  }

  /// The form of the images that come out.
  var fine: ImageSpecification {
    ImageSpecification(
      height: 2 * coarse.height, width: 2 * coarse.width, channels: coarse.channels,
      classes: coarse.classes)
  }

  var network: PrivateNetwork { averaged.network }

  var loss: BlockLoss { BlockLoss(context: context, distribution: distribution) }

  /// Images of twice the coarse size as blocks; each teaches one corner.
  private func examples(_ images: any ExampleSource, corners: [Int]) -> BlockExamples {
    BlockExamples(
      images: images, coarse: coarse, coarseLevels: coarseLevels, levels: distribution.levels,
      corners: corners)
  }

  /// A step on private images at twice the coarse size; a secret coin decides which corner an image teaches.
  func step(_ step: TrainingStep, on images: PrivateExamples) -> StepReport {
    if step.index == 0, settings.prior != nil { averaged.restartAfterPreTraining() }
    let rate = LearningRateSchedule(
      settings.learningRate, warmUpSteps: min(20, step.stepCount / 10),
      .cosine(over: step.stepCount, floor: 0.05)
    ).rate(at: step.index)
    averaged.optimizer.learningRate = rate
    let examples = images.map(drawing: step.noise) {
      [coarse, coarseLevels, levels = distribution.levels] images, noise in
      var coins = noise
      return BlockExamples(
        images: images, coarse: coarse, coarseLevels: coarseLevels, levels: levels,
        corners: (0..<images.count).map { _ in
          Int.random(in: 0..<BlockCorner.count, using: &coins)
        })
    }
    var report = StepReport(
      curves: [.learningRate: Releasable(Double(rate), .chosenBeforehand)])
    let nats = averaged.update(by: step, over: examples, loss: loss, in: pass)
    report.privateCurves[.bitsPerDimension] = nats?.map { [coarse] in
      coarse.bitsPerDimension(nats: $0)
    }
    return report
  }

  func start(from weights: StartingWeights) throws {
    try averaged.start(from: weights, settings.prior, classes: coarse.classes)
  }

  /// A step on images that a program draws, or on public ones of twice the coarse size.
  func pretrain(_ step: FreeStep, _ prior: PriorSettings) -> StepReport {
    let rate = step.learningRate(upTo: prior.learningRate)
    averaged.optimizer.learningRate = rate
    var stream = SeededStream(seed: PriorSettings.key(of: step, seed: seed) ^ 0x0C0A_12E5)
    let corners = (0..<prior.batchSize).map { _ in
      Int.random(in: 0..<BlockCorner.count, using: &stream)
    }
    let nats = averaged.update(
      overPublic: examples(
        prior.images(of: step, format: fine, seed: seed), corners: corners),
      loss: loss, in: pass)
    return StepReport(curves: [
      .learningRate: Releasable(Double(rate), .chosenBeforehand),
      .priorBitsPerDimension: Releasable(
        coarse.bitsPerDimension(nats: nats), .chosenBeforehand),
    ])
  }

  /// Minus the log-likelihood of each image, given its coarse copy, in nats; for held-out or public images only.
  func negativeLogLikelihoods(of images: any ExampleSource) -> [Double] {
    (0..<BlockCorner.count).reduce([Double](repeating: 0, count: images.count)) { totals, corner in
      let corners = [Int](repeating: corner, count: images.count)
      return zip(totals, losses(ofBlocks: examples(images, corners: corners))).map { $0 + $1 }
    }
  }

  /// The losses of the corners that blocks teach, under the averaged weights.
  func losses(ofBlocks examples: some ExampleSource) -> [Double] {
    var losses: [Double] = []
    averaged.withAverage { network in
      for first in stride(from: 0, to: examples.count, by: Self.microBatchSize) {
        let range = first..<min(examples.count, first + Self.microBatchSize)
        pass.begin(exampleCount: range.count, labels: examples.labels(in: range))
        let input = pass.make(context.inputShape)
        examples.fill(input, from: range)
        losses += loss.values(network.forward(input, in: pass), in: pass)
      }
    }
    return losses
  }

  /// Doubles the size of images with the averaged weights, a stream of random numbers for each.
  ///
  /// - Parameters:
  ///   - images: images × coarse shape, on the coarse levels.
  ///   - classes: the class of each image.
  /// - Returns: images × fine shape, in memory of `arena`.
  func draw(
    from images: Tensor, classes: [Int], streams: inout [SeededStream], temperature: Double,
    in arena: Arena
  ) -> Tensor {
    let count = classes.count
    let (positions, channels) = (coarse.height * coarse.width, coarse.channels)
    let block = context.inputShape[2]
    let blocks = arena.makeZeros(Shape([count] + context.inputShape.extents))
    for position in 0..<(count * positions) {
      for channel in 0..<channels {
        blocks.pointer[position * block + channel] = images.pointer[position * channels + channel]
      }
    }
    averaged.withAverage { _ in
      for corner in 0..<BlockCorner.count {
        for first in stride(from: 0, to: count, by: Self.microBatchSize) {
          draw(
            corner, of: first..<min(count, first + Self.microBatchSize), in: blocks,
            classes: classes, streams: &streams,
            temperature: temperature * (settings.temperature ?? 1))
        }
      }
    }
    return assembled(blocks, count: count, in: arena)
  }

  /// Draws one corner of all blocks of some images.
  private func draw(
    _ corner: Int, of range: Range<Int>, in blocks: Tensor, classes: [Int],
    streams: inout [SeededStream], temperature: Double
  ) {
    let (positions, block) = (coarse.height * coarse.width, context.inputShape[2])
    pass.begin(
      exampleCount: range.count,
      labels: range.map { BlockExamples.label(ofClass: classes[$0], corner: corner) })
    let input = pass.make(context.inputShape)
    input.copy(from: blocks.examples(from: range.lowerBound, count: range.count))
    let outputs = network.network.forward(input, in: pass)
    streams.withUnsafeMutableBufferPointer { streams in
      guard let base = streams.baseAddress else { return }
      nonisolated(unsafe) let own = base
      machine.threads.forEach(range.count) { [distribution, coarse] example, _ in
        let image = range.lowerBound + example
        for position in 0..<positions {
          let pixel =
            blocks.pointer + (image * positions + position) * block
            + coarse.channels * (1 + corner)
          distribution.draw(
            0..<coarse.channels, at: PixelPlace(image: pixel, position: 0, memory: pixel),
            outputs: outputs.pointer + (example * positions + position) * distribution.outputCount,
            temperature: temperature, from: &own[image], into: pixel)
        }
      }
    }
  }

  /// The images of blocks whose corners are all drawn.
  private func assembled(_ blocks: Tensor, count: Int, in arena: Arena) -> Tensor {
    let images = arena.make(Shape([count] + fine.shape.extents))
    let (width, channels, block) = (coarse.width, coarse.channels, context.inputShape[2])
    for index in 0..<(count * coarse.height * width) {
      // Rows of all images follow one another.
      let (row, column) = (index / width, index % width)
      for (corner, offset) in BlockCorner.places.enumerated() {
        let pixel = (2 * row + offset.row) * 2 * width + 2 * column + offset.column
        for channel in 0..<channels {
          images.pointer[pixel * channels + channel] =
            blocks.pointer[index * block + channels * (1 + corner) + channel]
        }
      }
    }
    return images
  }

  func save(into checkpoint: inout Checkpoint) { averaged.save(into: &checkpoint) }

  func restore(from checkpoint: Checkpoint) throws { try averaged.restore(from: checkpoint) }

  func saveGenerator(into checkpoint: inout Checkpoint) { averaged.saveAverage(into: &checkpoint) }

  func restoreGenerator(from checkpoint: Checkpoint) throws {
    try averaged.restoreAverage(from: checkpoint)
  }
}
