import Control
import Datasets

/// Looks at a few real images for colours: a file of three channels may hold a grey image.
struct ColourLook {
  /// The folder of images, in the common form of previews; read, never written.
  let builder: SnapshotBuilder

  /// So many images are enough.
  private static let mostImages = 48
  /// Channels of a grey pixel differ by at most this much of 255, with room for the losses of JPEG.
  private static let greyWithin: UInt8 = 24
  /// An image has colours if one pixel in so many does.
  private static let onePixelIn = 50

  /// Whether at least half of some images have colours; nil if none of them can be read.
  ///
  /// - Throws: `DatasetError`.
  func hasColours(_ selection: PreviewSelection) throws -> Bool? {
    let each = max(1, Self.mostImages / max(1, selection.classes.count))
    let paths = selection.classes.flatMap { $0.paths.prefix(each) }.prefix(Self.mostImages)
    let images = try builder.decode(paths.map { RelativePath($0) }).compactMap { file in
      if case .pixels(let pixels) = file { pixels } else { nil }
    }
    guard !images.isEmpty else { return nil }
    return 2 * images.count(where: Self.hasColours) >= images.count
  }

  /// Whether enough pixels of an image, three bytes each, are not grey.
  static func hasColours(_ pixels: [UInt8]) -> Bool {
    let coloured = stride(from: 0, to: pixels.count - 2, by: 3).count { place in
      let pixel = pixels[place..<place + 3]
      return (pixel.max() ?? 0) - (pixel.min() ?? 0) > greyWithin
    }
    return coloured * onePixelIn > pixels.count / 3
  }
}
