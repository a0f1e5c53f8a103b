import Compute
import Datasets
import Learning
import Privacy

/// A classifier trained on the real images directly under differential privacy: the fair baseline.
///
/// If only a classifier is needed, synthetic images are unnecessary; they are worthwhile if a classifier
/// trained on them is nearly as good as this one. The network is the small one with bounded activations of
/// Papernot et al. (arXiv 2007.14191).
struct PrivateClassifier {
  /// The training plan.
  struct Plan: Sendable {
    let budget: PrivacyBudget
    /// The expected number of images in a step, and the number of steps.
    let batchSize: Int, stepCount: Int
    /// Adam's step size.
    let learningRate: Double

    /// The default plan for a set of `count` images and an effort of `epochs`.
    init(budget: PrivacyBudget, count: Int, epochs: Int) {
      self.budget = budget
      batchSize = max(1, min(512, count / 10))
      stepCount = max(1, count * epochs / batchSize)
      learningRate = 2e-3
    }
  }

  /// Accuracy on the test images.
  let accuracy: Double
  /// The cost of the training: at most the budget's epsilon.
  let epsilon: Double

  /// Trains within the plan's budget and tests.
  init(
    trainedOn images: LabelledImages, testedOn test: LabelledImages, _ plan: Plan, seed: UInt64,
    on machine: Machine, progress: (Double) throws -> Void = { _ in }
  ) throws {
    let probability = Double(plan.batchSize) / Double(images.count)
    let noise = try Calibration(budget: plan.budget)
      .noiseMultiplier(samplingProbability: probability, times: plan.stepCount)
    let mechanism = try SubsampledGaussian(
      samplingProbability: probability, noiseMultiplier: noise.noiseMultiplier, clipNorm: 1,
      nominalBatchSize: plan.batchSize)
    let network = Self.network(images, seed: seed, on: machine)
    let optimizer = Adam(
      for: network.parameters, AdamConstants(learningRate: Float(plan.learningRate)), on: machine)
    let sampler = PoissonSampler(probability: probability, candidateCount: images.count)
    var coins = NoiseStream()
    let pass = Pass(on: machine)
    for step in 0..<plan.stepCount {
      let batch = LabelledExamples(
        images: images, places: sampler.draw(using: &coins).map(Int.init))
      let sum = network.clippedSum(
        over: PrivateExamples(batch), loss: CategoricalCrossEntropy(), mechanism, in: pass)
      network.update(along: sum.noised(by: coins), by: optimizer)
      if step % 8 == 0 { try progress(Double(step) / Double(plan.stepCount)) }
    }
    epsilon = noise.epsilon
    accuracy = Self.accuracy(of: network.network, on: test, pass)
  }

  private static func network(
    _ images: LabelledImages, seed: UInt64, on machine: Machine
  ) -> PrivateNetwork {
    var net = NetworkBuilder(input: images.shape, on: machine)
    if min(images.shape[0], images.shape[1]) >= 20 {
      net.convolution(16, kernel: 8, stride: 2, padding: 3)
      net.tanh()
      net.averagePooling(2)
      net.convolution(32, kernel: 4, stride: 1)
      net.tanh()
      net.averagePooling(2)
      net.dense(32)
      net.tanh()
    }
    net.dense(images.classNames.count)
    return net.privateNetwork(seed: seed)
  }

  private static func accuracy(
    of network: Network, on images: LabelledImages, _ pass: Pass
  ) -> Double {
    let classCount = images.classNames.count
    var right = 0
    for start in stride(from: 0, to: images.count, by: 128) {
      let range = start..<min(images.count, start + 128)
      pass.begin(exampleCount: range.count, purpose: .sampling)
      let input = pass.make(images.shape)
      images.fill(input, at: range)
      let logits = network.forward(input, in: pass)
      for index in range {
        let row = logits.pointer + (index - start) * classCount
        if (0..<classCount).max(by: { row[$0] < row[$1] }) == images.labels[index] { right += 1 }
      }
    }
    return Double(right) / Double(max(1, images.count))
  }
}
