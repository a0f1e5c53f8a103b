import Compute
import Datasets
import Testing

@testable import Evaluation

/// Small labelled sets of generated glyphs, 14 × 14.
enum GlyphSet {
  static let classes = Array(Glyph.allCases.prefix(4))

  /// The `count` glyphs from `first` on, cycling through all classes.
  static func images(_ count: Int, from first: Int = 0, seed: UInt64 = 1) throws -> LabelledImages {
    let generator = GlyphGenerator(seed: seed)
    let transform = ImageTransform(height: 14, width: 14, channels: .grey)
    var pixels: [UInt8] = []
    for index in 0..<count {
      let drawn = generator.image(
        of: classes[index % classes.count], index: first + index / classes.count)
      pixels += try #require(transform.pixels(of: drawn))
    }
    return LabelledImages(
      shape: Shape(14, 14, 1), classNames: classes.map(\.rawValue),
      labels: (0..<count).map { $0 % classes.count }, pixels: pixels)
  }
}
