import Testing

@testable import Compute

/// Minimal filtering: the algorithm of one axis in exact arithmetic, and the product built from it.
@Suite struct WinogradTests {
  struct AxisCase: CustomStringConvertible, Sendable {
    let count: Int, step: Int, start: Int, tapCount: Int, extent: Int
    var description: String {
      "\(count) of \(tapCount) taps, \(step) apart, from \(start) of \(extent)"
    }
  }

  static let axes: [AxisCase] = (0...7).flatMap { count in
    [(1, 1), (1, 2), (1, 3), (2, 1), (2, 2), (2, 3), (2, 4), (2, 5), (3, 4)].flatMap { step, taps in
      [0, -1, -3].flatMap { start in
        [1, 4, 9, 20].map {
          AxisCase(count: count, step: step, start: start, tapCount: taps, extent: $0)
        }
      }
    }
  }

  /// Small integers times halves and quarters are exact, so both results must be equal.
  @Test(arguments: axes) func axisComputesTheSumsOverItsTaps(_ axis: AxisCase) throws {
    let winograd = try #require(
      WinogradAxis(
        count: axis.count, step: axis.step, start: axis.start, tapCount: axis.tapCount,
        extent: axis.extent))
    let pixels = (0..<axis.extent).map { Float($0 * $0 % 7 - 3) }
    let taps = (0..<axis.tapCount).map { Float(4 * ($0 * 5 % 3) + 2) }
    func sum(_ terms: [WinogradAxis.Term], of values: [Float]) -> Float {
      terms.reduce(0) { $0 + $1.factor * values[$1.index] }
    }
    let products = winograd.products.map { product in
      product.entries.reduce(0) {
        $0 + sum($1.source, of: pixels) * sum(winograd.tapSums[$1.taps], of: taps)
      }
    }
    #expect(winograd.targets.count == axis.count)
    for (target, terms) in winograd.targets.enumerated() {
      let expected = (0..<axis.tapCount).reduce(Float(0)) { total, tap in
        let pixel = axis.start + target * axis.step + tap
        return pixels.indices.contains(pixel) ? total + pixels[pixel] * taps[tap] : total
      }
      #expect(sum(terms, of: products) == expected)
    }
    #expect(winograd.entryCount <= winograd.directEntryCount)
    for product in winograd.products {
      #expect(product.entries.map(\.taps) == winograd.kinds[product.kind])
    }
  }

  @Test func axisUsesTheFewestProducts() throws {
    func counts(_ count: Int, step: Int, taps: Int, extent: Int) throws -> [Int] {
      let axis = try #require(
        WinogradAxis(count: count, step: step, start: -1, tapCount: taps, extent: extent))
      return [axis.entryCount, axis.directEntryCount]
    }
    // Pairs of outputs: four products instead of six, three instead of four; taps in the padding are skipped.
    #expect(try counts(28, step: 1, taps: 3, extent: 28) == [56, 82])
    #expect(try counts(7, step: 2, taps: 4, extent: 14) == [21, 26])
    #expect(try counts(4, step: 2, taps: 3, extent: 7) == [9, 10])
    #expect(WinogradAxis(count: 4, step: 1, start: 0, tapCount: 4, extent: 9) == nil)
  }

  /// Sizes that fill neither panels nor units, and large images of several bands.
  static let cases: [ConvolutionPlanTests.Example] = ConvolutionPlanTests.examples(
    of: (ConvolutionCases.edges + ConvolutionCases.layers + ConvolutionCases.transposed).filter {
      WinogradProduct.canCompute(ProductSizes(forward: $0.geometry))
    })

  @Test(arguments: cases)
  func productsOfBothFormsMatchReference(_ example: ConvolutionPlanTests.Example) {
    let g = example.geometry
    let count = example.exampleCount
    let data = ConvolutionPlanTests.Data(g, count)
    defer { withExtendedLifetime(data.arena) {} }
    let reference = DirectConvolution(g)
    let outputs = reference.forward(
      data.input.array, weights: data.weights.array, bias: data.outputBias.array)
    let gradients = reference.backwardData(
      data.outputGradient.array, weights: data.weights.array, bias: nil)
    let each = reference.weightGradients(
      data.input.array, outputGradient: data.outputGradient.array)
    var sums = [Double](repeating: 1, count: g.weightCount)
    for (gradient, factor) in zip(each, data.exampleWeights.array) {
      for index in sums.indices { sums[index] += gradient[index] * Double(factor) }
    }
    for form in [ConvolutionPlan.Form.patch, .winograd] {
      let plan = ConvolutionPlan(
        g, form: form, on: Machine(threadCount: 2, kernels: example.kernels))
      plan.setWeights(data.weights)
      let output = data.arena.make(g.outputShape.batched(count))
      let inputGradient = data.arena.make(g.inputShape.batched(count))
      output.fill(.nan)
      inputGradient.fill(.nan)
      plan.forward(data.input, bias: data.outputBias, into: output)
      plan.backwardData(data.outputGradient, into: inputGradient)
      let weightGradient = data.arena.make(g.weightShape)
      weightGradient.fill(1)
      plan.addWeightGradient(
        input: data.input, outputGradient: data.outputGradient,
        exampleWeights: data.exampleWeights, into: weightGradient)
      #expect(normalizedError(weightGradient.array, sums) < ConvolutionPlanTests.errorBound)
      #expect(normalizedError(output.array, outputs) < ConvolutionPlanTests.errorBound)
      #expect(normalizedError(inputGradient.array, gradients) < ConvolutionPlanTests.errorBound)
    }
  }

  @Test func winogradIsPreferredWhereItSavesProducts() throws {
    func isPreferred(_ name: String) throws -> [Bool] {
      let entry = try #require(ConvolutionPlanTests.cases.first { $0.name == name })
      return [ProductSizes(forward: entry.geometry), ProductSizes(backward: entry.geometry)]
        .map { WinogradProduct.isPreferred(for: $0) }
    }
    #expect(try isPreferred("128->256 4x4 s2 14x14") == [true, true])
    #expect(try isPreferred("64->64 3x3 28x28") == [true, true])
    #expect(try isPreferred("1x1 128->128 28x28") == [false, false])
    #expect(try isPreferred("3->64 3x3 64x64") == [false, false])
  }
}
