import Compute
import Learning
import TestSupport
import Testing

/// Compares optimisers with PyTorch, and checks the state for checkpoints.
@Suite struct OptimizerTests {
  private let golden: Golden.Arrays
  private let machine = Machine(threadCount: 1)

  init() throws {
    golden = try Golden.arrays("learning/torch.csv")
  }

  @Test func adam() throws {
    try check("adam") {
      Adam(for: $0, AdamConstants(learningRate: 0.01, beta1: 0.5), on: machine)
    }
    try check("adam defaults") {
      Adam(for: $0, AdamConstants(learningRate: 0.001), on: machine)
    }
  }

  @Test func restoredStateContinuesBitForBit() throws {
    let gradients = try golden.floats("gradients", of: "adam")
    let store = makeStore([1, 2, 3])
    let optimizer = Adam(for: store, AdamConstants(learningRate: 0.01), on: machine)
    for step in 0..<2 { update(store, by: optimizer, gradients, step) }
    let copy = makeStore(store.values.array)
    let restored = Adam(for: copy, AdamConstants(learningRate: 0.01), on: machine)
    for (target, source) in zip(restored.state, optimizer.state) {
      #expect(target.name == source.name)
      target.tensor.copy(from: source.tensor)
    }
    restored.stepCount = optimizer.stepCount
    update(store, by: optimizer, gradients, 2)
    update(copy, by: restored, gradients, 2)
    #expect(copy.values.array == store.values.array)
  }

  /// Running statistics are stored among the parameters with a gradient of zero.
  @Test func parametersWithoutGradientDoNotMove() {
    let store = makeStore([0.25, 7])
    let adam = Adam(for: store, AdamConstants(learningRate: 0.1), on: machine)
    for _ in 0..<3 { adam.update(store, along: store.gradient) }
    #expect(store.values.array == [0.25, 7])
  }

  private func check(_ testCase: String, _ make: (ParameterStore) -> any Optimizer) throws {
    let store = makeStore(try golden.floats("start", of: testCase))
    let optimizer = make(store)
    let gradients = try golden.floats("gradients", of: testCase)
    let steps = try golden.numbers("steps", of: testCase)
    for step in 0..<5 {
      update(store, by: optimizer, gradients, step)
      let expected = Array(steps[(3 * step)..<(3 * step + 3)])
      #expect(differences(store.values.array, expected, relative: 1e-6, absolute: 1e-6) == [])
    }
    #expect(optimizer.stepCount == 5)
  }

  private func update(
    _ store: ParameterStore, by optimizer: any Optimizer, _ gradients: [Float], _ step: Int
  ) {
    store.gradient.assign(Array(gradients[(3 * step)..<(3 * step + 3)]))
    optimizer.update(store, along: store.gradient)
  }

  private func makeStore(_ values: [Float]) -> ParameterStore {
    let store = ParameterStore()
    _ = store.declare("numbers", Shape(values.count), .zeros)
    store.seal(seed: 1)
    store.values.assign(values)
    return store
  }
}
