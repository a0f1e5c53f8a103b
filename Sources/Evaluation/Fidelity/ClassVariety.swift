import Compute

/// How different the images of each class are from one another: a free sign of mode collapse.
struct ClassVariety {
  /// Median distance within each class, divided by the median between any two images.
  let values: [Double?]

  /// Images of a class that are compared with one another.
  private static let limit = 60
  /// The fewest that say something.
  private static let least = 10

  /// Compares the first images of each class, and images across all classes.
  init(_ images: LabelledImages) {
    let classes = images.classNames.indices.map { label in
      Array(images.places(ofClass: label).prefix(Self.limit))
    }
    let mixed = Array(images.sample(2 * Self.limit, seed: 1).pixels)
    let all = Self.medianDistance(mixed, imageSize: images.shape.count)
    values = classes.map { places in
      guard places.count >= Self.least, let all, all > 0 else { return nil }
      let own = images.images(at: places).pixels
      return Self.medianDistance(own, imageSize: images.shape.count).map { $0 / all }
    }
  }

  private static func medianDistance(_ pixels: [UInt8], imageSize: Int) -> Double? {
    let count = pixels.count / imageSize
    var distances: [Double] = []
    for first in 0..<count {
      for second in 0..<first {
        var sum = 0
        for offset in 0..<imageSize {
          let difference =
            Int(pixels[first * imageSize + offset]) - Int(pixels[second * imageSize + offset])
          sum += difference * difference
        }
        distances.append(Double(sum).squareRoot())
      }
    }
    distances.sort()
    return distances.isEmpty ? nil : distances[distances.count / 2]
  }
}
