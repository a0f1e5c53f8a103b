import Compute
import Learning
import TestSupport
import Testing

/// Compares Muon with steps from a singular value decomposition.
@Suite struct MuonTests {
  private let golden: Golden.Arrays
  private let constants = AdamConstants(learningRate: 0.02)

  init() throws {
    golden = try Golden.arrays("learning/muon.csv")
  }

  @Test(
    arguments: [("tall", 0.02, 0.95), ("wide", 0.02, 0.95), ("convolution", 0.01, 0.9)]
      as [(String, Float, Float)])
  func stepsAgreeWithTheSingularValueDecomposition(_ name: String, rate: Float, momentum: Float)
    throws
  {
    let start = try golden.array("start", of: name)
    let store = ParameterStore()
    let matrix = store.declare("weights", Shape(start.extents), .zeros)
    store.seal(seed: 1)
    store.values.assign(start.numbers.map(Float.init))
    let muon = Muon(
      for: store, AdamConstants(learningRate: rate), momentum: momentum,
      on: Machine(threadCount: 1)
    ) { $0.name == matrix.name }
    let gradients = try golden.floats("gradients", of: name)
    let steps = try golden.numbers("steps", of: name)
    let count = store.count
    for step in 0..<4 {
      let range = (step * count)..<((step + 1) * count)
      store.gradient.assign(Array(gradients[range]))
      muon.update(store, along: store.gradient)
      let values = store.values.array
      #expect(differences(values, Array(steps[range]), relative: 1e-5, absolute: 1e-5) == [])
    }
  }

  /// Parameters that are not matrices move as if Adam updated the whole store.
  @Test func otherParametersFollowAdam() {
    func store() -> ParameterStore {
      let store = ParameterStore()
      _ = store.declare("bias", Shape(3), .zeros)
      _ = store.declare("weights", Shape(2, 4), .normal(standardDeviation: 1))
      _ = store.declare("table", Shape(2, 2), .ones)
      store.seal(seed: 5)
      return store
    }
    let (mine, reference) = (store(), store())
    let machine = Machine(threadCount: 1)
    let muon = Muon(for: mine, constants, on: machine) { $0.name == "weights" }
    let adam = Adam(for: reference, constants, on: machine)
    for step in 1...3 {
      let gradient = (0..<mine.count).map { Float(step) * Float($0 % 5 - 2) }
      mine.gradient.assign(gradient)
      reference.gradient.assign(gradient)
      muon.update(mine, along: mine.gradient)
      adam.update(reference, along: reference.gradient)
    }
    for (one, other) in zip(mine.parameters, reference.parameters) {
      let same = mine.values(of: one).array == reference.values(of: other).array
      #expect(same == (one.name != "weights"), "\(one.name)")
    }
  }

  /// Masked weights have no gradient; the weights of fully masked rows do not move.
  @Test func rowsWithoutGradientDoNotMove() {
    let store = ParameterStore()
    let matrix = store.declare("weights", Shape(4, 3), .normal(standardDeviation: 1))
    store.seal(seed: 5)
    let start = store.values(of: matrix).array
    let muon = Muon(for: store, constants, on: Machine(threadCount: 1)) { _ in true }
    muon.update(store, along: store.gradient)
    #expect(store.values.array == start)
    store.gradient.assign([0, 0, 0, 1, 2, 3, 0, 0, 0, -1, 0, 2])
    muon.update(store, along: store.gradient)
    let values = store.values.array
    #expect(Array(values[0..<3]) == Array(start[0..<3]))
    #expect(Array(values[6..<9]) == Array(start[6..<9]))
    #expect(values[3] != start[3] && values[11] != start[11])
  }

  @Test func restoredStateContinuesBitForBit() {
    func make() -> (ParameterStore, Muon) {
      let store = ParameterStore()
      _ = store.declare("weights", Shape(5, 3), .normal(standardDeviation: 1))
      _ = store.declare("bias", Shape(3), .zeros)
      store.seal(seed: 5)
      return (
        store,
        Muon(for: store, constants, on: Machine(threadCount: 1)) { $0.name == "weights" }
      )
    }
    func update(_ store: ParameterStore, _ muon: Muon, _ step: Int) {
      store.gradient.assign((0..<store.count).map { Float(($0 * 7 + step) % 5) - 1.5 })
      muon.update(store, along: store.gradient)
    }
    let (store, muon) = make()
    for step in 0..<2 { update(store, muon, step) }
    let (copy, restored) = make()
    copy.values.copy(from: store.values)
    for (target, source) in zip(restored.state, muon.state) {
      #expect(target.name == source.name)
      target.tensor.copy(from: source.tensor)
    }
    restored.stepCount = muon.stepCount
    update(store, muon, 2)
    update(copy, restored, 2)
    #expect(copy.values.array == store.values.array)
  }
}
