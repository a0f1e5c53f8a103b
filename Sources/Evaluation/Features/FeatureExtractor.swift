/// A fixed map from an image to numbers, in which distances between image sets are measured.
public protocol FeatureExtractor {
  /// A short name, for example "scattering".
  var name: String { get }
  /// Raised whenever the numbers change: distances of different versions cannot be compared.
  var version: Int { get }
  /// One sentence for readers of a report.
  var explanation: String { get }
  /// Whether the extractor saw private images, so that everything measured with it is private too.
  var learnedFromPrivateImages: Bool { get }
  /// The features of each image, one row per image.
  func features(of images: LabelledImages) -> FeatureMatrix
}

extension FeatureExtractor {
  /// Name and version, for example "scattering-1".
  public var identifier: String { "\(name)-\(version)" }
}
