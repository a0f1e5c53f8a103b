import Compute
import Learning

/// A generator that never reads a private image, and the running average of its weights, which draws the
/// images: what families that draw from latent vectors have in common.
struct AveragedGenerator {
  /// The network in training.
  let network: Network
  /// The memory of its micro-batches.
  let pass: Pass
  /// The running average of its weights.
  let average: WeightAverage
  private let latentSize: Int
  private let format: ImageSpecification

  /// A generator of this width with weights from `seed`.
  init(
    width: Int, latentSize: Int, normalization: DCGANNetworks.GeneratorNormalization = .none,
    averageDecay: Double, for format: ImageSpecification, seed: UInt64, on machine: Machine
  ) {
    self.latentSize = latentSize
    self.format = format
    network = DCGANNetworks.generator(
      width: width, latentSize: latentSize, normalization: normalization, for: format, seed: seed,
      on: machine)
    pass = Pass(on: machine)
    average = WeightAverage(of: network.parameters, decay: averageDecay)
  }

  /// The parameters in training.
  var parameters: ParameterStore { network.parameters }

  /// Latent vectors for images of these labels, from the current state of `stream`.
  func latents(for labels: [Int], from stream: inout SeededStream) -> LatentVectors {
    LatentVectors(
      size: latentSize, labels: labels, classCount: format.classes.count, stream: &stream)
  }

  /// The images of some latent vectors, in the memory of `pass`.
  ///
  /// For sampling, an image does not depend on the others of the range.
  func images(
    _ range: Range<Int>, of latents: LatentVectors, for purpose: Pass.Purpose = .training
  ) -> Tensor {
    latents.generate(range, with: network, for: purpose, in: pass)
  }

  /// Adds the parameters' gradient that follows from that of the images drawn last.
  func addGradient(ofImages gradient: Tensor) {
    network.backward(gradient, needsInputGradient: false, in: pass)
    network.addGradient(in: pass)
  }

  /// Moves the weights along the gradient that was added up, divided by `count`, and averages them.
  func update(dividingBy count: Int, by optimizer: some Optimizer) {
    pass.machine.scale(parameters.gradient, by: 1 / Float(count))
    optimizer.update(parameters, along: parameters.gradient)
    network.parametersChanged()
    average.update(from: parameters)
  }

  /// Draws the images of a request with the averaged weights, as `GenerativeModel.sample` does.
  func sample(
    _ request: SampleRequest, _ receive: (_ first: Int, _ images: Tensor) throws -> Void
  ) throws {
    // One micro-batch at a time, so that memory does not grow with the number of images.
    var stream = SeededStream(seed: request.seed)
    let size = PrivateNetwork.defaultMicroBatchSize
    try average.withAverage(in: network) {
      for first in stride(from: 0, to: request.labels.count, by: size) {
        let latents = latents(for: Array(request.labels[first...].prefix(size)), from: &stream)
        try receive(first, images(0..<latents.count, of: latents, for: .sampling))
      }
    }
  }

  /// Saves weights and average.
  func save(into checkpoint: inout Checkpoint) {
    checkpoint.save(parameters, as: Self.name)
    checkpoint.save(average, as: Self.averageName)
  }

  /// Restores what `save` saved.
  func restore(from checkpoint: Checkpoint) throws {
    try checkpoint.restore(parameters, from: Self.name)
    try checkpoint.restore(average, from: Self.averageName)
    network.parametersChanged()
  }

  /// Saves the averaged weights alone: the part that may be released.
  func saveAverage(into checkpoint: inout Checkpoint) {
    average.withAverage(in: network) { checkpoint.save(parameters, as: Self.name) }
  }

  /// Restores what `saveAverage` saved, to draw with.
  func restoreAverage(from checkpoint: Checkpoint) throws {
    try checkpoint.restore(parameters, from: Self.name)
    average.restart()
    network.parametersChanged()
  }

  private static let name = "generator"
  private static let averageName = "generator_average"
}
