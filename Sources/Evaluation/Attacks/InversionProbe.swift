import Compute

/// Compares the average synthetic image of each class with real images.
///
/// Averages show what a class has in common, which differential privacy does not hide. They should
/// not be nearer to one training image than to other real images of the class.
public struct InversionProbe: Sendable {
  /// One class.
  public struct Finding: Sendable {
    /// The class.
    public let label: Int
    /// Distance of the average to the nearest training image, and to the nearest of as many
    /// hold-out images of the class.
    public let trainingDistance: Double, holdOutDistance: Double
  }

  /// The findings for classes that all three sets contain.
  public let findings: [Finding]

  /// Whether the average of a class reproduces a training image: it is less than half as far as any other.
  public var isFlagged: Bool {
    findings.contains { $0.trainingDistance < 0.5 * $0.holdOutDistance }
  }

  /// Probes the class averages of `synthetic`.
  init(
    synthetic: LabelledImages, training: LabelledImages, holdOut: LabelledImages
  ) {
    let points = PointMaker.pixels().points
    findings = synthetic.classNames.indices.compactMap { label in
      let own = synthetic.places(ofClass: label)
      let size = min(
        training.places(ofClass: label).count, holdOut.places(ofClass: label).count, 2000)
      guard !own.isEmpty, size > 0 else { return nil }
      let features = points(synthetic.images(at: own))
      let average = FeatureMatrix(
        width: features.width, values: PairwiseProducts.center(of: features))
      func nearest(_ images: LabelledImages) -> Double {
        let real = points(images.images(at: images.places(ofClass: label).prefix(size)))
        return (0..<real.count).map { average.squaredDistance(0, to: $0, of: real) }.min()?
          .squareRoot() ?? .infinity
      }
      return Finding(
        label: label, trainingDistance: nearest(training), holdOutDistance: nearest(holdOut))
    }
  }
}
