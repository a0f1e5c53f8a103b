public import Compute

/// Features of unit length: the activations of frozen networks, side by side, divided by their norm.
///
/// Frozen networks with random weights keep much of what distinguishes images, and reading them costs no
/// privacy. Because every image has features of the same norm, sums of them have a known sensitivity.
public final class FeatureMap {
  /// The shape of an image.
  public let shape: Shape
  /// Numbers in the features of an image.
  public let dimension: Int
  private let branches: [Branch]
  /// What `features` computed last, for `imageGradient`.
  private var last: (features: Tensor, lengths: [Float])?

  /// A network, the weight of its activations, and its memory.
  private struct Branch {
    let network: Network
    let weight: Float
    let pass: Pass
    var size: Int { network.outputShape.count }
  }

  /// Joins networks that all read images of `shape`, each with the weight of its activations.
  public init(
    _ networks: [(network: Network, weight: Float)], of shape: Shape, on machine: Machine
  ) {
    precondition(
      networks.contains { $0.weight != 0 }
        && networks.allSatisfy { $0.network.inputShape == shape },
      "features come from networks that read images of \(shape)")
    self.shape = shape
    branches = networks.map {
      Branch(network: $0.network, weight: $0.weight, pass: Pass(on: machine))
    }
    dimension = branches.reduce(0) { $0 + $1.size }
  }

  /// Forgets the images whose features were written last: they may be private.
  func forget() {
    last = nil
    for branch in branches { branch.pass.end() }
  }

  /// Writes the features of images (examples × shape, in [−1, 1]) into examples × `dimension`.
  ///
  /// Black counts as zero, so that plain grounds do not decide the direction.
  public func write(of images: Tensor, to target: Tensor) {
    let count = images.shape[0]
    var first = 0
    for branch in branches {
      branch.pass.begin(exampleCount: count)
      let input = branch.pass.make(shape)
      for index in 0..<input.count { input.pointer[index] = 0.5 + 0.5 * images.pointer[index] }
      let output = branch.network.forward(input, in: branch.pass)
      for example in 0..<count {
        let place = target.pointer + example * dimension + first
        let source = output.pointer + example * branch.size
        for index in 0..<branch.size { place[index] = branch.weight * source[index] }
      }
      first += branch.size
    }
    let lengths = (0..<count).map { example in
      Self.normalize(target.pointer + example * dimension, dimension)
    }
    last = (target, lengths)
  }

  /// The gradient with respect to the images whose features were written last, in the same memory until the
  /// next call; `gradient` is that with respect to the features.
  public func imageGradient(of gradient: Tensor) -> Tensor {
    guard let last else { preconditionFailure("features come before their gradient") }
    let count = gradient.shape[0]
    tangents(gradient, last.features, last.lengths)
    var first = 0
    var sum: Tensor?
    for branch in branches {
      let outputs = branch.pass.make(branch.network.outputShape)
      for example in 0..<count {
        let source = gradient.pointer + example * dimension + first
        let place = outputs.pointer + example * branch.size
        for index in 0..<branch.size { place[index] = 0.5 * branch.weight * source[index] }
      }
      first += branch.size
      let part = branch.network.backward(outputs, needsInputGradient: true, in: branch.pass)
      guard let part else { continue }
      if let sum {
        for index in 0..<sum.count { sum.pointer[index] += part.pointer[index] }
      } else {
        sum = part
      }
    }
    guard let sum else { preconditionFailure("a network has a gradient with respect to its input") }
    return sum
  }

  /// Replaces a gradient with respect to unit vectors by that with respect to the vectors before division.
  private func tangents(_ gradient: Tensor, _ features: Tensor, _ lengths: [Float]) {
    for (example, length) in lengths.enumerated() {
      let slope = gradient.pointer + example * dimension
      let unit = features.pointer + example * dimension
      guard length > 0 else {
        for index in 0..<dimension { slope[index] = 0 }
        continue
      }
      var along: Float = 0
      for index in 0..<dimension { along += slope[index] * unit[index] }
      for index in 0..<dimension { slope[index] = (slope[index] - along * unit[index]) / length }
    }
  }

  /// Divides a vector by its norm and returns the norm; a vector without a finite, positive one becomes zero.
  private static func normalize(_ vector: UnsafeMutablePointer<Float>, _ count: Int) -> Float {
    var square = 0.0
    for index in 0..<count { square += Double(vector[index]) * Double(vector[index]) }
    let norm = square.squareRoot()
    guard norm.isFinite, norm > 1e-12 else {
      for index in 0..<count { vector[index] = 0 }
      return 0
    }
    let factor = Float(1 / norm)
    for index in 0..<count { vector[index] *= factor }
    return Float(norm)
  }
}
