import Compute
import Glibc
import Learning

/// A softmax over the levels of each channel; outputs are channels × levels.
struct CategoricalLevels: PixelDistribution {
  let levels: PixelLevels
  let channelCount: Int
  let kernels: Kernels

  init(levels: PixelLevels, channelCount: Int, kernels: Kernels = .preferred) {
    self.levels = levels
    self.channelCount = channelCount
    self.kernels = kernels
  }

  var outputCount: Int { channelCount * levels.count }

  var groupCount: Int { channelCount }

  var steps: [Range<Int>] { (0..<channelCount).map { $0..<($0 + 1) } }

  func loss(
    of place: PixelPlace, outputs: UnsafePointer<Float>, gradient: UnsafeMutablePointer<Float>?
  ) -> Double {
    let pixel = place.pixel(channelCount)
    // The weights are needed even if there is no gradient to store them in.
    return withUnsafeTemporaryAllocation(of: Float.self, capacity: levels.count) { spare in
      var total = 0.0
      for channel in 0..<channelCount {
        guard let weights = gradient.map({ $0 + channel * levels.count }) ?? spare.baseAddress
        else { continue }
        let logits = outputs + channel * levels.count
        let level = levels.level(of: pixel[channel])
        let (largest, sum) = kernels.softmaxWeights(
          logits, scale: 1, count: levels.count, into: weights)
        total += Double(largest) + log(Double(sum)) - Double(logits[level])
        guard gradient != nil else { continue }
        let factor = 1 / sum
        for index in 0..<levels.count { weights[index] *= factor }
        weights[level] -= 1
      }
      return total
    }
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
        let (_, sum) = kernels.softmaxWeights(
          outputs + channel * levels.count, scale: Float(1 / temperature), count: levels.count,
          into: base)
        var left = uniform * Double(sum)
        for level in 0..<levels.count {
          left -= Double(weights[level])
          if left < 0 { return levels.value(of: level) }
        }
        // Rounding may leave a rest beyond the last weight; the likeliest level is always valid then.
        let likeliest = weights.indices.max { weights[$0] < weights[$1] } ?? 0
        return levels.value(of: likeliest)
      }
    }
  }
}
