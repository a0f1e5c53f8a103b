public import Compute

/// The sum of a branch's output and its input, or the output of a shortcut on that input.
public class Residual: Layer {
  /// The layers whose output is added.
  public let branch: [any Layer]
  /// The layers applied to the input before the sum; empty for the input itself.
  public let shortcut: [any Layer]
  /// The shape of one input example.
  public let inputShape: Shape
  /// The shape of one output example.
  public let outputShape: Shape

  /// Creates a sum; branch and shortcut have the same input and output shapes.
  public init(branch: [any Layer], shortcut: [any Layer], input: Shape) {
    let output = branch.chainedShape(from: input)
    precondition(
      output == shortcut.chainedShape(from: input),
      "a branch outputs \(output), its shortcut \(shortcut.chainedShape(from: input))")
    self.branch = branch
    self.shortcut = shortcut
    inputShape = input
    outputShape = output
  }

  /// What `describe` prints.
  public var summary: String {
    let names = branch.map(\.summary).joined(separator: ", ")
    guard !shortcut.isEmpty else { return "residual (\(names))" }
    return "residual (\(names) | \(shortcut.map(\.summary).joined(separator: ", ")))"
  }

  /// Repacks data that depend on the parameters.
  public func parametersChanged() {
    for layer in branch + shortcut { layer.parametersChanged() }
  }

  /// Computes the outputs of a micro-batch.
  public func forward(_ input: Tensor, in pass: Pass) -> Tensor {
    sum(branch.forward(input, in: pass), shortcut.forward(input, in: pass), outputShape, in: pass)
  }

  /// Computes the input's gradient, if it is needed, and keeps what `addGradient` needs.
  public func backward(
    _ outputGradient: Tensor, needsInputGradient: Bool, in pass: Pass
  ) -> Tensor? {
    let first = branch.backward(
      outputGradient, needsInputGradient: needsInputGradient, in: pass)
    let second = shortcut.backward(
      outputGradient, needsInputGradient: needsInputGradient, in: pass)
    guard let first, let second, needsInputGradient else { return nil }
    return sum(first, second, inputShape, in: pass)
  }

  /// Adds the sum over the batch to the store.
  public func addGradient(in pass: Pass) {
    for layer in branch + shortcut { layer.addGradient(in: pass) }
  }

  /// Returns the sum in a new tensor, because either side may be a view that others still need.
  private func sum(_ first: Tensor, _ second: Tensor, _ shape: Shape, in pass: Pass) -> Tensor {
    let result = pass.make(shape)
    result.copy(from: first)
    pass.machine.add(second, to: result)
    return result
  }
}

/// A residual sum whose layers treat every example separately.
public final class PerExampleResidual: Residual, PerExampleLayer {
  private let layers: [any PerExampleLayer]

  /// Creates a sum; branch and shortcut have the same input and output shapes.
  public init(
    branch: [any PerExampleLayer], shortcut: [any PerExampleLayer], input: Shape
  ) {
    layers = branch + shortcut
    super.init(branch: branch, shortcut: shortcut, input: input)
  }

  /// Adds each example's squared norm of the parameters' gradient.
  public func addSquaredGradientNorms(
    to norms: UnsafeMutableBufferPointer<Double>, in pass: Pass
  ) {
    for layer in layers { layer.addSquaredGradientNorms(to: norms, in: pass) }
  }

  /// Adds Σᵢ weightᵢ · gradientᵢ to the store.
  public func addGradient(weightedBy weights: Tensor?, in pass: Pass) {
    for layer in layers { layer.addGradient(weightedBy: weights, in: pass) }
  }
}

extension NetworkBuilder {
  /// Appends the sum of the output of `branch` and the input, or the output of `shortcut` on it.
  ///
  /// ```swift
  /// net.residual {
  ///   $0.convolution(64, kernel: 3, stride: 2, padding: 1)
  /// } shortcut: {
  ///   $0.convolution(64, kernel: 1, stride: 2)
  /// }
  /// ```
  public mutating func residual(
    _ branch: (inout NetworkBuilder) -> Void, shortcut: (inout NetworkBuilder) -> Void = { _ in }
  ) {
    let name = name("residual")
    append(
      PerExampleResidual(
        branch: layers(of: "\(name).branch.", branch),
        shortcut: layers(of: "\(name).shortcut.", shortcut), input: shape))
  }

  /// The layers that `build` appends to a branch of this network, starting from the current shape.
  func layers(
    of prefix: String, _ build: (inout NetworkBuilder) -> Void
  ) -> [any PerExampleLayer] {
    var builder = NetworkBuilder(
      input: shape, on: machine, parameters: parameters, prefix: prefix)
    build(&builder)
    return builder.layers
  }
}

extension PublicNetworkBuilder {
  /// Appends the sum of the output of `branch` and the input, or the output of `shortcut` on it.
  public mutating func residual(
    _ branch: (inout PublicNetworkBuilder) -> Void,
    shortcut: (inout PublicNetworkBuilder) -> Void = { _ in }
  ) {
    let name = name("residual")
    append(
      mixing: Residual(
        branch: layers(of: "\(name).branch.", branch),
        shortcut: layers(of: "\(name).shortcut.", shortcut), input: shape))
  }

  private func layers(
    of prefix: String, _ build: (inout PublicNetworkBuilder) -> Void
  ) -> [any Layer] {
    var builder = PublicNetworkBuilder(
      input: shape, on: machine, parameters: parameters, prefix: prefix)
    build(&builder)
    return builder.layers
  }
}
