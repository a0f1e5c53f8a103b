import Compute
public import Learning

/// The state of a model as named arrays and text, the content of a safetensors file.
///
/// It never contains randomness that privacy depends on: no noise key, no sampler state.
public struct Checkpoint: Sendable {
  /// A flat array and its extents.
  public struct Array: Sendable, Equatable {
    /// Extents, outermost first.
    public let shape: [Int]
    /// The elements.
    public let values: [Float]

    /// Creates an array.
    public init(shape: [Int], values: [Float]) {
      self.shape = shape
      self.values = values
    }
  }

  /// Why a checkpoint cannot be restored into a model.
  public enum Failure: Error, CustomStringConvertible {
    /// An array is missing.
    case missing(name: String)
    /// An array has other extents.
    case wrongShape(name: String, found: [Int], expected: [Int])
    /// A text entry is missing or cannot be parsed.
    case badMetadata(key: String, found: String?)

    /// What failed, what was expected and what to do.
    public var description: String {
      switch self {
      case .missing(let name):
        "checkpoint: array '\(name)' is missing. It belongs to another recipe or version."
      case .wrongShape(let name, let found, let expected):
        "checkpoint: array '\(name)' has shape \(found) (\(expected) expected). "
          + "It belongs to another recipe."
      case .badMetadata(let key, let found):
        "checkpoint: entry '\(key)' is \(found.map { "'\($0)'" } ?? "missing"). "
          + "Use an earlier checkpoint."
      }
    }
  }

  /// Arrays by name.
  public var tensors: [String: Array] = [:]
  /// Text by key.
  public var metadata: [String: String] = [:]

  /// Creates an empty checkpoint.
  public init() {}

  /// Saves every parameter of a network under `prefix`.
  public mutating func save(_ store: ParameterStore, as prefix: String) {
    for parameter in store.parameters {
      tensors["\(prefix).\(parameter.name)"] = Array(
        shape: parameter.shape.extents, values: store.values(of: parameter).array)
    }
  }

  /// Restores every parameter of a network from `prefix`.
  public func restore(_ store: ParameterStore, from prefix: String) throws {
    for parameter in store.parameters {
      let array = try array("\(prefix).\(parameter.name)", shape: parameter.shape.extents)
      store.values(of: parameter).assign(array.values)
    }
  }

  /// Saves an optimiser's state and step count under `prefix`.
  public mutating func save(_ optimizer: some Optimizer, as prefix: String) {
    for (name, tensor) in optimizer.state {
      tensors["\(prefix).\(name)"] = Array(shape: tensor.shape.extents, values: tensor.array)
    }
    metadata["\(prefix).step_count"] = String(optimizer.stepCount)
  }

  /// Restores an optimiser's state and step count from `prefix`.
  public func restore(_ optimizer: some Optimizer, from prefix: String) throws {
    for (name, tensor) in optimizer.state {
      tensor.assign(try array("\(prefix).\(name)", shape: tensor.shape.extents).values)
    }
    optimizer.stepCount = try count("\(prefix).step_count")
  }

  /// Saves an average of weights under `prefix`.
  public mutating func save(_ average: WeightAverage, as prefix: String) {
    for (name, tensor) in average.state {
      tensors["\(prefix).\(name)"] = Array(shape: tensor.shape.extents, values: tensor.array)
    }
    metadata["\(prefix).update_count"] = String(average.updateCount)
  }

  /// Restores an average of weights from `prefix`.
  public func restore(_ average: WeightAverage, from prefix: String) throws {
    for (name, tensor) in average.state {
      tensor.assign(try array("\(prefix).\(name)", shape: tensor.shape.extents).values)
    }
    average.updateCount = try count("\(prefix).update_count")
  }

  /// The array of this name and shape.
  public func array(_ name: String, shape: [Int]) throws -> Array {
    guard let array = tensors[name] else { throw Failure.missing(name: name) }
    guard array.shape == shape else {
      throw Failure.wrongShape(name: name, found: array.shape, expected: shape)
    }
    return array
  }

  /// A count from the text entries, between `least` and a bound that no training reaches.
  ///
  /// Counting continues from it, so a value at the end of the integer range would trap.
  public func count(_ key: String, atLeast least: Int = 0) throws -> Int {
    let count: Int = try value(key)
    guard (least...Self.largestCount).contains(count) else {
      throw Failure.badMetadata(key: key, found: metadata[key])
    }
    return count
  }

  private static let largestCount = 1 << 48

  /// A number or other simple value from the text entries.
  public func value<Value: LosslessStringConvertible>(_ key: String) throws -> Value {
    guard let text = metadata[key], let value = Value(text) else {
      throw Failure.badMetadata(key: key, found: metadata[key])
    }
    return value
  }
}
