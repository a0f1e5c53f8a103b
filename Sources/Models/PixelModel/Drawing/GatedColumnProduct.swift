import Compute

/// A connection of the network as a matrix product: one row of inputs per image (or per pixel).
struct GatedColumnProduct {
  private let plan: ConvolutionPlan
  private let bias: Tensor?

  /// A `geometry` with fewer kernel rows uses the first rows of the weights: the others are masked.
  init(
    _ connection: GatedStackLayout.Connection, geometry: ConvolutionGeometry? = nil,
    _ values: (String) -> Tensor, in memory: Arena, on machine: Machine
  ) {
    let whole = connection.geometry
    let geometry =
      geometry ?? .dense(inputs: whole.patchLength, outputs: whole.outputChannels)
    let weights = memory.make(Shape(geometry.weightCount))
    let masked = connection.maskedWeights(values("\(connection.name).weights"))
    weights.assign(Array(masked.prefix(geometry.weightCount)))
    bias = connection.hasBias ? memory.make(Shape(geometry.outputChannels)) : nil
    bias?.copy(from: values("\(connection.name).bias"))
    plan = ConvolutionPlan(geometry, form: .patch, on: machine)
    plan.setWeights(weights)
  }

  func run(_ input: Tensor, into output: Tensor, count: Int) {
    plan.forward(
      input.examples(from: 0, count: count), bias: bias,
      into: output.examples(from: 0, count: count))
  }
}
