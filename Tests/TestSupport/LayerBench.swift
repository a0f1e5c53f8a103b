import Compute
import Learning

/// A network of one or a few layers with random parameters, run on chosen inputs for a check.
struct LayerBench {
  let network: Network
  /// The same layers, if all treat examples separately.
  let layers: [any PerExampleLayer]?
  let machine: Machine

  init(
    input: Shape, seed: UInt64, threads: Int = 1, _ build: (inout NetworkBuilder) -> Void
  ) {
    machine = Machine(threadCount: threads)
    var builder = NetworkBuilder(input: input, on: machine)
    build(&builder)
    layers = builder.layers
    network = builder.network(seed: seed)
    randomize(seed: seed)
  }

  init(
    mixingInput input: Shape, seed: UInt64, threads: Int = 1,
    _ build: (inout PublicNetworkBuilder) -> Void
  ) {
    machine = Machine(threadCount: threads)
    var builder = PublicNetworkBuilder(input: input, on: machine)
    build(&builder)
    layers = nil
    network = builder.network(seed: seed)
    randomize(seed: seed)
  }

  /// Zeros and ones, which are the initial values of many parameters, would hide mistakes.
  private func randomize(seed: UInt64) {
    var stream = SeededStream(seed: seed ^ 0xA5A5)
    stream.fillGaussian(network.parameters.values, standardDeviation: 0.5)
    network.parametersChanged()
  }

  /// The results of one forward and one backward pass.
  struct Outcome: Equatable {
    var output: [Float]
    var inputGradient: [Float]
    var gradient: [Float]
    var norms: [Double]
  }

  /// Runs both passes on a batch; the gradient is weighted if `weights` are passed.
  ///
  /// If `wantsNorms`, norms are requested first, as in private training.
  func run(
    _ batch: LayerBatch, projection: [Float], weights: [Float]? = nil, wantsNorms: Bool
  ) -> Outcome {
    let pass = Pass(on: machine)
    pass.begin(exampleCount: batch.count, labels: batch.labels)
    let input = pass.make(network.inputShape)
    input.assign(batch.values)
    let output = network.forward(input, in: pass)
    let outputGradient = pass.make(network.outputShape)
    outputGradient.assign(projection)
    let kept = output.array
    let inputGradient = network.backward(outputGradient, needsInputGradient: true, in: pass)
    network.parameters.gradient.fill(0)
    var norms = [Double](repeating: 0, count: batch.count)
    if let layers {
      norms.withUnsafeMutableBufferPointer { buffer in
        guard wantsNorms else { return }
        for layer in layers { layer.addSquaredGradientNorms(to: buffer, in: pass) }
      }
      let tensor = weights.map { values in
        let tensor = pass.arena.make(Shape(values.count))
        tensor.assign(values)
        return tensor
      }
      for layer in layers { layer.addGradient(weightedBy: tensor, in: pass) }
    } else {
      network.addGradient(in: pass)
    }
    return Outcome(
      output: kept, inputGradient: inputGradient?.array ?? [],
      gradient: network.parameters.gradient.array, norms: norms)
  }

  /// Σ projection · output, in Double.
  func projectedOutput(_ batch: LayerBatch, projection: [Float]) -> Double {
    let pass = Pass(on: machine)
    pass.begin(exampleCount: batch.count, labels: batch.labels)
    let input = pass.make(network.inputShape)
    input.assign(batch.values)
    let output = network.forward(input, in: pass)
    return zip(output.buffer, projection).reduce(0) { $0 + Double($1.0) * Double($1.1) }
  }
}

/// Examples for a check of a layer.
struct LayerBatch {
  var values: [Float]
  var labels: [Int]
  let count: Int

  init(values: [Float], labels: [Int], count: Int) {
    self.values = values
    self.labels = labels
    self.count = count
  }

  /// Examples whose numbers are evenly spaced in −2…2 and shuffled: distinct and away from zero, so
  /// that a small step crosses no kink of a rectifier or a maximum.
  init(count: Int, shape: Shape, classes: Int, stream: inout SeededStream) {
    let size = shape.count + shape.count % 2
    let spaced = (0..<size).map { (Float($0) + 0.5) / Float(size) * 4 - 2 }
    values = (0..<count).flatMap { _ in spaced.shuffled(using: &stream).prefix(shape.count) }
    labels =
      classes == 0 ? [] : (0..<count).map { _ in Int.random(in: 0..<classes, using: &stream) }
    self.count = count
  }

  func example(_ index: Int) -> LayerBatch {
    let size = values.count / count
    return LayerBatch(
      values: Array(values[(index * size)..<((index + 1) * size)]),
      labels: labels.isEmpty ? [] : [labels[index]], count: 1)
  }
}
