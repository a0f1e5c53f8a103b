public import Compute
import Learning

/// Wavelet scattering (`ScatteringTransform`), pooled over the image to means and standard deviations.
///
/// Pixels count as numbers from 0 to 16, which brings typical features near one.
public struct Scattering: FeatureExtractor {
  /// "scattering".
  public let name = "scattering"
  /// The filters' and the pooling's version.
  public let version = 1
  /// One sentence for readers.
  public let explanation =
    "mean strength and variation of edges and of textures made of edges, in eight directions and two"
    + " sizes; nothing was trained"
  /// Never.
  public let learnedFromPrivateImages = false

  private let machine: Machine
  private static let batchSize = 64
  private static let pathCount = ScatteringTransform.pathCount

  /// Creates an extractor that computes on `machine`.
  public init(on machine: Machine) {
    self.machine = machine
  }

  /// count × (2 · 81 · channels): means of all paths, then standard deviations, channel by channel.
  public func features(of images: LabelledImages) -> FeatureMatrix {
    let channels = images.shape[2]
    let width = 2 * Self.pathCount * channels
    let transform = ScatteringTransform(
      height: images.shape[0], width: images.shape[1], on: machine)
    let arena = Arena()
    return FeatureMatrix(count: images.count, width: width) { target in
      for start in stride(from: 0, to: images.count, by: Self.batchSize) {
        let range = start..<min(images.count, start + Self.batchSize)
        for channel in 0..<channels {
          arena.reset()
          let planes = Self.planes(of: images, range, channel: channel, in: arena)
          let pooled = pooledPaths(of: planes, by: transform)
          for (index, image) in range.enumerated() {
            let row = image * width + channel * 2 * Self.pathCount
            for column in 0..<(2 * Self.pathCount) {
              target[row + column] = pooled[index * 2 * Self.pathCount + column]
            }
          }
        }
      }
    }
  }

  /// One channel of a few images.
  private static func planes(
    of images: LabelledImages, _ range: Range<Int>, channel: Int, in arena: Arena
  ) -> Tensor {
    let (height, width, channels) = (images.shape[0], images.shape[1], images.shape[2])
    let planes = arena.make(Shape(range.count, height, width, 1))
    for (index, image) in range.enumerated() {
      let bytes = images[image]
      for pixel in 0..<(height * width) {
        planes.pointer[index * height * width + pixel] =
          Float(bytes[bytes.startIndex + pixel * channels + channel]) * (16 / 255)
      }
    }
    return planes
  }

  /// 81 means, then 81 standard deviations, for each plane.
  private func pooledPaths(of planes: Tensor, by transform: ScatteringTransform) -> [Float] {
    var pooled = [Float](repeating: 0, count: planes.shape[0] * 2 * Self.pathCount)
    var firstPath = 0
    transform.forEachPaths(of: planes) { paths in
      pool(paths, firstPath: firstPath, into: &pooled)
      firstPath += paths.count
    }
    return pooled
  }

  /// Means and standard deviations of some of the paths.
  private func pool(
    _ paths: ScatteringTransform.Paths, firstPath: Int, into pooled: inout [Float]
  ) {
    let imageCount = pooled.count / (2 * Self.pathCount)
    let size = paths.height * paths.width
    pooled.withUnsafeMutableBufferPointer { buffer in
      nonisolated(unsafe) let buffer = buffer
      machine.threads.forEach(imageCount) { image, _ in
        for path in 0..<paths.count {
          let source = paths.values.pointer + (image * paths.count + path) * size
          var sum = 0.0
          var squares = 0.0
          for index in 0..<size {
            let value = Double(source[index])
            sum += value
            squares += value * value
          }
          let mean = sum / Double(size)
          let row = image * 2 * Self.pathCount + firstPath + path
          buffer[row] = Float(mean)
          buffer[row + Self.pathCount] = Float(
            max(0, squares / Double(size) - mean * mean).squareRoot())
        }
      }
    }
  }
}
