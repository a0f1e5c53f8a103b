import Compute
import Learning
import Privacy

extension BenchCase {
  /// Whole training steps of the networks of "Private GANs, Revisited" at full width.
  ///
  /// The discriminator reads real examples only. A private step is a plain step plus norms, clipping
  /// and noise, so their times are comparable.
  static func steps(batch: Int) -> [BenchCase] {
    func make(
      _ operation: String, _ multiplyAdds: Int, _ body: @escaping (TrainingStepOperands) -> Void
    ) -> BenchCase {
      BenchCase(
        operation: operation, shape: "DCGAN width 128 28x28", batch: batch,
        operations: 2 * Double(multiplyAdds) * Double(batch), item: "ex", itemCount: batch
      ) { machine in
        let operands = TrainingStepOperands(batch: batch, on: machine)
        return { body(operands) }
      }
    }
    let layers = TrainingStepOperands.multiplyAdds
    let network = layers.reduce(0, +)
    // The discriminator's images need no gradient, nor do the generator's latent vectors.
    let discriminator = 3 * network - layers[0]
    let generator = 5 * network - TrainingStepOperands.seedMultiplyAdds
    return [
      make("plain-step", discriminator) { $0.plainStep() },
      make("private-step", discriminator) { $0.privateStep() },
      make("hardened-step", discriminator) { $0.hardenedStep() },
      make("generator-step", generator) { $0.generatorStep() },
    ]
  }
}

/// A discriminator, a generator and the operands of training them.
private final class TrainingStepOperands {
  private static let classes = 10, latentSize = 128
  private static let image = Shape(28, 28, 1), seed = Shape(4, 4, 512)
  /// The discriminator's convolutions; the generator transposes them in reverse order.
  private static let stages: [(channels: Int, side: Int, kernel: Int)] = [
    (128, 28, 4), (256, 14, 4), (512, 7, 3),
  ]

  /// Multiply-adds per example of the discriminator's convolutions and its dense layer.
  static var multiplyAdds: [Int] {
    var inputs = image[2]
    var list = stages.map { stage in
      defer { inputs = stage.channels }
      return ConvolutionGeometry(
        inputHeight: stage.side, inputWidth: stage.side, inputChannels: inputs,
        outputChannels: stage.channels, kernelHeight: stage.kernel, kernelWidth: stage.kernel,
        stride: 2, padding: .all(1)
      ).multiplyAdds
    }
    list.append(seed.count)
    return list
  }

  /// Multiply-adds per example of the generator's dense layer.
  static var seedMultiplyAdds: Int { latentSize * seed.count }

  private let discriminator: PrivateNetwork, generator: Network
  private let optimizer: Adam, generatorOptimizer: Adam
  private let images: BenchExamples, latents: BenchExamples
  private let gradient: Tensor
  private let pass: Pass, generatorPass: Pass
  private let mechanism: SubsampledGaussian?, hardened: SubsampledGaussian?
  private let noise = NoiseStream()

  init(batch: Int, on machine: Machine) {
    var net = NetworkBuilder(input: Self.image, on: machine)
    for stage in Self.stages {
      net.convolution(stage.channels, kernel: stage.kernel, stride: 2, padding: 1)
      net.classBias(classes: Self.classes)
      net.leakyReLU()
    }
    net.dense(1)
    discriminator = net.privateNetwork(seed: 1)
    generator = Self.makeGenerator(on: machine)
    let constants = AdamConstants(learningRate: 2e-4, beta1: 0.5)
    optimizer = Adam(for: discriminator.parameters, constants, on: machine)
    generatorOptimizer = Adam(for: generator.parameters, constants, on: machine)
    images = BenchExamples(batch, shape: Self.image, classes: Self.classes)
    latents = BenchExamples(batch, shape: Shape(Self.latentSize), classes: Self.classes)
    gradient = discriminator.parameters.makeCompanion()
    pass = Pass(on: machine)
    generatorPass = Pass(on: machine)
    let mechanism = { (noise: NoiseDistribution) in
      try? SubsampledGaussian(
        samplingProbability: 0.01, noiseMultiplier: 1, clipNorm: 1, nominalBatchSize: batch,
        noise: noise)
    }
    self.mechanism = mechanism(.gaussian)
    hardened = mechanism(.discreteGaussian)
  }

  private static func makeGenerator(on machine: Machine) -> Network {
    var net = NetworkBuilder(input: Shape(latentSize), on: machine)
    net.dense(seed.count)
    net.classBias(classes: classes)
    net.reshape(seed)
    net.leakyReLU()
    for (index, stage) in stages.enumerated().reversed() {
      let isLast = index == 0
      net.transposedConvolution(
        isLast ? image[2] : stages[index - 1].channels, kernel: stage.kernel, stride: 2,
        padding: 1)
      if isLast { break }
      net.classBias(classes: classes)
      net.leakyReLU()
    }
    net.tanh()
    return net.network(seed: 2)
  }

  func plainStep() {
    gradient.fill(0)
    _ = discriminator.addPublicGradient(
      over: images, loss: BinaryCrossEntropy(target: 1), clipNorm: nil,
      scale: 1 / Float(images.count), to: gradient, in: pass)
    discriminator.update(alongPublic: gradient, by: optimizer)
  }

  func privateStep() { step(through: mechanism) }

  func hardenedStep() { step(through: hardened) }

  private func step(through mechanism: SubsampledGaussian?) {
    guard let mechanism else { preconditionFailure("a mechanism of constants is valid") }
    let noised = discriminator.noisedGradient(
      over: PrivateExamples(images), loss: BinaryCrossEntropy(target: 1), mechanism, noise: noise,
      in: pass)
    discriminator.update(along: noised, by: optimizer)
  }

  func generatorStep() {
    generator.parameters.gradient.fill(0)
    let size = discriminator.microBatchSize
    for first in stride(from: 0, to: latents.count, by: size) {
      let range = first..<min(latents.count, first + size)
      generatorPass.begin(exampleCount: range.count, labels: latents.labels(in: range))
      let input = generatorPass.make(generator.inputShape)
      latents.fill(input, from: range)
      let fakes = generator.forward(input, in: generatorPass)
      pass.begin(exampleCount: range.count, labels: latents.labels(in: range))
      let logits = discriminator.network.forward(fakes, in: pass)
      let slopes = pass.arena.make(logits.shape)
      BinaryCrossEntropy(target: 1).evaluate(logits, gradient: slopes, values: nil, in: pass)
      if let imageGradient = discriminator.network.backward(
        slopes, needsInputGradient: true, in: pass)
      {
        generator.backward(imageGradient, needsInputGradient: false, in: generatorPass)
        generator.addGradient(in: generatorPass)
      }
    }
    pass.machine.scale(generator.parameters.gradient, by: 1 / Float(latents.count))
    generatorOptimizer.update(generator.parameters, along: generator.parameters.gradient)
    generator.parametersChanged()
  }
}
