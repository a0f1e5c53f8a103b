public import Compute

/// The initial values of a layer's parameters.
public enum Initialization: Hashable, Sendable {
  /// All zero.
  case zeros
  /// All one.
  case ones
  /// Normal with mean zero.
  case normal(standardDeviation: Float)
  /// Uniform between −bound and bound.
  case uniform(bound: Float)
}

/// One named array of parameters and its place in the store's buffers.
public struct Parameter: Sendable {
  /// Unique within the network, for example "convolution2.weights"; the key in checkpoints.
  public let name: String
  /// Its extents.
  public let shape: Shape
  /// The offset of its first element in the store's buffers.
  public let offset: Int
  /// Its initial values.
  public let initialization: Initialization
}

/// All parameters of a network in one buffer, and their gradient in another of the same layout.
///
/// Noise, optimiser, averaging and checkpoint each need only one loop over these buffers.
public final class ParameterStore: @unchecked Sendable {
  /// The parameters in the order of declaration.
  public private(set) var parameters: [Parameter] = []
  /// The values of all parameters, flat; available once sealed.
  public private(set) var values: Tensor
  /// The gradient of all parameters, flat; available once sealed.
  public private(set) var gradient: Tensor
  private let memory = Arena(blockByteCount: 1 << 16)
  private var sealed = false

  /// Creates an empty store.
  public init() {
    values = memory.make(Shape(0))
    gradient = memory.make(Shape(0))
  }

  /// The number of parameters, counted as floats.
  public var count: Int { (parameters.last.map { $0.offset + $0.shape.count }) ?? 0 }

  /// Reserves memory for a parameter; allowed only before `seal`.
  public func declare(_ name: String, _ shape: Shape, _ initialization: Initialization) -> Parameter
  {
    precondition(!sealed, "parameter \(name) was declared after the network was built")
    precondition(!parameters.contains { $0.name == name }, "parameter \(name) was declared twice")
    let parameter = Parameter(
      name: name, shape: shape, offset: count, initialization: initialization)
    parameters.append(parameter)
    return parameter
  }

  /// Allocates the buffers and sets the initial values from `seed`.
  public func seal(seed: UInt64) {
    precondition(!sealed, "a parameter store is sealed once")
    sealed = true
    values = memory.makeZeros(Shape(count))
    gradient = memory.makeZeros(Shape(count))
    var stream = SeededStream(seed: seed)
    for parameter in parameters { fill(parameter, from: &stream) }
  }

  /// The current values of a parameter.
  public func values(of parameter: Parameter) -> Tensor {
    Tensor(shape: parameter.shape, base: values.pointer + parameter.offset)
  }

  /// The gradient of a parameter.
  public func gradient(of parameter: Parameter) -> Tensor {
    Tensor(shape: parameter.shape, base: gradient.pointer + parameter.offset)
  }

  /// A buffer of the same layout, all zero: an optimiser's moment or an average.
  public func makeCompanion() -> Tensor {
    precondition(sealed, "companions follow the layout of a sealed store")
    return memory.makeZeros(Shape(count))
  }

  private func fill(_ parameter: Parameter, from stream: inout SeededStream) {
    let target = values(of: parameter)
    switch parameter.initialization {
    case .zeros: target.fill(0)
    case .ones: target.fill(1)
    case .normal(let deviation): stream.fillGaussian(target, standardDeviation: deviation)
    case .uniform(let bound):
      for index in 0..<target.count {
        target.pointer[index] = Float(2 * stream.uniform() - 1) * bound
      }
    }
  }
}
