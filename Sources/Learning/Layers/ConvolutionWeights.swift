package import Compute

/// The weights of a convolution or of its transpose: their per-example norms and weighted sums.
///
/// `image` is the larger side, which filters read, and `features` the smaller side, one row per
/// position. For a convolution, the image is its input and the features are the output's gradient;
/// for a transposed convolution it is the other way round. The gradient of the weights is the same:
/// Σₚ patchₚ featuresₚᵀ.
final class ConvolutionWeights {
  let plan: ConvolutionPlan
  private let store: ParameterStore
  private let weights: Parameter
  /// batch × weight count, while this micro-batch's gradients are built.
  private var exampleGradients: Tensor?

  init(
    _ geometry: ConvolutionGeometry, name: String, initialization: Initialization,
    parameters store: ParameterStore, on machine: Machine
  ) {
    self.store = store
    plan = ConvolutionPlan(geometry, on: machine)
    weights = store.declare(name, geometry.weightShape, initialization)
  }

  private var geometry: ConvolutionGeometry { plan.geometry }

  /// The exact form of the norm that is used.
  var normForm: String { plan.prefersGramNorms ? "Gram norms" : "explicit norms" }

  func parametersChanged() {
    plan.setWeights(store.values(of: weights))
  }

  /// Forgets the last micro-batch.
  func begin() {
    exampleGradients = nil
  }

  /// Adds each example's squared norm; explicit gradients are kept for the weighted sum.
  func addSquaredNorms(
    image: Tensor, features: Tensor, to norms: UnsafeMutableBufferPointer<Double>, in pass: Pass
  ) {
    guard plan.prefersGramNorms else {
      let gradients = pass.make(Shape(geometry.weightCount))
      plan.exampleWeightGradients(input: image, outputGradient: features, into: gradients)
      pass.machine.addSquaredNorms(ofRows: gradients, to: norms)
      exampleGradients = gradients
      return
    }
    plan.addSquaredNorms(input: image, outputGradient: features, to: norms)
    addRoundingAllowance(image: image, features: features, to: norms, in: pass)
  }

  /// Adds Σᵢ weightᵢ · gradientᵢ to the store.
  func addGradient(
    image: Tensor, features: Tensor, weightedBy exampleWeights: Tensor?, in pass: Pass
  ) {
    let target = store.gradient(of: weights)
    if let exampleGradients {
      pass.machine.addWeightedRows(exampleGradients, weights: exampleWeights, to: target)
    } else {
      plan.addWeightGradient(
        input: image, outputGradient: features, exampleWeights: exampleWeights, into: target)
    }
  }

  /// A bound on the rounding error of the sum of Gram products, relative to (Σₚ
  /// ‖patchₚ‖‖featuresₚ‖)².
  ///
  /// Products in single precision have errors of a few units of 2⁻²⁴; 2⁻¹⁹ covers blocked sums of
  /// thousands.
  static let roundingAllowance = 0x1p-19

  /// Rounds Gram norms up where terms of different positions cancel.
  ///
  /// The Gram form and the weighted sum add the positions' terms in different orders. If the terms
  /// cancel almost completely, a norm could come out smaller than that of the gradient that is
  /// really added. By the Cauchy–Schwarz inequality the terms are at most Σₚ‖patchₚ‖² ·
  /// Σₚ‖featuresₚ‖², and a pixel lies in at most ⌈kernel / stride⌉² patches. Computing xₚ·xᵩ as a
  /// sum over taps of products of pixels is another order of the same terms, which the
  /// Cauchy–Schwarz inequality bounds tap by tap: Σₜ ‖xₚₜ‖‖xᵩₜ‖ ≤ ‖xₚ‖‖xᵩ‖. `weightGradientGrowth`
  /// accounts for the form of the weighted sum itself.
  private func addRoundingAllowance(
    image: Tensor, features: Tensor, to norms: UnsafeMutableBufferPointer<Double>, in pass: Pass
  ) {
    let g = geometry
    let overlap = { (kernel: Int) in min((kernel + g.stride - 1) / g.stride, g.positionCount) }
    let share =
      Self.roundingAllowance * plan.weightGradientGrowth
      * Double(overlap(g.kernelHeight) * overlap(g.kernelWidth))
    let images = pass.squaredNorms(of: image)
    let rows = pass.squaredNorms(of: features)
    for index in norms.indices { norms[index] += share * images[index] * rows[index] }
  }
}

extension Pass {
  /// The squared norm of each example of a tensor.
  package func squaredNorms(of tensor: Tensor) -> [Double] {
    var norms = [Double](repeating: 0, count: exampleCount)
    norms.withUnsafeMutableBufferPointer { machine.addSquaredNorms(ofRows: tensor, to: $0) }
    return norms
  }
}
