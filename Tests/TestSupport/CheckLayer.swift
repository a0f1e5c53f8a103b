public import Compute
public import Learning

/// Checks layers that treat every example separately, and returns their faults in words.
///
/// It checks the output's shape; finite differences of two random projections of the outputs, for inputs
/// and parameters (two, so that a transposed axis cannot hide); squared norms and weighted sums against one
/// example at a time; an example alone against the same example in a batch, bit for bit; one, two and three
/// threads, bit for bit; the empty batch.
///
/// Shapes should be small: every number of input and parameters is moved both ways. A layer with classes
/// gets labels below `classes`.
public func checkLayer(
  input: Shape, output: Shape, classes: Int = 0, examples: Int = 4, seed: UInt64 = 1,
  _ build: (inout NetworkBuilder) -> Void
) -> [String] {
  let bench = LayerBench(input: input, seed: seed, build)
  var stream = SeededStream(seed: seed ^ 0x5EED)
  let batch = LayerBatch(count: examples, shape: input, classes: classes, stream: &stream)
  var failures = checkShape(bench, output)
  guard failures.isEmpty else { return failures }
  for _ in 0..<2 {
    let projection = randomNumbers(examples * output.count, from: &stream)
    failures += checkFiniteDifferences(bench, batch, projection)
    failures += checkSingleExamples(bench, batch, projection, &stream)
    failures += checkThreads(bench, batch, projection) {
      LayerBench(input: input, seed: seed, threads: $0, build)
    }
  }
  return failures + checkEmptyBatch(bench)
}

/// Checks layers that may mix examples: shape, finite differences, threads, empty batch.
public func checkMixingLayer(
  input: Shape, output: Shape, classes: Int = 0, examples: Int = 4, seed: UInt64 = 1,
  _ build: (inout PublicNetworkBuilder) -> Void
) -> [String] {
  let bench = LayerBench(mixingInput: input, seed: seed, build)
  var stream = SeededStream(seed: seed ^ 0x5EED)
  let batch = LayerBatch(count: examples, shape: input, classes: classes, stream: &stream)
  var failures = checkShape(bench, output)
  guard failures.isEmpty else { return failures }
  for _ in 0..<2 {
    let projection = randomNumbers(examples * output.count, from: &stream)
    failures += checkFiniteDifferences(bench, batch, projection)
    failures += checkThreads(bench, batch, projection) {
      LayerBench(mixingInput: input, seed: seed, threads: $0, build)
    }
  }
  return failures + checkEmptyBatch(bench)
}

private func randomNumbers(_ count: Int, from stream: inout SeededStream) -> [Float] {
  (0..<count).map { _ in Float(stream.gaussian()) }
}

private func checkShape(_ bench: LayerBench, _ expected: Shape) -> [String] {
  let found = bench.network.outputShape
  return found == expected ? [] : ["output shape \(found), expected \(expected)"]
}

private func checkFiniteDifferences(
  _ bench: LayerBench, _ batch: LayerBatch, _ projection: [Float]
) -> [String] {
  let analytic = bench.run(batch, projection: projection, wantsNorms: false)
  let step: Float = 0x1p-7
  var moved = batch
  let inputs = batch.values.indices.map { index in
    centralDifference(at: batch.values[index], step: step) { value in
      moved.values[index] = value
      defer { moved.values[index] = batch.values[index] }
      return bench.projectedOutput(moved, projection: projection)
    }
  }
  let store = bench.network.parameters
  let parameters = (0..<store.count).map { index in
    let original = store.values.pointer[index]
    let difference = centralDifference(at: original, step: step) { value in
      store.values.pointer[index] = value
      bench.network.parametersChanged()
      return bench.projectedOutput(batch, projection: projection)
    }
    store.values.pointer[index] = original
    bench.network.parametersChanged()
    return difference
  }
  return compare(analytic.inputGradient, inputs, relative: 2e-3, "input gradient")
    + compare(analytic.gradient, parameters, relative: 2e-3, "parameter gradient")
}

private func centralDifference(
  at value: Float, step: Float, _ function: (Float) -> Double
) -> Double {
  let above = value + step
  let below = value - step
  return (function(above) - function(below)) / (Double(above) - Double(below))
}

/// Norms and weighted sums of a batch against those of its examples alone.
private func checkSingleExamples(
  _ bench: LayerBench, _ batch: LayerBatch, _ projection: [Float], _ stream: inout SeededStream
) -> [String] {
  let weights = randomNumbers(batch.count, from: &stream)
  let together = bench.run(batch, projection: projection, weights: weights, wantsNorms: true)
  let unprepared = bench.run(batch, projection: projection, weights: weights, wantsNorms: false)
  let plain = bench.run(batch, projection: projection, wantsNorms: true)
  let width = projection.count / batch.count
  var failures: [String] = []
  var weighted = [Double](repeating: 0, count: together.gradient.count)
  var sum = weighted
  for index in 0..<batch.count {
    let part = Array(projection[(index * width)..<((index + 1) * width)])
    let alone = bench.run(batch.example(index), projection: part, wantsNorms: true)
    let norm = alone.gradient.reduce(0.0) { $0 + Double($1) * Double($1) }
    // Norms are rounded up, never down: a contribution must not exceed what clipping assumes.
    if !(norm * (1 - 1e-6)...(norm * (1 + 2e-3) + 1e-12)).contains(together.norms[index]) {
      failures.append(
        "squared norm \(together.norms[index]) of example \(index), its gradient has \(norm)")
    }
    failures += checkCompany(index, together, alone)
    for (place, value) in alone.gradient.enumerated() {
      weighted[place] += Double(weights[index]) * Double(value)
      sum[place] += Double(value)
    }
  }
  return failures + compare(together.gradient, weighted, relative: 1e-5, "weighted sum")
    + compare(unprepared.gradient, weighted, relative: 1e-5, "weighted sum without norms")
    + compare(plain.gradient, sum, relative: 1e-5, "plain sum")
}

/// An example must not depend on the others in its batch: bits must agree.
private func checkCompany(
  _ index: Int, _ together: LayerBench.Outcome, _ alone: LayerBench.Outcome
) -> [String] {
  func part(_ values: [Float], _ size: Int) -> [UInt32] {
    values[(index * size)..<((index + 1) * size)].map(\.bitPattern)
  }
  var failures: [String] = []
  if part(together.output, alone.output.count) != alone.output.map(\.bitPattern) {
    failures.append("example \(index) has another output in company")
  }
  if part(together.inputGradient, alone.inputGradient.count)
    != alone.inputGradient.map(\.bitPattern)
  {
    failures.append("example \(index) has another input gradient in company")
  }
  if together.norms[index].bitPattern != alone.norms[0].bitPattern {
    failures.append("example \(index) has another norm in company")
  }
  return failures
}

private func checkThreads(
  _ bench: LayerBench, _ batch: LayerBatch, _ projection: [Float],
  _ anotherBench: (_ threads: Int) -> LayerBench
) -> [String] {
  let expected = bench.run(batch, projection: projection, wantsNorms: true)
  return [2, 3].compactMap { threads in
    let found = anotherBench(threads).run(batch, projection: projection, wantsNorms: true)
    return found == expected ? nil : "\(threads) threads give other bits than one"
  }
}

private func checkEmptyBatch(_ bench: LayerBench) -> [String] {
  let empty = LayerBatch(values: [], labels: [], count: 0)
  let outcome = bench.run(empty, projection: [], wantsNorms: true)
  let isEmpty = outcome.output.isEmpty && outcome.inputGradient.isEmpty
  return isEmpty && outcome.gradient.allSatisfy { $0 == 0 }
    ? [] : ["an empty batch has outputs or a gradient"]
}

/// Differences are measured against the largest entry, so that small ones are not lost in rounding.
private func compare(
  _ found: [Float], _ expected: [Double], relative tolerance: Double, _ what: String
) -> [String] {
  guard found.count == expected.count else {
    return ["\(what) has \(found.count) entries, expected \(expected.count)"]
  }
  let scale = expected.reduce(0.1) { max($0, abs($1)) }
  let worst = found.indices.max { first, second in
    abs(Double(found[first]) - expected[first]) < abs(Double(found[second]) - expected[second])
  }
  guard let worst, !(abs(Double(found[worst]) - expected[worst]) <= tolerance * scale) else {
    return []
  }
  return ["\(what) at \(worst) is \(found[worst]), expected \(expected[worst])"]
}
