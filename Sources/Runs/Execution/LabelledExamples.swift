package import Compute
package import Datasets
package import Evaluation
import Learning

/// Labelled images as a model's examples: from black at −1 to white at 1, as in training.
package struct LabelledExamples: ExampleSource {
  package let images: LabelledImages
  /// The range of images that are examples.
  package let places: Range<Int>

  /// Selects a range of the images as examples.
  package init(
    images: LabelledImages, places: Range<Int>
  ) {
    self.images = images
    self.places = places
  }

  package var count: Int { places.count }

  package func labels(in range: Range<Int>) -> [Int] {
    images.classNames.count > 1 ? range.map { images.labels[places.lowerBound + $0] } : []
  }

  package func fill(_ target: Tensor, from range: Range<Int>) {
    let own = (places.lowerBound + range.lowerBound)..<(places.lowerBound + range.upperBound)
    images.fill(target, at: own)
  }
}

extension DatasetSnapshot {
  /// Reads some of the images into memory.
  package func labelledImages(at kept: some Collection<Int>, classNames: [String]) -> LabelledImages
  {
    var pixels: [UInt8] = []
    pixels.reserveCapacity(kept.count * shape.sampleCount)
    for place in kept { pixels += self.pixels(of: place) }
    return LabelledImages(
      shape: Shape(shape.height, shape.width, shape.channels), classNames: classNames,
      labels: kept.map(label), pixels: pixels)
  }
}
