import Compute
import Glibc

extension LabelledImages {
  /// The images blurred by a Gaussian, whose standard deviation is given in pixels; pixels of the border are repeated.
  func blurred(deviation: Double) -> LabelledImages {
    let (height, width, channels) = (shape[0], shape[1], shape[2])
    let radius = max(1, Int((2.5 * deviation).rounded(.up)))
    let weights = (-radius...radius).map {
      Float(exp(-Double($0 * $0) / (2 * deviation * deviation)))
    }
    let total = weights.reduce(0, +)
    var blurred = pixels
    var line = [Float](repeating: 0, count: shape.count)
    for image in 0..<count {
      let start = image * shape.count
      for index in line.indices {
        let row = index / (width * channels)
        let column = index / channels % width
        var sum: Float = 0
        for (tap, weight) in weights.enumerated() {
          let place = max(0, min(width - 1, column + tap - radius))
          sum +=
            weight * Float(pixels[start + (row * width + place) * channels + index % channels])
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
        blurred[start + index] = UInt8(max(0, min(255, sum / total)).rounded())
      }
    }
    return with(pixels: blurred)
  }
}
