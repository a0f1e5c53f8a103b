import Compute
import Learning
import Privacy
import TestSupport
import Testing

/// The handling of the clipped sum: micro-batches, divisor, buffers, updates.
@Suite struct PrivateNetworkTests {
  private let loss = GivenGradientLoss([[3, 1, -2], [40, -10, 20], [0.001, 0, 0.002]])

  @Test func microBatchesDoNotChangeTheSum() throws {
    var stream = SeededStream(seed: 41)
    let examples = PrivateBench.examples(50, labelCount: 3, from: &stream)
    let expected = try PrivateBench(microBatchSize: 64).sum(examples, loss, clipNorm: 1)
    for size in [1, 3, 7, 50] {
      let found = try PrivateBench(microBatchSize: size).sum(examples, loss, clipNorm: 1)
      #expect(distance(found, expected) <= 1e-5 * norm(expected))
    }
  }

  @Test func threadsChangeNoBit() throws {
    var stream = SeededStream(seed: 47)
    let examples = PrivateBench.examples(40, labelCount: 3, from: &stream)
    let expected = try PrivateBench().sum(examples, loss, clipNorm: 1)
    for threads in [2, 3] {
      #expect(try PrivateBench(threads: threads).sum(examples, loss, clipNorm: 1) == expected)
    }
  }

  @Test func microBatchesDoNotChangeTheNoise() throws {
    var stream = SeededStream(seed: 42)
    let examples = PrivateBench.examples(20, labelCount: 3, from: &stream)
    let released = try [1, 64].map { size in
      let bench = PrivateBench(microBatchSize: size)
      let sum = bench.network.clippedSum(
        over: PrivateExamples(examples), loss: loss, try mechanism(batchSize: 4),
        in: Pass(on: bench.machine))
      let gradient = sum.noised(by: TestNoise.stream(7))
      return gradient.values.array
    }
    #expect(distance(released[0], released[1]) < 1e-4)
  }

  @Test(arguments: [0, 1, 2, 100])
  func divisorIsThePlansWhateverWasDrawn(_ count: Int) throws {
    let bench = PrivateBench()
    var stream = SeededStream(seed: 43)
    let examples = PrivateBench.examples(count, labelCount: 3, from: &stream)
    let sum = try bench.sum(examples, loss, clipNorm: 1)
    let quiet = try SubsampledGaussian(
      samplingProbability: 1, noiseMultiplier: 1e-60, clipNorm: 1, nominalBatchSize: 8)
    let divided = bench.network.clippedSum(
      over: PrivateExamples(examples), loss: loss, quiet, in: Pass(on: bench.machine)
    ).noised(by: NoiseStream())
    // In a larger batch, weights leave slightly more margin for rounding.
    let expected = sum.map { $0 / 8 }
    #expect(distance(divided.values.array, expected) <= norm(expected) * 0x1p-15)
  }

  @Test func nothingPrivateStaysInTheStore() throws {
    let bench = PrivateBench()
    var stream = SeededStream(seed: 44)
    let examples = PrivateBench.examples(5, labelCount: 3, from: &stream)
    let pass = Pass(on: bench.machine)
    let sum = bench.network.clippedSum(
      over: PrivateExamples(examples), loss: loss, try mechanism(batchSize: 4), in: pass)
    #expect(bench.network.parameters.gradient.array.allSatisfy { $0 == 0 })
    #expect(pass.exampleCount == 0 && pass.labels.isEmpty)
    _ = bench.network.unprotectedGradient(
      over: PrivateExamples(examples), loss: loss, in: pass)
    #expect(bench.network.parameters.gradient.array.allSatisfy { $0 == 0 })
    #expect(pass.exampleCount == 0 && pass.labels.isEmpty)
    let gradient = sum.noised(by: NoiseStream())
    bench.network.update(along: gradient, by: descent(bench))
    #expect(bench.network.parameters.gradient.array.allSatisfy { $0 == 0 })
  }

  @Test func sumSurvivesOtherPasses() throws {
    let bench = PrivateBench()
    var stream = SeededStream(seed: 45)
    let examples = PrivateBench.examples(5, labelCount: 3, from: &stream)
    let others = PrivateBench.examples(9, labelCount: 3, from: &stream)
    let expected = try bench.sum(examples, loss, clipNorm: 1)
    let pass = Pass(on: bench.machine)
    let quiet = try PrivateBench.quiet(clipNorm: 1)
    let first = bench.network.clippedSum(
      over: PrivateExamples(examples), loss: loss, quiet, in: pass)
    let second = bench.network.clippedSum(
      over: PrivateExamples(others), loss: loss, quiet, in: pass)
    let target = bench.network.parameters.makeCompanion()
    target.fill(0)
    _ = bench.network.addPublicGradient(
      over: others, loss: loss, clipNorm: 1, scale: 1, to: target, in: pass)
    let firstGradient = first.noised(by: NoiseStream())
    let secondGradient = second.noised(by: NoiseStream())
    #expect(firstGradient.values.array == expected)
    // Examples that are not private are added in single precision, up to the whole clip norm.
    #expect(distance(secondGradient.values.array, target.array) <= 1e-5)
  }

  @Test func emptyBatchMovesTheParametersByNoise() throws {
    let bench = PrivateBench()
    let before = bench.network.parameters.values.array
    let optimizer = descent(bench)
    for _ in 0..<3 {
      let gradient = bench.network.clippedSum(
        over: PrivateExamples(ArrayExamples([])), loss: loss, try mechanism(batchSize: 4),
        in: Pass(on: bench.machine)
      ).noised(by: NoiseStream())
      bench.network.update(along: gradient, by: optimizer)
    }
    #expect(optimizer.stepCount == 3)
    #expect(zip(before, bench.network.parameters.values.array).allSatisfy { $0 != $1 })
  }

  @Test func updateIsSeenByTheNextPass() throws {
    let bench = PrivateBench()
    let pass = Pass(on: bench.machine)
    let output = {
      pass.begin(exampleCount: 1)
      let input = pass.make(PrivateBench.inputShape)
      input.fill(0.5)
      return bench.network.network.forward(input, in: pass).array
    }
    let before = output()
    let direction = bench.network.parameters.makeCompanion()
    direction.fill(1)
    bench.network.update(alongPublic: direction, by: descent(bench))
    let after = output()
    #expect(after != before)
    let gradient = bench.network.clippedSum(
      over: PrivateExamples(ArrayExamples([])), loss: loss, try mechanism(batchSize: 1), in: pass
    ).noised(by: TestNoise.stream(4))
    bench.network.update(along: gradient, by: descent(bench))
    let last = output()
    #expect(last != after)
    // Weights are packed for the kernels: all of them must be packed again.
    bench.network.network.parametersChanged()
    #expect(output() == last)
  }

  @Test func publicGradientIsScaledAndItsLossTheMean() throws {
    let bench = PrivateBench()
    var stream = SeededStream(seed: 46)
    let examples = PrivateBench.examples(40, labelCount: 3, from: &stream)
    let sum = try bench.sum(examples, loss, clipNorm: 1)
    let target = bench.network.parameters.makeCompanion()
    target.fill(1)
    let mean = bench.network.addPublicGradient(
      over: examples, loss: loss, clipNorm: 1, scale: 0.25, to: target,
      in: Pass(on: bench.machine))
    #expect(distance(target.array, sum.map { 1 + 0.25 * $0 }) < 1e-4)
    #expect(mean == Double(examples.labels.reduce(0, +)) / 40)
  }

  @Test func clippedSumsAndNoisedGradientsCannotBeCopied() {
    #expect(!isCopyable(ClippedSum.self))
    #expect(!isCopyable(NoisedGradient.self))
    #expect(isCopyable(Tensor.self))
  }

  private func isCopyable<Value: ~Copyable>(_ type: Value.Type) -> Bool { false }

  private func isCopyable<Value>(_ type: Value.Type) -> Bool { true }

  private func mechanism(batchSize: Int) throws -> SubsampledGaussian {
    try SubsampledGaussian(
      samplingProbability: 0.1, noiseMultiplier: 1.5, clipNorm: 0.5, nominalBatchSize: batchSize)
  }

  private func descent(_ bench: PrivateBench) -> PlainDescent {
    PlainDescent(learningRate: 0.1, on: bench.machine)
  }
}
