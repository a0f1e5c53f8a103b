import Compute
import Datasets
import Learning
import Models
import Privacy

/// The accuracy of a classifier trained on the images of the cheapest private generator.
public struct BaselineFinding: Sendable {
  /// The accuracy on real test images, of one seed.
  public let accuracy: Double
  /// The interval over the test images.
  public let interval: Interval
  /// The number of images that the classifier was trained on.
  public let trainCount: Int
  /// The cost of the generator.
  public let epsilon: Double
}

/// A generator that any set should beat: it matches noisy mean features of each class (`Embedding`), at the same
/// guarantee.
///
/// The private images are read once, and the generator is trained in minutes. It is computed anew for each
/// evaluation and never released, so nothing is charged; its accuracy is as private as the images.
struct EmbeddingBaseline {
  private let model: Embedding
  private let format: ImageSpecification
  /// The cost: at most the budget's epsilon.
  let epsilon: Double

  /// Whether there is a baseline for images of this shape.
  static func exists(for format: ImageSpecification) -> Bool {
    (try? EmbeddingSettings().validate(for: format)) != nil
  }

  /// Trains within a budget.
  ///
  /// - Parameter steps: steps of the generator.
  init(
    of images: LabelledImages, within budget: PrivacyBudget, steps: Int, seed: UInt64,
    on machine: Machine, progress: (Double) throws -> Void = { _ in }
  ) throws {
    format = images.format
    // Images of four times the area take as long with half the batch and narrower networks.
    let isLarge = images.shape[0] > 40
    let settings = EmbeddingSettings(
      features: isLarge ? 8 : 12, generatorWidth: isLarge ? 16 : 24, steps: steps,
      batchSize: isLarge ? 16 : 32)
    model = try Embedding(settings, for: format, seed: seed, on: machine)
    let phases = Embedding.phases(
      of: settings, training: TrainingSettings(batchSize: 1, steps: 1, clipNorm: 1), for: format)
    let noise = try Calibration(budget: budget).noiseMultiplier(samplingProbability: 1, times: 1)
    epsilon = noise.epsilon
    let mechanism = try SubsampledGaussian(
      samplingProbability: 1, noiseMultiplier: noise.noiseMultiplier, clipNorm: 1,
      nominalBatchSize: images.count)
    _ = try model.step(
      TrainingStep(
        phase: phases[0].name, index: 0, stepCount: 1, batchSize: images.count,
        protection: .noise(mechanism), noise: NoiseStream()),
      on: PrivateExamples(LabelledExamples(images: images, places: images.labels.indices)))
    for index in 0..<steps {
      if index % 16 == 0 { try progress(Double(index) / Double(steps)) }
      _ = try model.work(FreeStep(phase: phases[1].name, index: index, stepCount: steps))
    }
  }

  /// Draws images in equal numbers of each class.
  func images(_ count: Int, seed: UInt64) throws -> LabelledImages {
    let labels = SampleRequest.labels(
      of: SampleRequest.evenCounts(of: count, among: format.classes.count))
    var pixels: [UInt8] = []
    pixels.reserveCapacity(count * format.shape.count)
    try model.sample(SampleRequest(labels: labels, seed: seed)) { _, drawn in
      for number in drawn.buffer { pixels.append(PixelScale.byte(of: number)) }
    }
    return LabelledImages(
      shape: format.shape, classNames: format.classes, labels: labels, pixels: pixels)
  }
}

extension LabelledImages {
  /// The form of the images, as a model needs it.
  var format: ImageSpecification {
    ImageSpecification(
      height: shape[0], width: shape[1], channels: shape[2], classes: classNames)
  }
}

extension UtilityStudy {
  /// The accuracy of a convolutional network trained on the baseline's images; nil for shapes that have no baseline.
  ///
  /// - Parameter count: images to train on, as many as of the set that is evaluated.
  func baseline(
    train: LabelledImages, test: LabelledImages, budget: PrivacyBudget, count: Int,
    progress: (Double) throws -> Void
  ) throws -> BaselineFinding? {
    guard EmbeddingBaseline.exists(for: train.format) else { return nil }
    let generator = try EmbeddingBaseline(
      of: train, within: budget, steps: effort.baselineSteps, seed: seed, on: machine
    ) { try progress(0.8 * $0) }
    let total = min(effort.trainingLimit, count)
    let (selection, training) = try generator.images(total, seed: seed)
      .forClassifier(total, seed: seed)
    let classifier = try Classifier(
      .convolutional, trainedOn: training, selectingOn: selection,
      effort.schedule(for: .convolutional, of: train.shape), seed: seed,
      on: machine
    ) { try progress(0.8 + 0.2 * $0) }
    let accuracy = classifier.accuracy(on: test)
    return BaselineFinding(
      accuracy: accuracy,
      interval: .proportion(
        Int((accuracy * Double(test.count)).rounded()), of: test.count),
      trainCount: training.count, epsilon: generator.epsilon)
  }
}
