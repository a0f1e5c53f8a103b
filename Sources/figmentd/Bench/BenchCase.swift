import Compute

/// One operation on one shape.
struct BenchCase {
  let operation: String
  let shape: String
  let batch: Int
  /// Floating-point operations; nil if the case is not bound by arithmetic.
  let operations: Double?
  /// The unit of the throughput, and the number of units per run.
  let item: String, itemCount: Int
  /// Allocates the operands and returns the body to measure.
  let prepare: (Machine) -> () -> Void

  /// Whether the operation or shape contains `filter`.
  func matches(_ filter: String?) -> Bool {
    guard let filter = filter?.lowercased() else { return true }
    return "\(operation) \(shape)".lowercased().contains(filter)
  }

  /// All cases at a batch size.
  static func all(batch: Int) -> [BenchCase] {
    steps(batch: batch) + pixelModel(batch: batch)
      + ConvolutionCases.layers.flatMap { convolution($0, batch: batch, isTransposed: false) }
      + ConvolutionCases.transposed.flatMap { convolution($0, batch: batch, isTransposed: true) }
      + flat
  }

  /// The passes of a layer.
  ///
  /// A transposed convolution runs the plan of the convolution that it transposes, with input and
  /// output exchanged.
  private static func convolution(
    _ entry: ConvolutionCases.Case, batch: Int, isTransposed: Bool
  ) -> [BenchCase] {
    let geometry = entry.geometry
    let operations = 2 * Double(geometry.multiplyAdds) * Double(batch)
    func make(
      _ operation: String, counting: Double? = operations,
      _ body: @escaping (ConvolutionOperands) -> Void
    ) -> BenchCase {
      BenchCase(
        operation: operation, shape: entry.name, batch: batch, operations: counting, item: "ex",
        itemCount: batch
      ) { machine in
        let operands = ConvolutionOperands(geometry, batch: batch, on: machine)
        return { body(operands) }
      }
    }
    let readsInput = make(isTransposed ? "backward-data" : "forward") {
      $0.plan.forward($0.input, bias: isTransposed ? nil : $0.outputBias, into: $0.output)
    }
    let readsOutput = make(isTransposed ? "forward" : "backward-data") {
      $0.plan.backwardData($0.output, bias: isTransposed ? $0.inputBias : nil, into: $0.input)
    }
    return [
      isTransposed ? readsOutput : readsInput,
      isTransposed ? readsInput : readsOutput,
      make("backward-weights") {
        $0.plan.addWeightGradient(input: $0.input, outputGradient: $0.output, into: $0.weights)
      },
      make("squared-norms", counting: nil) { operands in
        operands.norms.withUnsafeMutableBufferPointer {
          operands.plan.addSquaredNorms(
            input: operands.input, outputGradient: operands.output, to: $0)
        }
      },
    ]
  }
}

extension BenchCase {
  /// Element-wise loops over as many values as a discriminator has parameters.
  fileprivate static var flat: [BenchCase] {
    let count = 1_700_000
    func make(
      _ operation: String, _ body: @escaping (Machine, FlatOperands) -> Void
    ) -> BenchCase {
      BenchCase(
        operation: operation, shape: "\(count) values", batch: 1, operations: nil, item: "val",
        itemCount: count
      ) { machine in
        let operands = FlatOperands(count: count)
        return { body(machine, operands) }
      }
    }
    return [
      make("noise") { machine, operands in
        operands.noise.addGaussian(to: operands.x, standardDeviation: 1e-3, on: machine)
      },
      make("adam") { machine, operands in
        machine.adam(
          parameters: operands.x, gradient: operands.y, firstMoment: operands.m,
          secondMoment: operands.v, step: 10, AdamConstants(learningRate: 1e-4))
      },
      make("leaky-relu") { machine, operands in
        machine.leakyReLU(operands.x, slope: 0.2, into: operands.y)
      },
      make("tanh") { machine, operands in machine.tanh(operands.x, into: operands.y) },
      make("add") { machine, operands in
        machine.add(operands.x, scaledBy: 1e-3, to: operands.y)
      },
    ]
  }
}

/// Flat buffers of the optimiser's size.
private final class FlatOperands {
  let x: Tensor, y: Tensor, m: Tensor, v: Tensor
  let noise = NoiseStream()
  private let arena = Arena()

  init(count: Int) {
    x = arena.make(Shape(count))
    y = arena.make(Shape(count))
    m = arena.makeZeros(Shape(count))
    v = arena.makeZeros(Shape(count))
    var stream = SeededStream(seed: 2)
    stream.fillGaussian(x, standardDeviation: 1)
    stream.fillGaussian(y, standardDeviation: 1)
  }
}

/// Tensors of one convolution, filled with normal numbers.
private final class ConvolutionOperands {
  let plan: ConvolutionPlan
  let input: Tensor, output: Tensor, weights: Tensor
  let inputBias: Tensor, outputBias: Tensor
  var norms: [Double]
  private let arena = Arena(blockByteCount: 1 << 20)

  init(_ geometry: ConvolutionGeometry, batch: Int, on machine: Machine) {
    plan = ConvolutionPlan(geometry, on: machine)
    input = arena.make(geometry.inputShape.batched(batch))
    output = arena.make(geometry.outputShape.batched(batch))
    weights = arena.make(geometry.weightShape)
    inputBias = arena.make(Shape(geometry.inputChannels))
    outputBias = arena.make(Shape(geometry.outputChannels))
    norms = [Double](repeating: 0, count: batch)
    var stream = SeededStream(seed: 1)
    for tensor in [input, output, weights, inputBias, outputBias] {
      stream.fillGaussian(tensor, standardDeviation: 0.01)
    }
    plan.setWeights(weights)
  }
}
