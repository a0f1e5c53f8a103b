/// Independent uniform 64-bit numbers. Who trains privately must pass a cryptographic stream: the
/// guarantee of Poisson sampling counts on draws that nobody can foresee.
public protocol UniformSource: ~Copyable {
  /// The next number; every value of 0 ..< 2^64 equally likely.
  mutating func next() -> UInt64
  /// Fills `numbers` with what as many calls of `next` would give.
  mutating func fill(_ numbers: UnsafeMutableBufferPointer<UInt64>)
}

extension UniformSource where Self: ~Copyable {
  /// One call of `next` per number.
  public mutating func fill(_ numbers: UnsafeMutableBufferPointer<UInt64>) {
    for index in numbers.indices { numbers[index] = next() }
  }
}

/// A reproducible source for drawn images and tests; never for private training.
/// SplitMix64: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.
public struct SeededSource: UniformSource, Sendable {
  private var state: UInt64

  /// Equal seeds give equal numbers.
  public init(seed: UInt64) { state = seed }

  /// The next number.
  public mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
    return mixed ^ (mixed >> 31)
  }

  /// A number in 0 ..< 1 with 53 random bits.
  mutating func unit() -> Double { Double(next() >> 11) * 0x1p-53 }

  /// A number in `range`.
  mutating func number(in range: ClosedRange<Double>) -> Double {
    range.lowerBound + (range.upperBound - range.lowerBound) * unit()
  }

  /// A whole number in 0 ..< `count`; the bias of the remainder is below count / 2^64.
  mutating func index(below count: Int) -> Int { Int(next() % UInt64(count)) }
}
