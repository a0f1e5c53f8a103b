import Compute
import Learning
import TestSupport
import Testing

/// Several examples of one unit count as one contribution.
@Suite struct UnitsTests {
  private let loss = GivenGradientLoss([[3, 1, -2], [40, -10, 20], [0.001, 0, 0.002]])

  @Test func examplesOfOneUnitMoveTheSumByAtMostTheClipNorm() throws {
    let bench = PrivateBench(microBatchSize: 4)
    var stream = SeededStream(seed: 31)
    for _ in 0..<100 {
      var examples = PrivateBench.examples(6, labelCount: 3, from: &stream)
      examples.units = [1, 1, 2, 3, 3, 3]
      let without = try bench.sum(examples, loss, clipNorm: 1)
      let added = PrivateBench.examples(
        Int.random(in: 1...7, using: &stream), labelCount: 3, from: &stream)
      examples.values += added.values
      examples.labels += added.labels
      examples.units = [1, 1, 2, 3, 3, 3] + added.labels.map { _ in 9 }
      #expect(distance(try bench.sum(examples, loss, clipNorm: 1), without) <= 1 + 1e-5)
    }
  }

  @Test func oneUnitOfEqualExamplesReachesTheBound() throws {
    let bench = PrivateBench()
    var stream = SeededStream(seed: 32)
    let one = PrivateBench.examples(1, labelCount: 1, from: &stream)
    let five = ArrayExamples(
      [[Float]](repeating: one.values[0], count: 5), labels: [0, 0, 0, 0, 0],
      units: [4, 4, 4, 4, 4])
    let sum = norm(try bench.sum(five, loss, clipNorm: 1))
    #expect(sum <= 1 + 1e-5 && sum >= 1 - 5e-4)
  }

  @Test func unitsOfOneExampleAreOrdinaryExamples() throws {
    let bench = PrivateBench(microBatchSize: 3)
    var stream = SeededStream(seed: 33)
    var examples = PrivateBench.examples(8, labelCount: 3, from: &stream)
    let plain = try bench.sum(examples, loss, clipNorm: 1)
    examples.units = Array(0..<8)
    #expect(try bench.sum(examples, loss, clipNorm: 1) == plain)
  }

  @Test func nonFiniteExampleInvalidatesItsUnitOnly() throws {
    let bench = PrivateBench()
    var stream = SeededStream(seed: 34)
    let loss = GivenGradientLoss([[3, 1, -2], [.nan, 0, 0]])
    var examples = PrivateBench.examples(6, labelCount: 1, from: &stream)
    examples.labels[3] = 1
    examples.units = [1, 1, 2, 2, 2, 3]
    let found = try bench.sum(examples, loss, clipNorm: 1)
    let rest = ArrayExamples(
      Array(examples.values[0..<2]) + [examples.values[5]], labels: [0, 0, 0], units: [1, 1, 3])
    #expect(distance(found, try bench.sum(rest, loss, clipNorm: 1)) < 1e-6)
  }

  @Test func unitsThatAreNotTogetherAreRefused() async {
    await #expect(processExitsWith: .failure) {
      let bench = PrivateBench()
      var stream = SeededStream(seed: 35)
      var examples = PrivateBench.examples(3, labelCount: 1, from: &stream)
      examples.units = [1, 2, 1]
      _ = try bench.sum(examples, GivenGradientLoss([[1, 1, 1]]), clipNorm: 1)
    }
  }
}
