import Compute
import Evaluation
import Learning

/// Labelled images as a model's examples: from black at −1 to white at 1, as in training.
struct LabelledExamples: ExampleSource {
  let images: LabelledImages
  /// Which of them.
  let places: Range<Int>

  var count: Int { places.count }

  func labels(in range: Range<Int>) -> [Int] {
    images.classNames.count > 1 ? range.map { images.labels[places.lowerBound + $0] } : []
  }

  func fill(_ target: Tensor, from range: Range<Int>) {
    let own = (places.lowerBound + range.lowerBound)..<(places.lowerBound + range.upperBound)
    images.fill(target, at: own)
  }
}
