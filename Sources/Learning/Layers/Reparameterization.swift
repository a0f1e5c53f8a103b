public import Compute
import Glibc

/// Draws a code from the normal distribution that an encoder found for an image, so that gradients pass
/// through it (Kingma and Welling 2013, arXiv 1312.6114, section 2.4).
///
/// The input holds n means and then n numbers r, from which the logarithms of the variances follow as
/// b·tanh(r / b) with b = 8, a smooth bound that no exponential of them overflows. The output is
/// z = mean + exp(log variance / 2) · noise.
///
/// The backward pass adds the gradient of the weighted divergence (Kullback and Leibler's) of that distribution
/// from the standard normal one. The gradients of all earlier layers, and their norms, are then those of the
/// whole negative evidence bound, if the loss behind the decoder is minus the log-likelihood.
///
/// Noise follows from the key of the image (`KeyedImages`), the seed and the round alone. So it differs between
/// steps, and it depends neither on threads nor on the other images of a batch.
public final class Reparameterization: ParameterFreeLayer {
  /// The bound of the logarithms of variances.
  public static let logVarianceBound = 8.0

  /// The shape of one input example: 2·n numbers.
  public let inputShape: Shape
  /// The shape of one output example: n numbers.
  public let outputShape: Shape
  /// The weight of the divergence in the gradient.
  public var divergenceWeight: Double
  /// The number of the step; each has noise of its own.
  public var round: UInt64 = 0
  private let images: KeyedImages?
  private let seed: UInt64
  private var input: Tensor?
  private var logVariances: Tensor?
  private var noise: Tensor?

  /// Creates the layer for 2·n numbers.
  ///
  /// - Parameters:
  ///   - images: the first layer of the network; nil for the same noise for every example.
  ///   - seed: distinguishes trainings.
  public init(
    input: Shape, images: KeyedImages?, seed: UInt64, divergenceWeight: Double = 1
  ) {
    precondition(input.rank == 1 && input.count.isMultiple(of: 2), "as many means as variances")
    inputShape = input
    outputShape = Shape(input.count / 2)
    self.images = images
    self.seed = seed
    self.divergenceWeight = divergenceWeight
  }

  /// What `describe` prints.
  public var summary: String { "codes of \(outputShape.count) numbers, drawn" }

  /// Computes the outputs of a micro-batch.
  public func forward(_ input: Tensor, in pass: Pass) -> Tensor {
    let count = outputShape.count
    let output = pass.make(outputShape)
    let logVariances = pass.make(outputShape)
    let noise = pass.make(outputShape)
    for example in 0..<pass.exampleCount {
      var stream = Self.stream(key: images?.keys[example] ?? 0, seed: seed, round: round)
      let numbers = input.pointer + example * 2 * count
      for index in 0..<count {
        let place = example * count + index
        let logVariance = Self.bounded(Double(numbers[count + index]))
        let drawn = stream.gaussian()
        logVariances.pointer[place] = Float(logVariance)
        noise.pointer[place] = Float(drawn)
        output.pointer[place] = Float(Double(numbers[index]) + exp(logVariance / 2) * drawn)
      }
    }
    self.input = input
    self.logVariances = logVariances
    self.noise = noise
    return output
  }

  /// Computes the input's gradient, with that of the weighted divergence.
  public func backward(
    _ outputGradient: Tensor, needsInputGradient: Bool, in pass: Pass
  ) -> Tensor? {
    guard needsInputGradient else { return nil }
    guard let input, let logVariances, let noise else {
      preconditionFailure("backward before forward")
    }
    let count = outputShape.count
    let inputGradient = pass.make(inputShape)
    for example in 0..<pass.exampleCount {
      let numbers = input.pointer + example * 2 * count
      let target = inputGradient.pointer + example * 2 * count
      for index in 0..<count {
        let place = example * count + index
        let slope = Double(outputGradient.pointer[place])
        let logVariance = Double(logVariances.pointer[place])
        let meanSlope = divergenceWeight * Double(numbers[index])
        let varianceSlope = divergenceWeight * (exp(logVariance) - 1) / 2
        let drawn = Double(noise.pointer[place]) * exp(logVariance / 2) / 2
        let share = logVariance / Self.logVarianceBound
        target[index] = Float(slope + meanSlope)
        target[count + index] = Float((slope * drawn + varianceSlope) * (1 - share * share))
      }
    }
    return inputGradient
  }

  /// The divergence of each example's distribution from the standard normal one, in nats, without the weight:
  /// half the sum of variance + mean² − 1 − log variance (arXiv 1312.6114, appendix B).
  public func divergences(in pass: Pass) -> [Double] {
    (0..<pass.exampleCount).map { example in
      let (means, logVariances) = distribution(of: example)
      return zip(means, logVariances).reduce(0) { sum, next in
        sum + (exp(next.1) + next.0 * next.0 - 1 - next.1) / 2
      }
    }
  }

  /// The means and the logarithms of variances that the last forward pass found for an example.
  public func distribution(of example: Int) -> (means: [Double], logVariances: [Double]) {
    guard let input, let logVariances else { preconditionFailure("a distribution before forward") }
    let count = outputShape.count
    return (
      (0..<count).map { Double(input.pointer[example * 2 * count + $0]) },
      (0..<count).map { Double(logVariances.pointer[example * count + $0]) }
    )
  }

  /// The stream of an image's noise.
  public static func stream(key: UInt64, seed: UInt64, round: UInt64) -> SeededStream {
    // One number of the first stream seeds the second, so that keys, seeds and rounds do not cancel.
    var mixed = SeededStream(seed: key &+ seed &* 0xD134_2543_DE82_EF95)
    return SeededStream(seed: mixed.next() &+ round &* 0x9E37_79B9_7F4A_7C15)
  }

  private static func bounded(_ number: Double) -> Double {
    logVarianceBound * Glibc.tanh(number / logVarianceBound)
  }
}

extension LayerBuilder {
  /// Appends codes drawn from means and variances, half as many numbers as now, and returns the layer.
  @discardableResult
  public mutating func reparameterization(
    images: KeyedImages? = nil, seed: UInt64 = 0, divergenceWeight: Double = 1
  ) -> Reparameterization {
    let layer = Reparameterization(
      input: shape, images: images, seed: seed, divergenceWeight: divergenceWeight)
    append(layer)
    return layer
  }
}
