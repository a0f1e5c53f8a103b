public import Compute
public import Learning
import Glibc
import Privacy

/// A classifier that learns from private images with noise: scattering features and one linear layer.
///
/// The features are fixed (`ScatteringMap`), so the gradient of an image is that of a linear layer, whose
/// norm is known exactly, and few parameters get noise (Tramèr and Boneh, arXiv 2011.11660).
public final class PrivateTeacher {
  /// Decay per step of the average of the weights, which labels images.
  private static let averageDecay = 0.97
  /// Images that are labelled together.
  private static let blockSize = 64

  /// Classes that the teacher knows.
  public let classCount: Int
  private let shape: Shape
  private let settings: PrivateTeacherSettings
  private let features: KeptFeatures
  private let averaged: AveragedNetwork
  private let pass: Pass

  /// An untrained teacher of images of this shape.
  public init(
    _ settings: PrivateTeacherSettings, for shape: Shape, classCount: Int, on machine: Machine
  ) {
    self.settings = settings
    self.shape = shape
    self.classCount = max(1, classCount)
    features = KeptFeatures(by: ScatteringMap(of: shape, on: machine))
    var net = NetworkBuilder(input: Shape(features.dimension), on: machine)
    // Nothing is better to begin with than equal probabilities.
    net.dense(self.classCount, initialization: .zeros)
    let network = net.privateNetwork(seed: 0)
    let constants = AdamConstants(
      learningRate: Float(settings.learningRate), beta1: 0.9, beta2: 0.999)
    averaged = AveragedNetwork(
      network, optimizer: Adam(for: network.parameters, constants, on: machine),
      averageDecay: Self.averageDecay, names: .init("private_teacher"))
    pass = Pass(on: machine)
  }

  /// The number of parameters that noise is added to.
  public var parameterCount: Int { averaged.parameters.count }

  /// The network for run records.
  var description: String {
    "private teacher, \(parameterCount) parameters, \(features.dimension) scattering features\n"
      + averaged.network.network.description
  }

  /// Makes one step on a batch of private images.
  public func step(_ step: TrainingStep, on images: PrivateExamples) -> StepReport {
    let rate = LearningRateSchedule(
      settings.learningRate, .cosine(over: step.stepCount, floor: 0.05)
    ).rate(at: step.index)
    averaged.optimizer.learningRate = rate
    let examples = images.features(keptIn: features)
    var report = StepReport(
      curves: [.learningRate: Releasable(Double(rate), .chosenBeforehand)])
    report.privateCurves[.teacherLoss] = averaged.update(
      by: step, over: examples, loss: CategoricalCrossEntropy(), in: pass)
    return report
  }

  /// Frees the features of private images that later steps would need.
  public func forget() { features.forget() }

  /// The probability of each class for images (count × shape, in [−1, 1]) that are not private.
  public func probabilities(of images: Tensor) -> [[Float]] {
    averaged.withAverage { network in
      stride(from: 0, to: images.shape[0], by: Self.blockSize).flatMap { first in
        let count = min(Self.blockSize, images.shape[0] - first)
        return block(images.examples(from: first, count: count), count, by: network)
      }
    }
  }

  private func block(_ images: Tensor, _ count: Int, by network: Network) -> [[Float]] {
    let arena = Arena()
    let all = arena.make(Shape(count, features.dimension))
    features.write(of: images, to: all)
    return (0..<count).map { index in
      // Alone: in a batch, the last bits of an image's numbers may depend on the others.
      pass.begin(exampleCount: 1, purpose: .sampling)
      let logits = network.forward(all.examples(from: index, count: 1), in: pass)
      return Self.softmax(logits.array)
    }
  }

  private static func softmax(_ logits: [Float]) -> [Float] {
    let largest = logits.max() ?? 0
    let terms = logits.map { exp(Double($0 - largest)) }
    let sum = terms.reduce(0, +)
    return terms.map { Float($0 / sum) }
  }
}

// The teacher in checkpoints and releases.
extension PrivateTeacher {
  func save(into checkpoint: inout Checkpoint) { averaged.save(into: &checkpoint) }

  func restore(from checkpoint: Checkpoint) throws { try averaged.restore(from: checkpoint) }

  /// Saves the part that may be released.
  func saveAverage(into checkpoint: inout Checkpoint) { averaged.saveAverage(into: &checkpoint) }

  /// Restores what `saveAverage` saved.
  func restoreAverage(from checkpoint: Checkpoint) throws {
    try averaged.restoreAverage(from: checkpoint)
  }
}

extension TrainingCurve {
  /// The mean loss of the teacher on the images of a step.
  static let teacherLoss = TrainingCurve(
    "teacher_loss", title: "Loss of the teacher on training images", .lower)
}
