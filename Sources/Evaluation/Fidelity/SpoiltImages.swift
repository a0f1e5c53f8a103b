import Compute

/// Real images degraded in known ways, as reference values for metrics.
enum SpoiltImages: String, CaseIterable {
  case blurred, noised, classDropped = "a class missing", copied = "100 images repeated"

  /// The degraded set, as large as `images`; nil if it is meaningless, for example for a single class.
  func applied(to images: LabelledImages, seed: UInt64) -> LabelledImages? {
    switch self {
    case .blurred: return images.blurred(deviation: Double(images.shorterSide) / 28)
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
}
