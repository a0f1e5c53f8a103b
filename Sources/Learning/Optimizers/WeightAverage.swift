public import Compute

/// An exponential moving average of a network's parameters, used to draw images.
///
/// The decay warms up as min(decay, (1 + n) / (10 + n)) after n updates, so that the average forgets
/// the initial values quickly.
public final class WeightAverage {
  /// The decay after warming up.
  public let decay: Double
  /// The number of updates so far.
  public var updateCount = 0
  /// The average, flat, in the layout of the parameters; to save and to restore in place.
  public let values: Tensor
  private let store: ParameterStore

  /// Creates an average of a sealed store that starts at the store's current values.
  public init(of parameters: ParameterStore, decay: Double) {
    precondition((0..<1).contains(decay), "decay \(decay) is not in 0..<1")
    self.decay = decay
    store = parameters
    values = parameters.makeCompanion()
    values.copy(from: parameters.values)
  }

  /// The average as a named flat tensor.
  public var state: [(name: String, tensor: Tensor)] { [("average", values)] }

  /// The decay of the next update.
  public var presentDecay: Double {
    min(decay, Double(1 + updateCount) / Double(10 + updateCount))
  }

  /// Updates the average with the current values of `parameters`.
  public func update(from parameters: ParameterStore) {
    precondition(parameters.count == values.count, "an average serves one layout")
    let share = Float(1 - presentDecay)
    let average = values.pointer
    let present = parameters.values.pointer
    for index in 0..<values.count { average[index] += share * (present[index] - average[index]) }
    updateCount += 1
  }

  /// Resets the average to the current parameters.
  public func restart() {
    values.copy(from: store.values)
    updateCount = 0
  }

  /// Sets `parameters` to the average; the caller must notify the network of the change.
  public func copy(to parameters: ParameterStore) {
    parameters.values.copy(from: values)
  }

  /// Runs `body` while `network` uses the average in place of its own parameters.
  public func withAverage<Result, Failure: Error>(
    in network: Network, _ body: () throws(Failure) -> Result
  ) throws(Failure) -> Result {
    precondition(network.parameters === store, "the average belongs to another network")
    exchange(with: network)
    defer { exchange(with: network) }
    return try body()
  }

  private func exchange(with network: Network) {
    let own = network.parameters.values.pointer
    for index in 0..<values.count { swap(&values.pointer[index], &own[index]) }
    network.parametersChanged()
  }
}
