public import Compute

/// Builds a network that never reads a private example, such as a generator.
///
/// It has all methods of `NetworkBuilder` and also accepts layers that mix the examples of a batch.
/// It cannot create a `PrivateNetwork`.
public struct PublicNetworkBuilder: LayerBuilder {
  /// Where the network will run.
  public let machine: Machine
  /// Where the layers declare their parameters.
  public let parameters: ParameterStore
  /// The layers so far.
  public private(set) var layers: [any Layer] = []
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

  /// Appends a layer that treats every example separately.
  public mutating func append(_ layer: any PerExampleLayer) {
    append(mixing: layer)
  }

  /// Appends a layer of any kind.
  public mutating func append(mixing layer: any Layer) {
    layers.append(layer)
    shape = layer.outputShape
  }

  /// The finished network, with parameters initialised from `seed`.
  public func network(seed: UInt64) -> Network {
    Network(layers, parameters: parameters, seed: seed)
  }
}
