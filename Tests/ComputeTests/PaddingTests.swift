import Testing

@testable import Compute

/// Taps that read only padding do not take part in sums.
@Suite struct PaddingTests {
  @Test func spansContainPatchesWithTheSameTaps() {
    let spans = TapSpan.spans(count: 7, step: 2, start: -1, tapCount: 4, extent: 14)
    #expect(
      spans == [
        TapSpan(places: 0..<1, taps: 1..<4), TapSpan(places: 1..<6, taps: 0..<4),
        TapSpan(places: 6..<7, taps: 0..<3),
      ])
  }

  @Test func spansOutsideOfTheImageHaveNoTaps() {
    let spans = TapSpan.spans(count: 6, step: 2, start: -5, tapCount: 3, extent: 3)
    #expect(
      spans.map(\.places) == [0..<2, 2..<3, 3..<4, 4..<6])
    #expect(spans.map(\.taps.count) == [0, 2, 2, 0])
    #expect(spans[1].taps == 1..<3 && spans[2].taps == 0..<2)
    #expect(TapSpan.spans(count: 0, step: 1, start: 0, tapCount: 3, extent: 3).isEmpty)
  }

  @Test func kernelsLargerThanTheImageLoseTapsAtBothEnds() {
    let spans = TapSpan.spans(count: 3, step: 1, start: -2, tapCount: 5, extent: 2)
    #expect(spans.map(\.taps) == [2..<4, 1..<3, 0..<2])
  }

  private static let geometry = ConvolutionGeometry(
    inputHeight: 7, inputWidth: 7, inputChannels: 64, outputChannels: 64, kernelHeight: 3,
    kernelWidth: 3, stride: 2, padding: .all(1))

  /// Zero times infinity is NaN: a corner's output stays finite only if its first tap, which lies
  /// in the padding, was skipped.
  @Test(arguments: Kernels.available.map(\.name)) func cornersDoNotReadPadding(_ isa: String) {
    let g = Self.geometry
    let arena = Arena()
    let plan = ConvolutionPlan(
      g, form: .patch,
      on: Machine(threadCount: 1, kernels: .named(isa) ?? .preferred))
    let weights = arena.makeZeros(g.weightShape)
    for column in [0, 2] {
      weights.pointer[column * g.inputChannels * g.outputChannels] = .infinity
    }
    plan.setWeights(weights)
    let input = arena.make(g.inputShape.batched(5))
    input.fill(1)
    let output = arena.make(g.outputShape.batched(5))
    plan.forward(input, bias: nil, into: output)
    // Those taps are in the first row of the kernel, so the second row of outputs uses them.
    let first = output.array[0]
    let below = output.array[g.outputWidth * g.outputChannels]
    #expect(first == 0 && below == .infinity)

    let gradient = arena.makeZeros(g.weightShape)
    output.fill(0)
    output.pointer[0] = .infinity
    plan.addWeightGradient(input: input, outputGradient: output, into: gradient)
    let tap = g.inputChannels * g.outputChannels
    #expect((0..<4).allSatisfy { gradient.array[$0 * tap].isFinite })
    #expect(gradient.array[4 * tap] == .infinity)
    withExtendedLifetime(arena) {}
  }

  /// Few channels are cheaper in a padded copy, many channels in place.
  @Test func imagesAreCopiedWhereThatIsCheaper() {
    func choice(_ g: ConvolutionGeometry) -> PaddingChoice {
      let phase = ProductPhase(
        rows: g.outputHeight, columns: g.outputWidth, sourceRow: 0, sourceColumn: 0,
        sourceStep: g.stride, tapRows: g.kernelHeight, tapColumns: g.kernelWidth, targetRow: 0,
        targetColumn: 0, targetStep: 1)
      let panels = FilterPanels(
        filterCount: g.outputChannels, patchLength: g.patchLength, kernels: .preferred)
      return PaddingChoice(
        for: [phase], source: g.input, padding: g.padding,
        cut: UnitCut(source: g.input, padding: g.padding, phases: [phase]), panels: panels)
    }
    #expect(!choice(Self.geometry).readsPadding)
    let thin = ConvolutionGeometry(
      inputHeight: 64, inputWidth: 64, inputChannels: 3, outputChannels: 64, kernelHeight: 3,
      kernelWidth: 3, stride: 1, padding: .all(1))
    #expect(choice(thin).readsPadding)
  }
}
