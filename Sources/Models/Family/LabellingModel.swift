public import Compute

/// A model that has an opinion of its own about the class of an image.
///
/// Its opinion follows from what may be released, so it costs nothing, and it is as public as the model.
public protocol LabellingModel: GenerativeModel {
  /// The probability of each class, in label order, for each image (count × shape, in [−1, 1]).
  ///
  /// Probabilities of an image do not depend on the other images. Use it only for images that are not
  /// private.
  func classProbabilities(of images: Tensor) -> [[Float]]
}

extension GenerativeModel {
  /// The model itself.
  public var drawingModel: any GenerativeModel { self }
}

extension ModelSettings {
  /// No other family.
  public var drawingFamily: (any GenerativeModel.Type)? { nil }
}

extension Recipe {
  /// The family whose model draws the images: that of the recipe, or the one inside it.
  public var drawingFamily: any GenerativeModel.Type { model.drawingFamily ?? familyType }

  /// Whether a model of the recipe has an opinion of its own about the class of an image.
  public var hasTeacher: Bool { familyType is any LabellingModel.Type }
}
