import Compute
import FoundationEssentials
import Learning
import Privacy
import TestSupport
import Testing

@testable import Models

/// A family with one private network, whose micro-batches and threads a test can choose.
private final class TinyModel: SteppingModel {
  let privateParameterCount = 1
  static let family = "tiny"
  let network: PrivateNetwork
  private let pass: Pass
  private let optimizer: PlainDescent

  init(microBatchSize: Int, _ format: ImageSpecification, on machine: Machine) {
    var net = NetworkBuilder(input: format.shape, on: machine)
    net.convolution(4, kernel: 3, padding: 1)
    net.tanh()
    net.dense(1)
    network = net.privateNetwork(seed: 3, microBatchSize: microBatchSize)
    pass = Pass(on: machine)
    optimizer = PlainDescent(learningRate: 0.1, on: machine)
  }

  init(
    _ settings: NoSettings, for format: ImageSpecification, seed: UInt64, on machine: Machine
  ) throws { preconditionFailure("created only by tests") }

  func step(_ step: TrainingStep, on images: PrivateExamples) throws -> StepReport {
    guard case .noise(let mechanism) = step.protection else { return StepReport() }
    let gradient = network.noisedGradient(
      over: images, loss: BinaryCrossEntropy(target: 1), mechanism, noise: step.noise, in: pass)
    network.update(along: gradient, by: optimizer)
    return StepReport()
  }
}

/// All images in every step, in an order chosen by a test.
private final class OrderedImages: Trainer.Images {
  let images: ImageArray

  init(_ images: ImageArray, order: [Int]) {
    self.images = ImageArray(
      shape: images.shape, values: order.flatMap { images[$0] },
      classes: order.map { images.classes[$0] })
  }

  func drawBatch(probability: Double, from noise: NoiseStream) -> PrivateExamples {
    PrivateExamples(images)
  }
}

/// Training with discrete noise on a grid, through the trainer.
@Suite struct HardenedTrainingTests {
  private static let format = ImageSpecification.tiny(height: 8, width: 8, classes: 2)
  private let images = ImageArray.random(12, format)
  private let ledger: MemoryLedger

  init() throws { ledger = try MemoryLedger(budget: PrivacyBudget(epsilon: 1e6, delta: 1e-5)) }

  private func plan(_ noise: NoiseDistribution?, multiplier: Double = 1.5) throws -> TrainingPlan {
    try TrainingPlan(
      TrainingSettings(batchSize: 6, steps: 4, clipNorm: 0.5, noise: noise), population: 12,
      noiseMultiplier: multiplier)
  }

  private func trained(
    _ noise: NoiseDistribution? = .discreteGaussian, threads: Int = 1, microBatchSize: Int = 32,
    order: [Int] = Array(0..<12)
  ) throws -> [Float] {
    let model = TinyModel(
      microBatchSize: microBatchSize, Self.format, on: Machine(threadCount: threads))
    let trainer = Trainer(
      model, plan: try plan(noise), images: OrderedImages(images, order: order), ledger: ledger,
      noise: TestNoise.stream(9))
    _ = try trainer.run(
      blockSize: { 2 }, shouldStop: { false }, report: { _ in }, blockEnded: {})
    return model.network.parameters.values.array
  }

  @Test func threadsMicroBatchesAndOrderChangeNoBit() throws {
    let expected = try trained()
    for threads in [2, 3] { #expect(try trained(threads: threads) == expected) }
    for size in [1, 5] { #expect(try trained(microBatchSize: size) == expected) }
    var stream = SeededStream(seed: 4)
    for _ in 0..<3 {
      #expect(try trained(order: Array(0..<12).shuffled(using: &stream)) == expected)
    }
    // The floating-point sum must lack this property; otherwise the test would prove nothing.
    let floating = try trained(.gaussian)
    #expect(try trained(.gaussian, order: Array((0..<12).reversed())) != floating)
  }

  @Test func theLedgerHoldsTheEventOfTheNoiseThatWasDrawn() throws {
    _ = try trained()
    #expect(
      try ledger.spent()
        == EventTally(
          .poissonSampled(probability: 0.5, event: .discreteGaussian(noiseMultiplier: 1.5)),
          times: 4))
  }

  @Test func aPlanHasGaussianNoiseByDefault() throws {
    #expect(try plan(nil).mechanism?.noise == .gaussian)
    #expect(try plan(.discreteGaussian).mechanism?.noise == .discreteGaussian)
    let old = """
      {"steps":4,"batch_size":6,"population":12,"sampling_probability":0.5,"mechanism":
       {"sampling_probability":0.5,"noise_multiplier":1.5,"clip_norm":0.5,"nominal_batch_size":6}}
      """
    let decoded = try JSONDecoder().decode(TrainingPlan.self, from: Data(old.utf8))
    #expect(decoded == (try plan(nil)))
  }

  @Test func tooMuchNoiseForTheGridIsRefusedWhenThePlanIsMade() throws {
    _ = try plan(.gaussian, multiplier: 2000)
    #expect(throws: PrivacyError.self) { try plan(.discreteGaussian, multiplier: 2000) }
    #expect(try ledger.spent().isEmpty)
  }
}
