import Glibc

/// Cryptographic randomness for everything that privacy depends on: ChaCha20 keyed by the kernel.
///
/// A stream is never saved or copied: a resumed run draws fresh noise and pays for it.
public final class NoiseStream: RandomNumberGenerator {
  private var key: [UInt32]
  private var counter: UInt64 = 0
  private var block = [UInt32](repeating: 0, count: 16)
  private var used = 16

  /// Creates a stream with a fresh key from the kernel; traps when the kernel gives none.
  public init() {
    var key = [UInt32](repeating: 0, count: 8)
    let status = key.withUnsafeMutableBytes { getentropy($0.baseAddress, $0.count) }
    precondition(status == 0, "the kernel gave no random key: error \(errno)")
    self.key = key
  }

  /// Creates a stream with a known key, for tests alone.
  package init(testKey: [UInt32]) {
    precondition(testKey.count == 8, "a ChaCha20 key has eight words")
    key = testKey
  }

  deinit {
    key.withUnsafeMutableBytes { bytes in
      for index in bytes.indices { bytes[index] = 0 }
    }
  }

  /// The next 64 random bits.
  public func next() -> UInt64 {
    if used >= 16 { refill() }
    let low = UInt64(block[used])
    let high = UInt64(block[used + 1])
    used += 2
    return high << 32 | low
  }

  /// Adds normal noise of the given standard deviation to every element: drawn and added in
  /// Double, from 64-bit uniforms (Box–Muller), then rounded once.
  public func addGaussian(to tensor: Tensor, standardDeviation: Double) {
    var index = 0
    while index < tensor.count {
      let (first, second) = gaussianPair()
      tensor.pointer[index] = Float(Double(tensor.pointer[index]) + standardDeviation * first)
      if index + 1 < tensor.count {
        tensor.pointer[index + 1] = Float(
          Double(tensor.pointer[index + 1]) + standardDeviation * second)
      }
      index += 2
    }
  }

  private func gaussianPair() -> (Double, Double) {
    let radius = (-2 * log((Double(next()) + 0.5) * 0x1p-64)).squareRoot()
    let angle = 2 * Double.pi * (Double(next()) * 0x1p-64)
    return (radius * cos(angle), radius * sin(angle))
  }

  /// ChaCha20 block function with a 64-bit counter and a zero nonce (Bernstein's original layout).
  private func refill() {
    let constants: [UInt32] = [0x6170_7865, 0x3320_646e, 0x7962_2d32, 0x6b20_6574]
    let input =
      constants + key + [
        UInt32(truncatingIfNeeded: counter), UInt32(truncatingIfNeeded: counter >> 32), 0, 0,
      ]
    var x = input
    func rotate(_ v: UInt32, _ k: UInt32) -> UInt32 { (v << k) | (v >> (32 - k)) }
    func quarter(_ a: Int, _ b: Int, _ c: Int, _ d: Int) {
      x[a] &+= x[b]
      x[d] = rotate(x[d] ^ x[a], 16)
      x[c] &+= x[d]
      x[b] = rotate(x[b] ^ x[c], 12)
      x[a] &+= x[b]
      x[d] = rotate(x[d] ^ x[a], 8)
      x[c] &+= x[d]
      x[b] = rotate(x[b] ^ x[c], 7)
    }
    for _ in 0..<10 {
      quarter(0, 4, 8, 12)
      quarter(1, 5, 9, 13)
      quarter(2, 6, 10, 14)
      quarter(3, 7, 11, 15)
      quarter(0, 5, 10, 15)
      quarter(1, 6, 11, 12)
      quarter(2, 7, 8, 13)
      quarter(3, 4, 9, 14)
    }
    for index in 0..<16 { block[index] = x[index] &+ input[index] }
    counter += 1
    used = 0
  }
}
