package import Compute
import Learning

/// Labelled images as a model's examples: from black at −1 to white at 1, as in training.
package struct LabelledExamples: ExampleSource {
  package let images: LabelledImages
  /// The indices of the images that are examples.
  package let places: [Int]

  /// Selects some of the images as examples, in this order.
  package init(images: LabelledImages, places: some Sequence<Int>) {
    self.images = images
    self.places = Array(places)
  }

  package var count: Int { places.count }

  package func labels(in range: Range<Int>) -> [Int] {
    images.classNames.count > 1 ? places[range].map { images.labels[$0] } : []
  }

  package func fill(_ target: Tensor, from range: Range<Int>) {
    images.fill(target, at: places[range])
  }
}
