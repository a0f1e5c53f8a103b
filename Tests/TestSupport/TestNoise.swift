public import Compute

/// Noise that tests can repeat; shipped code cannot make such a stream.
public enum TestNoise {
  /// The stream of a seed; each call starts it from the beginning.
  public static func stream(_ seed: UInt32) -> NoiseStream {
    NoiseStream(testKey: (0..<8).map { seed &* 0x9E37_79B9 &+ $0 })
  }
}
