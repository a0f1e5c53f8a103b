public import Compute

/// Builds a network as a list of layers; each method is defined in its layer's file.
///
/// ```swift
/// var net = NetworkBuilder(input: Shape(28, 28, 1), on: machine)
/// net.convolution(64, kernel: 4, stride: 2, padding: 1)
/// net.leakyReLU(0.2)
/// net.dense(1)
/// let network = net.network(seed: 1)
/// ```
public struct NetworkBuilder: LayerBuilder {
  /// Where the network will run.
  public let machine: Machine
  /// Where the layers declare their parameters.
  public let parameters: ParameterStore
  /// The layers so far, which all treat every example separately.
  public private(set) var layers: [any PerExampleLayer] = []
  /// The shape of one example after the layers so far.
  public private(set) var shape: Shape
  private var names: LayerNames

  /// Starts a network that takes examples of shape `input`.
  ///
  /// Branches of one network share `parameters` and differ in `prefix`.
  public init(
    input: Shape, on machine: Machine, parameters: ParameterStore = ParameterStore(),
    prefix: String = ""
  ) {
    self.machine = machine
    self.parameters = parameters
    names = LayerNames(prefix: prefix)
    shape = input
  }

  /// A unique name for the next layer of a kind, such as "convolution2".
  public mutating func name(_ kind: String) -> String {
    names.next(kind)
  }

  /// Appends a layer.
  public mutating func append(_ layer: any PerExampleLayer) {
    layers.append(layer)
    shape = layer.outputShape
  }

  /// The finished network, with parameters initialised from `seed`.
  public func network(seed: UInt64) -> Network {
    Network(layers, parameters: parameters, seed: seed)
  }
}
