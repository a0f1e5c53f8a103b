import Compute
import Learning

/// The images of a source with values rounded to levels, some of them without their class.
struct QuantizedImages: ExampleSource {
  let images: any ExampleSource
  let levels: PixelLevels
  /// Whether each image is used without its class; one entry per image, or empty.
  var isClassAbsent: [Bool] = []
  /// The label of an image without a class.
  var absentLabel = 0

  var count: Int { images.count }

  var units: [Int]? { images.units }

  func labels(in range: Range<Int>) -> [Int] {
    let labels = images.labels(in: range)
    guard !isClassAbsent.isEmpty else { return labels }
    return zip(range, labels).map { isClassAbsent[$0] ? absentLabel : $1 }
  }

  /// The places of the images, unless some are used without their class.
  func places(in range: Range<Int>) -> ExamplePlaces? {
    isClassAbsent.isEmpty ? images.places(in: range) : nil
  }

  func fill(_ target: Tensor, from range: Range<Int>) {
    images.fill(target, from: range)
    levels.quantize(target)
  }
}
