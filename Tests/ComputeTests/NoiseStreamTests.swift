import Glibc
import Testing

@testable import Compute

/// The noise that privacy depends on: its source, distribution and tails, on every instruction set.
@Suite struct NoiseStreamTests {
  static let isaNames = Kernels.available.map(\.name)
  static let key: [UInt32] = [1, 2, 3, 4, 5, 6, 7, 8]

  private func noise(
    _ count: Int, _ isa: String, deviation: Double = 1, on machine: Machine? = nil
  ) -> [Float] {
    let stream = NoiseStream(testKey: Self.key, kernels: Kernels.named(isa) ?? .preferred)
    let arena = Arena()
    defer { withExtendedLifetime(arena) {} }
    let tensor = arena.makeZeros(Shape(count))
    stream.addGaussian(to: tensor, standardDeviation: deviation, on: machine)
    return tensor.array
  }

  /// The first block of a zero key: RFC 8439, appendix A.1, vector 1.
  @Test(arguments: isaNames) func wordsAreThoseOfChaCha20(_ isa: String) {
    let stream = NoiseStream(
      testKey: [UInt32](repeating: 0, count: 8), kernels: Kernels.named(isa) ?? .preferred)
    let expected = """
      76b8e0ada0f13d90405d6ae55386bd28bdd219b8a08ded1aa836efcc8b770dc7\
      da41597c5157488d7724e03fb8d84a376a43b8f41518a11cc387b669b2ee6586
      """
    let block = (0..<8).map { _ in
      let digits = String(stream.next().byteSwapped, radix: 16)
      return String(repeating: "0", count: 16 - digits.count) + digits
    }
    #expect(block.joined() == expected)
    // The second block (appendix A.1, vector 2, has the counter 1).
    let second = (0..<4).map { _ in stream.next() }
    #expect(UInt8(truncatingIfNeeded: second[0]) == 0x9f)
    #expect(UInt32(truncatingIfNeeded: second[0]) == 0xbee7_079f)
  }

  @Test func everyInstructionSetDrawsTheSameWordsAndNearlyTheSameNumbers() {
    let scalar = NoiseStream(testKey: Self.key, kernels: Kernels.named("scalar") ?? .preferred)
    let words = (0..<600).map { _ in scalar.next() }
    let numbers = noise(5000, "scalar")
    for isa in Self.isaNames {
      let stream = NoiseStream(testKey: Self.key, kernels: Kernels.named(isa) ?? .preferred)
      #expect((0..<600).map { _ in stream.next() } == words)
      for (a, b) in zip(noise(5000, isa), numbers) { #expect(abs(a - b) <= abs(b) * 1e-6) }
    }
  }

  @Test(arguments: isaNames) func numbersAreNormal(_ isa: String) {
    let count = isa == "scalar" ? 400_000 : 4_000_000
    let values = noise(count, isa).map(Double.init)
    let n = Double(count)
    let mean = values.reduce(0, +) / n
    let variance = values.reduce(0) { $0 + $1 * $1 } / n
    let third = values.reduce(0) { $0 + $1 * $1 * $1 } / n
    let fourth = values.reduce(0) { $0 + $1 * $1 * $1 * $1 } / n
    // Five standard errors of each moment.
    #expect(abs(mean) < 5 / n.squareRoot())
    #expect(abs(variance - 1) < 5 * (2 / n).squareRoot())
    #expect(abs(third) < 5 * (15 / n).squareRoot())
    #expect(abs(fourth - 3) < 5 * (96 / n).squareRoot())

    // Kolmogorov–Smirnov at 1 in 10⁵: 2.47 / √n.
    let sorted = values.sorted()
    var distance = 0.0
    for (index, value) in sorted.enumerated() {
      let law = 0.5 * erfc(-value / 2.0.squareRoot())
      distance = max(distance, max(law - Double(index) / n, Double(index + 1) / n - law))
    }
    #expect(distance < 2.47 / n.squareRoot())

    for limit in [3.0, 4.0] {
      let expected = n * erfc(limit / 2.0.squareRoot())
      let found = Double(values.count { abs($0) > limit })
      #expect(abs(found - expected) < 5 * expected.squareRoot() + 5, "beyond \(limit)")
    }
  }

  @Test(arguments: isaNames) func neighboursAreUncorrelated(_ isa: String) {
    let count = 400_000
    let values = noise(count, isa).map(Double.init)
    for lag in [1, 2, 8, 16, 32, 128] {
      let sum = (0..<(count - lag)).reduce(0.0) { $0 + values[$1] * values[$1 + lag] }
      #expect(abs(sum) / Double(count) < 5 / Double(count).squareRoot(), "lag \(lag)")
    }
  }

  /// A 24-bit uniform cannot exceed 5.77 standard deviations, and a 32-bit uniform cannot exceed 6.66.
  @Test func tailsReachFarBeyondShortUniforms() {
    let stream = NoiseStream(testKey: Self.key)
    let machine = Machine(threadCount: 2)
    let arena = Arena()
    defer { withExtendedLifetime(arena) {} }
    let tensor = arena.make(Shape(4_000_000))
    var largest: Float = 0
    var beyondFive = 0
    for _ in 0..<50 {
      tensor.fill(0)
      stream.addGaussian(to: tensor, standardDeviation: 1, on: machine)
      for value in tensor.buffer where abs(value) > 5 {
        beyondFive += 1
        largest = max(largest, abs(value))
      }
    }
    // 2·10⁸ numbers: 114.7 expected beyond 5, and almost surely one beyond 5.6.
    #expect(abs(Double(beyondFive) - 114.7) < 55)
    #expect(largest > 5.6)
  }

  @Test(arguments: isaNames) func numbersDoNotDependOnThreadsOrCallSize(_ isa: String) {
    let alone = noise(30_011, isa)
    #expect(noise(30_011, isa, on: Machine(threadCount: 3)) == alone)
    #expect(Array(noise(1000, isa)) == Array(alone[..<1000]))
  }

  @Test func noiseIsAddedOnceAndNeverRepeats() {
    let stream = NoiseStream(testKey: Self.key)
    let arena = Arena()
    defer { withExtendedLifetime(arena) {} }
    let first = arena.make(Shape(1000), [Float](repeating: 100, count: 1000))
    let second = arena.makeZeros(Shape(1000))
    stream.addGaussian(to: first, standardDeviation: 0.5)
    stream.addGaussian(to: second, standardDeviation: 0.5)
    #expect(first.array.allSatisfy { abs($0 - 100) < 4 })
    #expect(zip(first.array, second.array).allSatisfy { $0 - 100 != $1 })
    let fresh = NoiseStream()
    let other = NoiseStream()
    #expect(fresh.next() != other.next())
  }

  @Test func zeroDeviationLeavesValuesUnchanged() {
    let values = randomFloats(777, seed: 3)
    let arena = Arena()
    defer { withExtendedLifetime(arena) {} }
    let tensor = arena.make(Shape(777), values)
    NoiseStream().addGaussian(to: tensor, standardDeviation: 0)
    #expect(tensor.array == values)
  }
}
