import Glibc

/// A reproducible stream of random numbers for initial weights, latents and drawings.
///
/// It is xoshiro256** seeded by splitmix64 (Blackman & Vigna). Privacy never depends on it: noise
/// and the sampling of private images use `NoiseStream`.
public struct SeededStream: RandomNumberGenerator, Sendable {
  private var state: (UInt64, UInt64, UInt64, UInt64)
  private var spare: Double?

  /// Creates the stream for a seed.
  public init(seed: UInt64) {
    var mixer = seed
    func next() -> UInt64 {
      mixer &+= 0x9E37_79B9_7F4A_7C15
      var z = mixer
      z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
      z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
      return z ^ (z >> 31)
    }
    state = (next(), next(), next(), next())
  }

  /// The four words of the state, to save and restore the stream between draws of `next`.
  public var words: [UInt64] {
    get { [state.0, state.1, state.2, state.3] }
    set {
      precondition(newValue.count == 4, "the state of a seeded stream has four words")
      state = (newValue[0], newValue[1], newValue[2], newValue[3])
      spare = nil
    }
  }

  /// The next 64 random bits.
  public mutating func next() -> UInt64 {
    func rotate(_ x: UInt64, _ k: UInt64) -> UInt64 { (x << k) | (x >> (64 - k)) }
    let result = rotate(state.1 &* 5, 7) &* 9
    let t = state.1 << 17
    state.2 ^= state.0
    state.3 ^= state.1
    state.1 ^= state.2
    state.0 ^= state.3
    state.2 ^= t
    state.3 = rotate(state.3, 45)
    return result
  }

  /// A number in [0, 1) with 53 random bits.
  public mutating func uniform() -> Double {
    Double(next() >> 11) * 0x1p-53
  }

  /// A standard normal number (Box–Muller).
  public mutating func gaussian() -> Double {
    if let value = spare {
      spare = nil
      return value
    }
    let radius = (-2 * log(1 - uniform())).squareRoot()
    let angle = 2 * Double.pi * uniform()
    spare = radius * sin(angle)
    return radius * cos(angle)
  }

  /// Fills a tensor with normal numbers of the given standard deviation.
  public mutating func fillGaussian(_ tensor: Tensor, standardDeviation: Float) {
    for index in 0..<tensor.count {
      tensor.pointer[index] = Float(gaussian()) * standardDeviation
    }
  }
}
