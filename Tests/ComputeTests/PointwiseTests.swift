import Glibc
import Testing

@testable import Compute

/// Element-wise loops on every instruction set, with lengths that end inside a vector.
@Suite struct PointwiseTests {
  static let isaNames = Kernels.available.map(\.name)
  static let counts = [1, 7, 64, 20_001]

  private func machine(_ isa: String) -> Machine {
    Machine(threadCount: 2, kernels: Kernels.named(isa) ?? .preferred)
  }

  @Test(arguments: isaNames, counts) func activationsMatchTheLibrary(_ isa: String, _ count: Int) {
    let arena = Arena()
    defer { withExtendedLifetime(arena) {} }
    let machine = machine(isa)
    // From tiny to saturated, both signs.
    let values = randomFloats(count, seed: 1).enumerated().map { index, value in
      value * [1e-6, 0.1, 1, 10, 60][index % 5]
    }
    let x = arena.make(Shape(count), values)
    let y = arena.make(Shape(count))
    machine.tanh(x, into: y)
    for (value, result) in zip(values, y.array) {
      let truth = Glibc.tanh(Double(value))
      #expect(abs(Double(result) - truth) <= abs(truth) * 0x1p-22, "tanh \(value)")
    }
    machine.leakyReLU(x, slope: 0.2, into: y)
    #expect(y.array == values.map { $0 > 0 ? $0 : 0.2 * $0 })
  }

  @Test(arguments: isaNames) func specialValuesSaturate(_ isa: String) {
    let arena = Arena()
    defer { withExtendedLifetime(arena) {} }
    let x = arena.make(Shape(6), [0, -0.0, 1000, -1000, .infinity, -.infinity])
    let y = arena.make(Shape(6))
    machine(isa).tanh(x, into: y)
    #expect(y.array == [0, -0.0, 1, -1, 1, -1])
  }

  @Test(arguments: isaNames, counts) func gradientsFollowTheirFormula(_ isa: String, _ count: Int) {
    let arena = Arena()
    defer { withExtendedLifetime(arena) {} }
    let machine = machine(isa)
    let g = randomFloats(count, seed: 2)
    let y = randomFloats(count, seed: 3)
    let gradient = arena.make(Shape(count), g)
    let output = arena.make(Shape(count), y)
    let result = arena.make(Shape(count))
    machine.tanhBackward(gradient, output: output, into: result)
    #expect(
      normalizedError(result.array, zip(g, y).map { Double($0) * (1 - Double($1 * $1)) }) < 1e-13)
    machine.leakyReLUBackward(gradient, input: output, slope: 0.1, into: result)
    #expect(result.array == zip(g, y).map { $1 > 0 ? $0 : 0.1 * $0 })
  }

  @Test(arguments: isaNames, counts) func sumsAndScalesMatch(_ isa: String, _ count: Int) {
    let arena = Arena()
    defer { withExtendedLifetime(arena) {} }
    let machine = machine(isa)
    let x = arena.make(Shape(3, count), randomFloats(3 * count, seed: 4))
    let before = x.array
    let y = arena.make(Shape(3, count), randomFloats(3 * count, seed: 5))
    let start = y.array
    machine.add(x, scaledBy: 0.5, to: y)
    #expect(
      normalizedError(y.array, zip(start, before).map { Double($0) + 0.5 * Double($1) }) < 1e-13)
    let weights = arena.make(Shape(3), [2, -1, 0.25])

    let target = arena.make(Shape(count))
    target.fill(1)
    machine.addWeightedRows(x, weights: weights, to: target)
    let rows = (0..<count).map { column -> Double in
      let first = 2 * Double(before[column])
      let second = -Double(before[count + column])
      let third = 0.25 * Double(before[2 * count + column])
      return 1 + first + second + third
    }
    #expect(normalizedError(target.array, rows) < 1e-13)

    var norms = [1.0, 2, 3]
    norms.withUnsafeMutableBufferPointer { machine.addSquaredNorms(ofRows: x, to: $0) }
    for row in 0..<3 {
      let sum = before[(row * count)..<((row + 1) * count)].reduce(Double(row + 1)) {
        $0 + Double($1) * Double($1)
      }
      #expect(abs(norms[row] / sum - 1) < 1e-12)
    }
    machine.scale(x, by: 3)
    #expect(x.array == before.map { $0 * 3 })
  }

  @Test(arguments: isaNames) func positionsAreSummedPerExampleAndChannel(_ isa: String) {
    let arena = Arena()
    defer { withExtendedLifetime(arena) {} }
    let x = arena.make(Shape(4, 6, 37), randomFloats(4 * 6 * 37, seed: 6))
    let sums = arena.make(Shape(4, 37))
    machine(isa).sumPositions(x, channels: 37, into: sums)
    for example in 0..<4 {
      for channel in 0..<37 {
        let truth = (0..<6).reduce(0.0) { $0 + Double(x.array[(example * 6 + $1) * 37 + channel]) }
        #expect(abs(Double(sums.array[example * 37 + channel]) - truth) < 1e-5)
      }
    }
  }

  @Test(arguments: isaNames) func adamFollowsThePaper(_ isa: String) {
    let arena = Arena()
    defer { withExtendedLifetime(arena) {} }
    let machine = machine(isa)
    let count = 1003
    let constants = AdamConstants(learningRate: 2e-4, beta1: 0.5, beta2: 0.999, epsilon: 1e-8)
    let parameters = arena.make(Shape(count), randomFloats(count, seed: 7))
    let first = arena.makeZeros(Shape(count))
    let second = arena.makeZeros(Shape(count))
    var p = parameters.array.map(Double.init)
    var m = [Double](repeating: 0, count: count)
    var v = m
    for step in 1...5 {
      let g = randomFloats(count, seed: UInt64(10 + step))
      machine.adam(
        parameters: parameters, gradient: arena.make(Shape(count), g), firstMoment: first,
        secondMoment: second, step: step, constants)
      for index in 0..<count {
        let gradient = Double(g[index])
        m[index] = 0.5 * m[index] + 0.5 * gradient
        v[index] = 0.999 * v[index] + 0.001 * gradient * gradient
        let mHat = m[index] / (1 - pow(0.5, Double(step)))
        let vHat = v[index] / (1 - pow(0.999, Double(step)))
        p[index] -= 2e-4 * mHat / (vHat.squareRoot() + 1e-8)
      }
    }
    for (value, truth) in zip(parameters.array, p) {
      #expect(abs(Double(value) - truth) < 5e-7)
    }
  }

  @Test func bitsDoNotDependOnThreads() {
    let arena = Arena()
    defer { withExtendedLifetime(arena) {} }
    let x = arena.make(Shape(5, 40_003), randomFloats(5 * 40_003, seed: 8))
    func run(_ threadCount: Int) -> [[Float]] {
      let machine = Machine(threadCount: threadCount)
      let y = arena.make(x.shape)
      machine.tanh(x, into: y)
      let sum = arena.makeZeros(Shape(40_003))
      machine.addWeightedRows(x, weights: nil, to: sum)
      return [y.array, sum.array]
    }
    let one = run(1)
    #expect(run(2) == one)
    #expect(run(3) == one)
  }

  @Test(arguments: counts) func fillAndIsFiniteCoverWholeTensors(_ count: Int) {
    let arena = Arena()
    defer { withExtendedLifetime(arena) {} }
    let machine = Machine(threadCount: 2)
    let x = arena.make(Shape(count), randomFloats(count, seed: 1))
    let y = arena.make(Shape(count))
    machine.fill(y, with: 3)
    #expect(y.array == [Float](repeating: 3, count: count))
    x.pointer[count - 1] = .greatestFiniteMagnitude
    x.pointer[0] = -.greatestFiniteMagnitude
    #expect(machine.isFinite(x))
    for value in [Float.infinity, -.infinity, .nan] {
      for place in [0, count / 2, count - 1] {
        y.copy(from: x)
        y.pointer[place] = value
        #expect(!machine.isFinite(y), "\(value) at \(place)")
      }
    }
  }
}
