/// The last hidden layer of the small convolutional classifier trained on the real classes.
///
/// It has 128 features. It saw private images, so everything measured with it stays internal.
struct ClassifierFeatures: FeatureExtractor {
  let name = "classifier"
  let version = 1
  let explanation =
    "the last hidden layer of a small convolutional network that was trained to classify the real"
    + " images"
  let learnedFromPrivateImages = true
  private let classifier: Classifier

  /// Wraps a trained classifier.
  init(_ classifier: Classifier) {
    self.classifier = classifier
  }

  func features(of images: LabelledImages) -> FeatureMatrix {
    classifier.hiddenFeatures(of: images)
  }
}
