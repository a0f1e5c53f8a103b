public import Compute
public import Privacy

/// A small classifier trained on synthetic images alone, which counts the private images that it classifies
/// correctly: train on synthetic, test on real.
///
/// It is computed from the synthetic images only, so it is as public as they are.
public struct SyntheticClassifier {
  /// The kind of network, which takes only seconds for any image size.
  public static let kind = ClassifierKind.perceptron
  /// The largest number of synthetic images to train on, including the hold-out that chooses the
  /// epoch.
  public static let trainingLimit = 10_000

  /// The number of synthetic images used for training, including the hold-out.
  public let trainCount: Int
  private let classifier: Classifier
  /// The same network trained on a private teacher's probabilities; nil where the images have none.
  private let taught: Classifier?

  /// Trains on one or more synthetic images.
  ///
  /// `progress` receives the completed share, and may throw to end the training.
  public init(
    trainedOn images: LabelledImages, seed: UInt64, on machine: Machine,
    progress: (Double) throws -> Void = { _ in }
  ) rethrows {
    trainCount = min(images.count, Self.trainingLimit)
    let (selection, training) = images.sample(trainCount, seed: seed)
      .split(first: trainCount / 10, seed: seed &+ 1)
    let hasTeacher = images.teacherProbabilities != nil
    let schedule = ClassifierSchedule.perceptron
    classifier = try Classifier(
      Self.kind, trainedOn: training, selectingOn: selection, schedule, seed: seed, on: machine
    ) { try progress(hasTeacher ? $0 / 2 : $0) }
    guard hasTeacher else {
      taught = nil
      return
    }
    taught = try Classifier(
      Self.kind, trainedOn: training, selectingOn: selection, schedule, to: .teacher, seed: seed,
      on: machine
    ) { try progress((1 + $0) / 2) }
  }

  /// Whether a second classifier was trained on a private teacher's probabilities.
  public var hasTeacher: Bool { taught != nil }

  /// The numbers of private images that are classified correctly and incorrectly, in that order.
  ///
  /// With a teacher, there are four: those that both classifiers get right, those that only the first one does,
  /// those that only the teacher's one does, and the rest. Every image counts in one place either way.
  ///
  /// The network processes every image separately. In a batch, the last bits of an image's numbers may depend
  /// on the other images, so one more image could change the predictions for others, and the counts would
  /// change by more than that image.
  public func outcomes(for images: Sensitive<LabelledImages>) -> Sensitive<[Int]> {
    // Called on this thread only.
    nonisolated(unsafe) let classifier = classifier
    nonisolated(unsafe) let taught = taught
    return images.map { images in
      let own = classifier.predictions(for: images, batch: 1)
      guard let taught else {
        let right = Classifier.agreement(own, images.labels)
        return [right, images.count - right]
      }
      let other = taught.predictions(for: images, batch: 1)
      return images.labels.indices.reduce(into: [0, 0, 0, 0]) { counts, image in
        let label = images.labels[image]
        counts[(own[image] == label ? 0 : 2) + (other[image] == label ? 0 : 1)] += 1
      }
    }
  }
}
