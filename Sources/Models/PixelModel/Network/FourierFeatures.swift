import Glibc

/// Fourier features of a level: cosines and sines from which a network reads it exactly.
///
/// A value between −1 and 1 hardly distinguishes one of 256 levels from its neighbour, yet a
/// scanner or a codec may make some levels common and their neighbours rare. Octave k, from 1 to
/// the number of octaves, has a period of 2ᵏ levels and the features cos(2π·level/2ᵏ) and
/// sin(2π·level/2ᵏ). These are the features of Kingma and others (2021, arXiv 2107.00630), with
/// periods that fit the levels. With as many octaves as bits, a sum of features can be large at a
/// single level.
struct FourierFeatures: Hashable, Sendable {
  /// The levels.
  let levels: PixelLevels
  /// Number of octaves, at most the bits of a level; zero for none.
  let octaves: Int

  /// Describes the features of 2^bits levels.
  init(bits: Int, octaves: Int) {
    precondition((0...bits).contains(octaves), "\(octaves) octaves of \(bits) bits")
    levels = PixelLevels(bits: bits)
    self.octaves = octaves
  }

  /// Features per level; the sine of the first octave is zero everywhere and left out.
  var count: Int { max(0, 2 * octaves - 1) }

  /// The features of each level, levels × count: cosine and sine of the longest period first.
  var table: [Float] {
    (0..<levels.count).flatMap { level in
      stride(from: octaves, to: 0, by: -1).flatMap { octave -> [Float] in
        let angle = 2 * Double.pi * Double(level % (1 << octave)) / Double(1 << octave)
        return octave == 1 ? [Float(cos(angle))] : [Float(cos(angle)), Float(sin(angle))]
      }
    }
  }
}
