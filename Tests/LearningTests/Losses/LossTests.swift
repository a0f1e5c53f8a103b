import Compute
import Glibc
import Learning
import TestSupport
import Testing

/// Compares losses with PyTorch, for odds of every size.
@Suite struct LossTests {
  private let golden: Golden.Arrays

  init() throws {
    golden = try Golden.arrays("learning/torch.csv")
  }

  @Test func binaryCrossEntropy() throws {
    try check("binary cross-entropy towards 1", BinaryCrossEntropy(target: 1))
    try check("binary cross-entropy towards 0", BinaryCrossEntropy(target: 0))
    try check("binary cross-entropy towards 0.75", BinaryCrossEntropy(target: 0.75))
    try check("binary cross-entropy of several outputs", BinaryCrossEntropy(target: 1))
  }

  @Test func binaryCrossEntropyTowardsLabels() throws {
    let labelled = evaluate(BinaryCrossEntropy(.labels), [1.5, -0.25], width: 1, labels: [1, 0])
    let one = evaluate(BinaryCrossEntropy(target: 1), [1.5], width: 1)
    let zero = evaluate(BinaryCrossEntropy(target: 0), [-0.25], width: 1)
    #expect(labelled.values == one.values + zero.values)
    #expect(labelled.gradient == one.gradient + zero.gradient)
  }

  @Test func hinge() throws {
    try check("hinge real", HingeLoss(.real))
    try check("hinge drawn", HingeLoss(.drawn))
    try check("hinge generator", HingeLoss(.generator))
  }

  @Test func categoricalCrossEntropy() throws {
    let labels = try golden.numbers("labels", of: "categorical cross-entropy").map { Int($0) }
    try check("categorical cross-entropy", CategoricalCrossEntropy(), labels: labels)
  }

  @Test func softCrossEntropyTowardsOneClassIsTheCategoricalOne() {
    let logits = [0.5, -1.25, 3, 80, 79, -80] as [Float]
    let hard = evaluate(CategoricalCrossEntropy(), logits, width: 3, labels: [2, 1])
    let soft = evaluate(softLoss([0, 0, 1, 0, 1, 0]), logits, width: 3)
    for (value, expected) in zip(soft.gradient, hard.gradient) {
      #expect(abs(value - expected) < 1e-6)
    }
    for (value, expected) in zip(soft.values, hard.values) { #expect(abs(value - expected) < 1e-9) }
  }

  @Test func softCrossEntropyIsSmallestAtTheGivenProbabilities() {
    // Softmax of log p is p.
    let matched = evaluate(
      softLoss([0.25, 0.75]), [Float(0.25).logarithm, Float(0.75).logarithm], width: 2)
    #expect(matched.gradient.allSatisfy { abs($0) < 1e-6 })
    let other = evaluate(softLoss([0.25, 0.75]), [0.3, 0.1], width: 2)
    #expect(other.values[0] > matched.values[0])
  }

  private func softLoss(_ probabilities: [Float]) -> SoftCrossEntropy {
    let targets = memory.make(Shape(probabilities.count))
    targets.assign(probabilities)
    return SoftCrossEntropy(targets)
  }

  private let memory = Arena()

  /// A NaN output must make the gradient NaN too; otherwise its example would not be detected.
  @Test func nanStaysNan() {
    for role in [HingeLoss.Role.real, .drawn, .generator] {
      #expect(evaluate(HingeLoss(role), [.nan], width: 1).gradient[0].isNaN)
    }
    #expect(evaluate(BinaryCrossEntropy(target: 1), [.nan], width: 1).gradient[0].isNaN)
    let categorical = evaluate(CategoricalCrossEntropy(), [0, .nan], width: 2, labels: [0])
    #expect(categorical.gradient.filter(\.isNaN).count == 2)
  }

  @Test func emptyBatchHasNoLoss() {
    #expect(evaluate(BinaryCrossEntropy(target: 1), [], width: 1).values == [])
    #expect(evaluate(CategoricalCrossEntropy(), [], width: 3).values == [])
  }

  private func check(_ testCase: String, _ loss: some Loss, labels: [Int] = []) throws {
    let logits = try golden.array("logits", of: testCase)
    let found = evaluate(
      loss, logits.numbers.map(Float.init), width: logits.extents[1], labels: labels)
    for (value, expected) in zip(found.values, try golden.numbers("values", of: testCase)) {
      #expect(isClose(value, to: expected, relative: 1e-6, absolute: 1e-12), "\(testCase)")
    }
    let gradient = try golden.numbers("gradient", of: testCase)
    #expect(differences(found.gradient, gradient, absolute: 1e-7) == [])
  }

  private func evaluate(
    _ loss: some Loss, _ logits: [Float], width: Int, labels: [Int] = []
  ) -> (values: [Double], gradient: [Float]) {
    let pass = Pass(on: Machine(threadCount: 1))
    pass.begin(exampleCount: logits.count / width, labels: labels)
    let output = pass.make(Shape(width))
    let gradient = pass.make(Shape(width))
    output.assign(logits)
    var values = [Double](repeating: 0, count: pass.exampleCount)
    values.withUnsafeMutableBufferPointer {
      loss.evaluate(output, gradient: gradient, values: $0, in: pass)
    }
    return (values, gradient.array)
  }
}

extension Float {
  fileprivate var logarithm: Float { log(self) }
}
