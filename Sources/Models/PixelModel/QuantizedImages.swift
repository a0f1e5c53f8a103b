import Compute
import Learning

/// Images whose values are levels, whatever the source gave, and of which some lose their class.
struct QuantizedImages: ExampleSource {
  let images: any ExampleSource
  let levels: PixelLevels
  /// Which images are taken without their class, one entry for each or none at all.
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

  func fill(_ target: Tensor, from range: Range<Int>) {
    images.fill(target, from: range)
    levels.quantize(target)
  }
}
