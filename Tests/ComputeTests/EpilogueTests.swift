import Testing

@testable import Compute

/// The epilogue of a product produces the same bits as separate passes.
@Suite struct EpilogueTests {
  struct Example: CustomStringConvertible, Sendable {
    let name: String, isa: String
    let geometry: ConvolutionGeometry
    let form: ConvolutionPlan.Form
    var description: String { "\(name) \(isa) \(form)" }
  }

  /// Edge cases, layers of several bands and panels, and a dense layer whose pixel has several positions.
  static let examples = (ConvolutionCases.edges + ConvolutionCases.layers.prefix(3)).flatMap {
    entry in
    Kernels.available.flatMap { kernels in
      [ConvolutionPlan.Form.patch, .winograd].map {
        Example(
          name: entry.name, isa: kernels.name, geometry: entry.geometry, form: $0)
      }
    }
  }

  /// A plan with random weights.
  private struct Setup {
    let arena = Arena()
    let machine: Machine
    let plan: ConvolutionPlan

    init(_ example: Example, threads: Int) {
      let g = example.geometry
      machine = Machine(threadCount: threads, kernels: .named(example.isa) ?? .preferred)
      plan = ConvolutionPlan(g, form: example.form, on: machine)
      plan.setWeights(arena.make(g.weightShape, randomFloats(g.weightCount, seed: 1)))
    }
  }

  private static let exampleCount = 5
  private static let rows = [1, 0, 2, 2, 1]

  private func randomTensor(_ shape: Shape, seed: UInt64, in arena: Arena) -> Tensor {
    arena.make(shape, randomFloats(shape.count, seed: seed))
  }

  @Test(arguments: examples, [1, 2])
  func forwardEpilogueEqualsSeparatePasses(_ example: Example, _ threads: Int) {
    let g = example.geometry
    let setup = Setup(example, threads: threads)
    defer { withExtendedLifetime(setup) {} }
    let (arena, machine, plan) = (setup.arena, setup.machine, setup.plan)
    let input = randomTensor(g.inputShape.batched(Self.exampleCount), seed: 2, in: arena)
    let table = randomTensor(Shape(3, g.outputChannels), seed: 3, in: arena)
    let finished = arena.make(g.outputShape.batched(Self.exampleCount))
    plan.forward(
      input, bias: nil,
      epilogue: [.addRows(of: table, rows: Self.rows), .leakyReLU(slope: 0.2)], into: finished)

    let plain = arena.make(g.outputShape.batched(Self.exampleCount))
    plan.forward(input, bias: nil, into: plain)
    add(table, to: plain)
    machine.leakyReLU(plain, slope: 0.2, into: plain)
    let isSame = finished.array == plain.array
    #expect(isSame)
  }

  @Test(arguments: examples, [1, 2])
  func backwardDataEpilogueEqualsSeparatePasses(_ example: Example, _ threads: Int) {
    let g = example.geometry
    let setup = Setup(example, threads: threads)
    defer { withExtendedLifetime(setup) {} }
    let (arena, machine, plan) = (setup.arena, setup.machine, setup.plan)
    let gradient = randomTensor(g.outputShape.batched(Self.exampleCount), seed: 2, in: arena)
    let table = randomTensor(Shape(3, g.inputChannels), seed: 3, in: arena)
    let signs = randomTensor(g.inputShape.batched(Self.exampleCount), seed: 4, in: arena)
    let finished = arena.make(g.inputShape.batched(Self.exampleCount))
    plan.backwardData(
      gradient,
      epilogue: [
        .addRows(of: table, rows: Self.rows), .leakyReLUGradient(output: signs, slope: 0.2),
      ], into: finished)

    let plain = arena.make(g.inputShape.batched(Self.exampleCount))
    plan.backwardData(gradient, into: plain)
    add(table, to: plain)
    machine.leakyReLUBackward(plain, input: signs, slope: 0.2, into: plain)
    let isSame = finished.array == plain.array
    #expect(isSame)
  }

  /// The row of each example at every position, computed directly.
  private func add(_ table: Tensor, to tensor: Tensor) {
    let channels = table.shape[1]
    let size = tensor.count / Self.exampleCount
    for index in 0..<tensor.count {
      tensor.pointer[index] += table.pointer[Self.rows[index / size] * channels + index % channels]
    }
  }

  @Test func productThatIsCreatedLaterUsesTheNewestWeights() {
    let g = ConvolutionCases.edges[2].geometry
    let arena = Arena()
    defer { withExtendedLifetime(arena) {} }
    let machine = Machine(threadCount: 1)
    let newest = randomTensor(g.weightShape, seed: 2, in: arena)
    let input = randomTensor(g.inputShape.batched(2), seed: 3, in: arena)
    let gradient = randomTensor(g.outputShape.batched(2), seed: 4, in: arena)
    /// Forward and backward of a plan that got `weights` one after another, used in between or not.
    func run(_ weights: [Tensor], usingForward: Bool, usingBackward: Bool) -> [[Float]] {
      let plan = ConvolutionPlan(g, on: machine)
      let output = arena.make(g.outputShape.batched(2))
      let back = arena.make(g.inputShape.batched(2))
      for weights in weights {
        plan.setWeights(weights)
        if usingForward { plan.forward(input, bias: nil, into: output) }
        if usingBackward { plan.backwardData(gradient, into: back) }
      }
      plan.forward(input, bias: nil, into: output)
      plan.backwardData(gradient, into: back)
      return [output.array, back.array]
    }
    let expected = run([newest], usingForward: false, usingBackward: false)
    let older = randomTensor(g.weightShape, seed: 1, in: arena)
    for (usingForward, usingBackward) in [
      (false, false), (true, false), (false, true), (true, true),
    ] {
      let found = run([older, newest], usingForward: usingForward, usingBackward: usingBackward)
      #expect(found == expected)
    }
  }
}
