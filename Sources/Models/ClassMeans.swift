import Compute
public import Learning
public import Privacy

/// The mean image of each class, at a small size, estimated from one noisy sum over all images.
///
/// Every image adds its small copy in the block of its class, and a constant by which images are counted.
public struct ClassMeans: Sendable {
  /// The longest side of a mean image.
  public static let largestSide = 16

  /// Rows, columns and channels of a mean image.
  public let height: Int, width: Int, channels: Int
  private let format: ImageSpecification
  /// Rows and columns of the original that become one.
  private let factor: Int

  /// The means of images of `format`.
  public init(of format: ImageSpecification) {
    self.format = format
    factor = max(
      1, (max(format.height, format.width) + Self.largestSide - 1) / Self.largestSide)
    height = (format.height + factor - 1) / factor
    width = (format.width + factor - 1) / factor
    channels = format.channels
  }

  /// Numbers in a mean image.
  private var featureCount: Int { height * width * channels }
  private var classCount: Int { max(1, format.classes.count) }

  /// The sum over all units with the noise of `mechanism`, whose clip norm is 1.
  public func sum(by mechanism: SubsampledGaussian) -> VectorSum {
    VectorSum(
      byClass: classCount, featureCount: featureCount, countShare: NoisySum.countShare,
      of: format.shape, by: mechanism
    ) { images, _, target in
      for example in 0..<images.shape[0] {
        write(
          images.pointer + example * format.shape.count, to: target.pointer + example * featureCount
        )
      }
    }
  }

  /// Writes the small copy of an image in [−1, 1] as numbers in [0, 1], divided by the root of their number so that
  /// the norm is at most 1.
  private func write(_ image: UnsafePointer<Float>, to target: UnsafeMutablePointer<Float>) {
    let scale = 1 / Float(featureCount).squareRoot()
    for row in 0..<height {
      for column in 0..<width {
        for channel in 0..<channels {
          var total: Float = 0
          var count: Float = 0
          for y in (row * factor)..<min(format.height, (row + 1) * factor) {
            for x in (column * factor)..<min(format.width, (column + 1) * factor) {
              total += image[(y * format.width + x) * channels + channel]
              count += 1
            }
          }
          target[(row * width + column) * channels + channel] = scale * 0.5 * (1 + total / count)
        }
      }
    }
  }

  /// A mean image as the noisy sum gives it.
  public struct Mean: Sendable, Equatable {
    /// Levels 0...255, rows of columns of channels.
    public let levels: [Int]
    /// The standard deviation of the noise on a level, before it was limited to 0...255; nil if the noisy number of
    /// images is no larger than its noise.
    public let standardDeviation: Double?
  }

  /// The mean images by class, in label order, computed from a noisy sum alone.
  public func means(of sum: [Double], noise deviation: Double) -> [Mean] {
    let block = featureCount + 1
    return (0..<classCount).map { label in
      let counted = sum[label * block + featureCount]
      let count = NoisySum.unitCount(of: counted, deviation: deviation)
      let factor = 255 * Double(featureCount).squareRoot() / (NoisySum.featureScale * count)
      return Mean(
        levels: (0..<featureCount).map {
          Int(min(255, max(0, (sum[label * block + $0] * factor).rounded())))
        },
        standardDeviation: counted > deviation ? deviation * factor : nil)
    }
  }
}
