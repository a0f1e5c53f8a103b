import Compute
import Learning

/// The encoder and the decoder of a convolutional variational autoencoder as one chain of layers.
///
/// The encoder halves the image by convolutions of 4×4 with stride 2, each with twice the channels, and ends with
/// means and variances of a code. The decoder mirrors it by transposed convolutions and ends with the outputs of a
/// distribution for each pixel. The class is a bias in every layer; at the seed of the decoder it is a bias of every
/// number, from which the shape of a class is learnt first.
struct VAENetwork {
  /// The slope of every leaky rectifier.
  private static let slope: Float = 0.2
  /// The initial class biases: far enough apart that classes are seen immediately.
  private static let classSpread = Initialization.normal(standardDeviation: 0.5)

  /// The whole chain, which learns.
  let network: PrivateNetwork
  /// Remembers the images of a pass.
  let images: KeyedImages
  /// Draws the codes.
  let codes: Reparameterization
  /// The layers from the image to the code.
  let encoder: [any PerExampleLayer]
  /// The layers from the code to the outputs of the pixels' distributions.
  let decoder: [any PerExampleLayer]

  /// The network of `settings`, with weights and noise from `seed`.
  init(
    _ settings: VAESettings, for format: ImageSpecification, outputCount: Int, seed: UInt64,
    on machine: Machine
  ) {
    var net = NetworkBuilder(input: format.shape, on: machine)
    let classes = format.classes.count > 1 ? format.classes.count : nil
    images = KeyedImages(input: format.shape)
    net.append(images)
    var shapes = [format.shape]
    for level in 0..<settings.depth {
      net.convolution(settings.channels << level, kernel: 4, stride: 2, padding: 1)
      Self.addActivation(settings, classes: classes, to: &net)
      shapes.append(net.shape)
    }
    let last = net.shape
    net.dense(
      2 * settings.latentSize,
      initialization: .normal(standardDeviation: 0.5 / Float(last.count).squareRoot()))
    codes = net.reparameterization(
      images: images, seed: seed, divergenceWeight: settings.divergenceWeight)
    let encoderCount = net.layers.count
    net.dense(last.count)
    if let classes { net.classBias(classes: classes, initialization: Self.classSpread) }
    net.reshape(last)
    net.leakyReLU(Self.slope)
    for level in (0..<settings.depth).reversed() {
      let isLast = level == 0
      let target = shapes[level]
      // Small first outputs: no level of a pixel is likelier than another before the first step.
      let taps = Float(4 * net.shape[2])
      net.transposedConvolution(
        isLast ? outputCount : target[2], kernel: 4, stride: 2, padding: 1,
        outputHeight: target[0], outputWidth: target[1],
        initialization: isLast ? .normal(standardDeviation: (0.2 / taps).squareRoot()) : nil)
      if !isLast { Self.addActivation(settings, classes: classes, to: &net) }
    }
    encoder = Array(net.layers.prefix(encoderCount))
    decoder = Array(net.layers.dropFirst(encoderCount))
    network = net.privateNetwork(seed: seed)
  }

  private static func addActivation(
    _ settings: VAESettings, classes: Int?, to net: inout NetworkBuilder
  ) {
    if settings.normalization == .group {
      net.groupNorm(groups: DCGANNetworks.groupCount(ofChannels: net.shape[2]))
    }
    if let classes { net.classBias(classes: classes, initialization: classSpread) }
    net.leakyReLU(slope)
  }

  /// The outputs of the pixels' distributions for codes (examples × code).
  func decode(_ values: Tensor, in pass: Pass) -> Tensor {
    (decoder as [any Layer]).forward(values, in: pass)
  }
}

/// Minus the evidence bound of each image in nats, with the weight of its divergence: minus the log-likelihood of
/// the image under its drawn code, and the weighted divergence of the code's distribution (arXiv 1312.6114,
/// equation 3).
///
/// The gradient with respect to the outputs is that of the likelihood; the layer that draws the codes adds that
/// of the divergence.
struct EvidenceLoss: Loss {
  let pixels: PixelLoss
  let codes: Reparameterization

  func evaluate(
    _ output: Tensor, gradient: Tensor, values: UnsafeMutableBufferPointer<Double>?, in pass: Pass
  ) {
    pixels.evaluate(output, gradient: gradient, values: values, in: pass)
    guard let values else { return }
    for (example, divergence) in codes.divergences(in: pass).enumerated() {
      values[example] += codes.divergenceWeight * divergence
    }
  }
}
