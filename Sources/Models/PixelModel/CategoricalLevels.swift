import Compute
import Glibc
import Learning

/// A softmax over the levels of each channel; outputs are channels × levels.
struct CategoricalLevels: PixelDistribution {
  let levels: PixelLevels
  let channelCount: Int

  var outputCount: Int { channelCount * levels.count }

  var groupCount: Int { channelCount }

  var steps: [Range<Int>] { (0..<channelCount).map { $0..<($0 + 1) } }

  func loss(
    of place: PixelPlace, outputs: UnsafePointer<Float>, gradient: UnsafeMutablePointer<Float>?
  ) -> Double {
    let pixel = place.pixel(channelCount)
    var total = 0.0
    for channel in 0..<channelCount {
      let logits = outputs + channel * levels.count
      let level = levels.level(of: pixel[channel])
      let slopes = gradient.map { $0 + channel * levels.count }
      let (largest, sum) = exponentials(of: logits, scale: 1, into: slopes)
      total += Double(largest) + log(Double(sum)) - Double(logits[level])
      guard let slopes else { continue }
      let factor = 1 / sum
      for index in 0..<levels.count { slopes[index] *= factor }
      slopes[level] -= 1
    }
    return total
  }

  func draw(
    _ channels: Range<Int>, at place: PixelPlace, outputs: UnsafePointer<Float>,
    temperature: Double, from stream: inout SeededStream, into pixel: UnsafeMutablePointer<Float>
  ) {
    for channel in channels {
      let uniform = stream.uniform()
      pixel[channel] = withUnsafeTemporaryAllocation(of: Float.self, capacity: levels.count) {
        weights in
        guard let base = weights.baseAddress else { return 0 }
        let (_, sum) = exponentials(
          of: outputs + channel * levels.count, scale: Float(1 / temperature), into: base)
        var left = uniform * Double(sum)
        for level in 0..<levels.count {
          left -= Double(weights[level])
          if left < 0 { return levels.value(of: level) }
        }
        // Rounding may leave a rest beyond the last weight; the likeliest level is never wrong.
        let likeliest = weights.indices.max { weights[$0] < weights[$1] } ?? 0
        return levels.value(of: likeliest)
      }
    }
  }

  /// Writes exp(scale · (logit − largest)) and returns the largest logit and the sum, in Float in a
  /// fixed order.
  private func exponentials(
    of logits: UnsafePointer<Float>, scale: Float, into target: UnsafeMutablePointer<Float>?
  ) -> (largest: Float, sum: Float) {
    var largest = logits[0]
    for index in 1..<levels.count where logits[index] > largest { largest = logits[index] }
    var sums = GatedArithmetic.Lanes(repeating: 0)
    GatedArithmetic.forEachBlock(levels.count) { first, valid in
      let shifted = GatedArithmetic.load(logits + first, valid: valid) - largest
      var weights = GatedArithmetic.exponential(shifted * scale)
      for lane in valid..<8 { weights[lane] = 0 }
      sums += weights
      if let target { GatedArithmetic.store(weights, to: target + first, valid: valid) }
    }
    return (largest, sums.sum())
  }
}
