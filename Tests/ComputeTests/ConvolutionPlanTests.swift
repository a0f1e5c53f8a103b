import Testing

@testable import Compute

/// Compares every case on every instruction set with the direct reference.
@Suite struct ConvolutionPlanTests {
  /// Rounding of float sums as normalised mean square: (2⁻²⁴)² times the growth of long sums.
  static let errorBound = 1e-12

  struct Example: CustomStringConvertible, Sendable {
    let geometry: ConvolutionGeometry
    let name: String, isa: String
    let exampleCount: Int
    var description: String { "\(name) \(isa)" }
    var kernels: Kernels { Kernels.named(isa) ?? .preferred }
  }

  /// The same for a sum of n terms in one sequence: each addition rounds by 2⁻²⁴/√3 of the partial
  /// sum, which yields 2⁻⁴⁸·n/6; the bound has a margin of one half more.
  static func errorBound(ofSumOf count: Int) -> Double { 0x1p-48 * Double(count) / 4 }

  static let cases =
    ConvolutionCases.edges + ConvolutionCases.layers + ConvolutionCases.transposed
  static let examples = examples(of: cases)

  static func examples(of cases: [ConvolutionCases.Case]) -> [Example] {
    cases.flatMap { entry in
      Kernels.available.map { kernels in
        // Layers are checked on two examples, edge cases on enough examples to exceed one unit of work.
        let heavy = entry.geometry.multiplyAdds > 2_000_000
        return Example(
          geometry: entry.geometry, name: entry.name, isa: kernels.name,
          exampleCount: heavy ? 2 : entry.geometry.multiplyAdds > 100_000 ? 3 : 13)
      }
    }
  }

  struct Data {
    let arena = Arena()
    let input: Tensor, outputGradient: Tensor, weights: Tensor, outputBias: Tensor
    let inputBias: Tensor, exampleWeights: Tensor

    init(_ g: ConvolutionGeometry, _ exampleCount: Int) {
      input = arena.make(
        g.inputShape.batched(exampleCount),
        randomFloats(g.inputShape.count * exampleCount, seed: 1))
      outputGradient = arena.make(
        g.outputShape.batched(exampleCount),
        randomFloats(g.outputShape.count * exampleCount, seed: 2))
      weights = arena.make(g.weightShape, randomFloats(g.weightCount, seed: 3))
      outputBias = arena.make(Shape(g.outputChannels), randomFloats(g.outputChannels, seed: 4))
      inputBias = arena.make(Shape(g.inputChannels), randomFloats(g.inputChannels, seed: 5))
      exampleWeights = arena.make(Shape(exampleCount), randomFloats(exampleCount, seed: 6))
    }
  }

  @Test(arguments: examples) func forwardMatchesReference(_ example: Example) {
    let g = example.geometry
    let data = Data(g, example.exampleCount)
    defer { withExtendedLifetime(data.arena) {} }
    let plan = ConvolutionPlan(g, on: Machine(threadCount: 2, kernels: example.kernels))
    plan.setWeights(data.weights)
    let output = data.arena.make(g.outputShape.batched(example.exampleCount))
    output.fill(.nan)
    plan.forward(data.input, bias: data.outputBias, into: output)
    let expected = DirectConvolution(g).forward(
      data.input.array, weights: data.weights.array, bias: data.outputBias.array)
    #expect(normalizedError(output.array, expected) < Self.errorBound)

    output.fill(.nan)
    plan.forward(data.input, bias: nil, into: output)
    let unbiased = DirectConvolution(g).forward(
      data.input.array, weights: data.weights.array, bias: nil)
    #expect(normalizedError(output.array, unbiased) < Self.errorBound)
  }

  @Test(arguments: examples) func backwardDataMatchesReference(_ example: Example) {
    let g = example.geometry
    let data = Data(g, example.exampleCount)
    defer { withExtendedLifetime(data.arena) {} }
    let plan = ConvolutionPlan(g, on: Machine(threadCount: 2, kernels: example.kernels))
    plan.setWeights(data.weights)
    let gradient = data.arena.make(g.inputShape.batched(example.exampleCount))
    gradient.fill(.nan)
    plan.backwardData(data.outputGradient, bias: data.inputBias, into: gradient)
    let expected = DirectConvolution(g).backwardData(
      data.outputGradient.array, weights: data.weights.array, bias: data.inputBias.array)
    #expect(normalizedError(gradient.array, expected) < Self.errorBound)
  }

  @Test(arguments: examples(of: ConvolutionCases.long))
  func patchesOfSeveralBlocksMatchReference(_ example: Example) {
    let g = example.geometry
    let data = Data(g, example.exampleCount)
    defer { withExtendedLifetime(data.arena) {} }
    let plan = ConvolutionPlan(g, on: Machine(threadCount: 2, kernels: example.kernels))
    plan.setWeights(data.weights)
    let output = data.arena.make(g.outputShape.batched(example.exampleCount))
    let gradient = data.arena.make(g.inputShape.batched(example.exampleCount))
    plan.forward(data.input, bias: data.outputBias, into: output)
    plan.backwardData(data.outputGradient, bias: data.inputBias, into: gradient)
    let reference = DirectConvolution(g)
    let weights = data.weights.array
    let outputs = reference.forward(
      data.input.array, weights: weights, bias: data.outputBias.array)
    let gradients = reference.backwardData(
      data.outputGradient.array, weights: weights, bias: data.inputBias.array)
    let taps = g.kernelHeight * g.kernelWidth
    #expect(
      normalizedError(output.array, outputs) < Self.errorBound(ofSumOf: g.inputChannels * taps))
    #expect(
      normalizedError(gradient.array, gradients) < Self.errorBound(ofSumOf: g.outputChannels * taps)
    )
  }

  @Test(arguments: examples) func weightGradientMatchesReference(_ example: Example) {
    let g = example.geometry
    let data = Data(g, example.exampleCount)
    defer { withExtendedLifetime(data.arena) {} }
    let plan = ConvolutionPlan(g, on: Machine(threadCount: 2, kernels: example.kernels))
    let each = DirectConvolution(g).weightGradients(
      data.input.array, outputGradient: data.outputGradient.array)

    let sum = data.arena.make(g.weightShape, randomFloats(g.weightCount, seed: 7))
    var expected = sum.array.map(Double.init)
    for (gradient, weight) in zip(each, data.exampleWeights.array) {
      for index in 0..<g.weightCount { expected[index] += gradient[index] * Double(weight) }
    }
    plan.addWeightGradient(
      input: data.input, outputGradient: data.outputGradient, exampleWeights: data.exampleWeights,
      into: sum)
    #expect(normalizedError(sum.array, expected) < Self.errorBound)

    let rows = data.arena.make(g.weightShape.batched(example.exampleCount))
    rows.fill(.nan)
    plan.exampleWeightGradients(
      input: data.input, outputGradient: data.outputGradient, into: rows)
    #expect(normalizedError(rows.array, each.flatMap { $0 }) < Self.errorBound)
  }

  /// Every example with each form that it supports.
  static let normCases = examples.flatMap { example in
    NormForm.allCases.filter { form in
      let g = example.geometry
      return switch form {
      // A Gram matrix of a thousand positions is unsuitable, and slow without vectors.
      case .patchGram: g.positionCount <= 800 || example.isa != "scalar"
      case .pixelGram: PixelGram.fits(g.simplified)
      default: true
      }
    }.map { (example, $0) }
  }

  @Test func everyFormOfTheNormIsCompared() {
    for form in NormForm.allCases { #expect(Self.normCases.contains { $0.1 == form }) }
  }

  @Test(arguments: normCases)
  func squaredNormsMatchReference(_ example: Example, _ form: NormForm) {
    let g = example.geometry
    let data = Data(g, example.exampleCount)
    defer { withExtendedLifetime(data.arena) {} }
    let plan = ConvolutionPlan(g, on: Machine(threadCount: 2, kernels: example.kernels))
    let each = DirectConvolution(g).weightGradients(
      data.input.array, outputGradient: data.outputGradient.array)
    var norms = [Double](repeating: 1, count: example.exampleCount)
    norms.withUnsafeMutableBufferPointer {
      plan.addSquaredNorms(
        input: data.input, outputGradient: data.outputGradient, form: form, to: $0)
    }
    for (norm, gradient) in zip(norms, each) {
      let expected = 1 + gradient.reduce(0) { $0 + $1 * $1 }
      #expect(abs(norm / expected - 1) < 1e-5)
    }
  }

  @Test func pixelGramIsUsedWherePatchesOverlap() {
    func form(_ kernel: Int, stride: Int, size: Int = 14) -> NormForm {
      let g = ConvolutionGeometry(
        inputHeight: size, inputWidth: size, inputChannels: 128, outputChannels: 256,
        kernelHeight: kernel, kernelWidth: kernel, stride: stride, padding: .all(0))
      return PatchGradient(g, on: Machine(threadCount: 1)).gramForm
    }
    #expect(form(3, stride: 1) == .pixelGram)
    #expect(form(4, stride: 2) == .pixelGram)
    #expect(form(2, stride: 2) == .patchGram)
    #expect(form(1, stride: 1) == .patchGram)
    // Its matrices would not fit in the L2 cache.
    #expect(form(3, stride: 1, size: 64) == .patchGram)
  }

  @Test(arguments: cases, [ConvolutionPlan.Form.fastest, .winograd])
  func bitsDoNotDependOnThreads(
    _ entry: ConvolutionCases.Case, _ form: ConvolutionPlan.Form
  ) {
    let g = entry.geometry
    let exampleCount = g.multiplyAdds > 2_000_000 ? 3 : 7
    let data = Data(g, exampleCount)
    defer { withExtendedLifetime(data.arena) {} }
    func run(_ threadCount: Int) -> [[UInt32]] {
      let machine = Machine(threadCount: threadCount)
      let plan = ConvolutionPlan(g, form: form, on: machine)
      plan.setWeights(data.weights)
      let output = data.arena.make(g.outputShape.batched(exampleCount))
      let gradient = data.arena.make(g.inputShape.batched(exampleCount))
      let sum = data.arena.makeZeros(g.weightShape)
      let rows = data.arena.make(g.weightShape.batched(exampleCount))
      plan.forward(data.input, bias: data.outputBias, into: output)
      plan.backwardData(data.outputGradient, into: gradient)
      plan.addWeightGradient(
        input: data.input, outputGradient: data.outputGradient,
        exampleWeights: data.exampleWeights, into: sum)
      plan.exampleWeightGradients(
        input: data.input, outputGradient: data.outputGradient, into: rows)
      var norms = [Double](repeating: 0, count: exampleCount)
      norms.withUnsafeMutableBufferPointer {
        plan.addSquaredNorms(input: data.input, outputGradient: data.outputGradient, to: $0)
      }
      return [output, gradient, sum, rows].map { $0.array.map(\.bitPattern) }
        + [norms.flatMap { [UInt32(truncatingIfNeeded: $0.bitPattern)] }]
    }
    let one = run(1)
    #expect(run(2) == one)
    #expect(run(3) == one)
  }

  @Test(arguments: [ConvolutionPlan.Form.fastest, .winograd])
  func bitsDoNotDependOnBatchSize(_ form: ConvolutionPlan.Form) {
    for entry in ConvolutionCases.edges {
      let g = entry.geometry
      let data = Data(g, 9)
      defer { withExtendedLifetime(data.arena) {} }
      let plan = ConvolutionPlan(g, form: form, on: Machine(threadCount: 1))
      plan.setWeights(data.weights)
      let whole = data.arena.make(g.outputShape.batched(9))
      plan.forward(data.input, bias: nil, into: whole)
      let single = data.arena.make(g.outputShape.batched(1))
      plan.forward(data.input.examples(from: 4, count: 1), bias: nil, into: single)
      #expect(single.array == whole.examples(from: 4, count: 1).array, "\(entry)")
    }
  }
}
