import Compute
import Glibc

/// Real images degraded in known ways, as reference values for metrics.
enum SpoiltImages: String, CaseIterable {
  case blurred, noised, classDropped = "a class missing", copied = "100 images repeated"

  /// The degraded set, as large as `images`; nil if it is meaningless, for example for a single class.
  func applied(to images: LabelledImages, seed: UInt64) -> LabelledImages? {
    switch self {
    case .blurred: return Self.blurred(images)
    case .noised: return Self.noised(images, seed: seed)
    case .classDropped:
      let counts = images.classCounts
      guard let dropped = counts.indices.max(by: { counts[$0] < counts[$1] }),
        counts.count(where: { $0 > 0 }) > 1
      else { return nil }
      return Self.repeated(images, images.labels.indices.filter { images.labels[$0] != dropped })
    case .copied:
      return images.count > 200 ? Self.repeated(images, Array(0..<100)) : nil
    }
  }

  /// Repeats the given images until the set is as large as before.
  private static func repeated(_ images: LabelledImages, _ places: [Int]) -> LabelledImages {
    images.images(at: (0..<images.count).map { places[$0 % places.count] })
  }

  /// Adds normal noise with a standard deviation of a fifth of the pixels' range.
  private static func noised(_ images: LabelledImages, seed: UInt64) -> LabelledImages {
    var stream = SeededStream(seed: seed)
    let pixels = images.pixels.map { byte in
      UInt8(max(0, min(255, Double(byte) + 51 * stream.gaussian())).rounded())
    }
    return LabelledImages(
      shape: images.shape, classNames: images.classNames, labels: images.labels, pixels: pixels)
  }

  /// Blurs with a Gaussian whose standard deviation is a 28th of the image's side.
  private static func blurred(_ images: LabelledImages) -> LabelledImages {
    let height = images.shape[0]
    let width = images.shape[1]
    let channels = images.shape[2]
    let deviation = Double(min(height, width)) / 28
    let radius = max(1, Int((2.5 * deviation).rounded(.up)))
    let weights = (-radius...radius).map {
      Float(exp(-Double($0 * $0) / (2 * deviation * deviation)))
    }
    let total = weights.reduce(0, +)
    var pixels = images.pixels
    var line = [Float](repeating: 0, count: images.shape.count)
    for image in 0..<images.count {
      let start = image * images.shape.count
      for index in line.indices {
        let row = index / (width * channels)
        let column = index / channels % width
        var sum: Float = 0
        for (tap, weight) in weights.enumerated() {
          let place = max(0, min(width - 1, column + tap - radius))
          sum +=
            weight
            * Float(images.pixels[start + (row * width + place) * channels + index % channels])
        }
        line[index] = sum / total
      }
      for index in line.indices {
        let row = index / (width * channels)
        let rest = index % (width * channels)
        var sum: Float = 0
        for (tap, weight) in weights.enumerated() {
          let place = max(0, min(height - 1, row + tap - radius))
          sum += weight * line[place * width * channels + rest]
        }
        pixels[start + index] = UInt8(max(0, min(255, sum / total)).rounded())
      }
    }
    return LabelledImages(
      shape: images.shape, classNames: images.classNames, labels: images.labels, pixels: pixels)
  }
}
