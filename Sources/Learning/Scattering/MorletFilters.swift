import Glibc

/// A bank of complex Morlet wavelets of one scale in several directions, cut to a square.
///
/// ψ(u) = (exp(i ξ·u) − κ) exp(−uᵀCu / 2) with ξ of length 3π/4 · 2⁻ʲ, deviation 0.8 · 2ʲ along ξ and
/// twice that across; κ makes the sum over the square vanish (Bruna & Mallat, arXiv 1203.1513).
struct MorletFilters {
  /// Directions, evenly spread over a half turn.
  let directionCount: Int
  /// Pixels from the centre to the edge of the square.
  let radius: Int
  /// rows × columns × (directionCount real parts, then directionCount imaginary parts).
  let weights: [Float]

  /// Creates the bank of scale 2^`scale`.
  init(scale: Int, directionCount: Int, radius: Int) {
    self.directionCount = directionCount
    self.radius = radius
    let side = 2 * radius + 1
    var weights = [Float](repeating: 0, count: side * side * 2 * directionCount)
    for direction in 0..<directionCount {
      let angle = Double.pi * Double(direction) / Double(directionCount)
      let filter = Self.filter(scale: scale, angle: angle, radius: radius)
      for (tap, value) in filter.enumerated() {
        weights[tap * 2 * directionCount + direction] = Float(value.real)
        weights[tap * 2 * directionCount + directionCount + direction] = Float(value.imaginary)
      }
    }
    self.weights = weights
  }

  private static func filter(
    scale: Int, angle: Double, radius: Int
  ) -> [(real: Double, imaginary: Double)] {
    let octave = Double(1 << scale)
    let deviation = 0.8 * octave
    let frequency = 3 * Double.pi / 4 / octave
    var envelope: [Double] = []
    var phases: [Double] = []
    for row in -radius...radius {
      for column in -radius...radius {
        let along = cos(angle) * Double(column) + sin(angle) * Double(row)
        let across = -sin(angle) * Double(column) + cos(angle) * Double(row)
        envelope.append(
          exp(-(along * along + across * across / 4) / (2 * deviation * deviation)))
        phases.append(frequency * along)
      }
    }
    // The squares are symmetric about the origin, so the imaginary part sums to zero.
    let total = envelope.reduce(0, +)
    let mean = zip(envelope, phases).reduce(0) { $0 + $1.0 * cos($1.1) } / total
    return zip(envelope, phases).map {
      (real: $0 * (cos($1) - mean) / total, imaginary: $0 * sin($1) / total)
    }
  }
}
