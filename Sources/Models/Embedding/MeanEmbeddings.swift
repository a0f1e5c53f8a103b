import Compute
import Glibc

/// The mean features of each class, estimated from one noisy sum.
///
/// Everything here is computed from the noisy sum and from public numbers: post-processing.
struct MeanEmbeddings {
  /// The mean features of each class.
  let means: [[Float]]

  /// Estimates the means from a sum whose blocks hold features and a count.
  ///
  /// - Parameters:
  ///   - sum: the noisy sum, block after block.
  ///   - featureCount: numbers in the features.
  ///   - deviation: the standard deviation of the noise on every number; 0 without noise.
  init(of sum: [Double], featureCount: Int, deviation: Double) {
    let block = featureCount + 1
    let classCount = sum.count / block
    let scale = NoisySum.featureScale
    let counts = (0..<classCount).map { index in
      NoisySum.unitCount(of: sum[index * block + featureCount], deviation: deviation)
    }
    let total = counts.reduce(0, +)
    var common = [Double](repeating: 0, count: featureCount)
    for index in 0..<classCount {
      for place in 0..<featureCount { common[place] += sum[index * block + place] / scale }
    }
    common = NoisySum.shrunk(
      common.map { $0 / total },
      deviation: deviation * Double(classCount).squareRoot() / scale / total)
    means = (0..<classCount).map { index in
      let own = (0..<featureCount).map { sum[index * block + $0] / scale / counts[index] }
      let difference = NoisySum.shrunk(
        zip(own, common).map { $0 - $1 }, deviation: deviation / scale / counts[index])
      return zip(common, difference).map { Float($0 + $1) }
    }
  }
}
