import Compute
import Glibc

/// A distribution of a pixel that has a mean.
protocol MeanPixelDistribution: PixelDistribution {
  /// Writes the mean of each channel of a pixel, in [−1, 1].
  func writeMean(outputs: UnsafePointer<Float>, into pixel: UnsafeMutablePointer<Float>)
}

extension CategoricalLevels: MeanPixelDistribution {
  func writeMean(outputs: UnsafePointer<Float>, into pixel: UnsafeMutablePointer<Float>) {
    withUnsafeTemporaryAllocation(of: Float.self, capacity: levels.count) { weights in
      guard let base = weights.baseAddress else { return }
      for channel in 0..<channelCount {
        let (_, sum) = kernels.softmaxWeights(
          outputs + channel * levels.count, scale: 1, count: levels.count, into: base)
        var mean: Float = 0
        for level in 0..<levels.count { mean += base[level] * levels.value(of: level) }
        pixel[channel] = levels.clamped(mean / sum)
      }
    }
  }
}

extension LogisticMixture: MeanPixelDistribution {
  /// The mean of the components' means, each with the earlier channels at their means, and without the part that
  /// lies beyond black and white.
  func writeMean(outputs: UnsafePointer<Float>, into pixel: UnsafeMutablePointer<Float>) {
    let largest = (0..<componentCount).reduce(-Float.infinity) { max($0, outputs[$1]) }
    let weights = (0..<componentCount).map { exp(Double(outputs[$0] - largest)) }
    let sum = weights.reduce(0, +)
    var means = [Double](repeating: 0, count: channelCount)
    var own = [Float](repeating: 0, count: channelCount)
    for component in 0..<componentCount {
      for channel in 0..<channelCount {
        own[channel] = levels.clamped(Float(mean(channel, component, outputs, own)))
        means[channel] += weights[component] / sum * Double(own[channel])
      }
    }
    for channel in 0..<channelCount { pixel[channel] = levels.clamped(Float(means[channel])) }
  }
}

extension PixelLevels {
  /// The nearest value in [−1, 1]; −1 for NaN, which a diverged model may draw.
  fileprivate func clamped(_ value: Float) -> Float {
    guard value > -1 else { return -1 }
    return min(1, value)
  }
}
