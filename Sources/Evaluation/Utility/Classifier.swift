import Compute
import Learning

/// The training schedule of a classifier.
public struct ClassifierSchedule: Hashable, Sendable, Codable {
  /// Passes over the training images, unless these are few.
  public var epochs: Int
  /// Steps at least: few images are passed over more often, since their classifiers would otherwise not be trained.
  public var leastSteps: Int
  /// The number of images in a step.
  public var batchSize: Int
  /// Adam's step size at the start; it falls to zero along half a cosine.
  public var learningRate: Double
  /// Every image is shifted by up to this many pixels in either direction, differently in each
  /// epoch.
  ///
  /// The published protocol has no such shift. It is the same for synthetic and real images, and increases the
  /// accuracy on real digits beyond that of training on unshifted images.
  public var shift: Int

  /// Creates a schedule.
  public init(
    epochs: Int, leastSteps: Int = 0, batchSize: Int = 64, learningRate: Double = 1e-3,
    shift: Int = 0
  ) {
    precondition(epochs > 0 && batchSize > 0, "a schedule has epochs and batches")
    precondition(leastSteps >= 0, "at least \(leastSteps) steps")
    precondition(shift >= 0, "a shift of \(shift) pixels")
    self.epochs = epochs
    self.leastSteps = leastSteps
    self.batchSize = batchSize
    self.learningRate = learningRate
    self.shift = shift
  }

  /// Ten passes of a perceptron, and enough steps for few images.
  static let perceptron = ClassifierSchedule(epochs: 10, leastSteps: EvaluationEffort.leastSteps)

  /// Steps in a pass over `count` images.
  func stepCount(of count: Int) -> Int { (count + batchSize - 1) / batchSize }

  /// Passes over `count` images.
  func epochs(over count: Int) -> Int {
    let steps = max(1, stepCount(of: count))
    return max(epochs, (leastSteps + steps - 1) / steps)
  }
}

/// What a classifier learns to predict.
enum ClassifierTarget: Hashable, Sendable {
  /// The class of each image.
  case label
  /// The probabilities that a private teacher gave to the classes.
  case teacher
}

/// A classifier trained without privacy, for measurements.
final class Classifier {
  private let network: Network
  private let machine: Machine
  private let pass: Pass
  private let classCount: Int
  private let target: ClassifierTarget
  private static let predictionBatch = 128

  /// Trains on `images`; the epoch with the best accuracy on `selection` is kept.
  ///
  /// With the target `.teacher`, both must have a teacher's probabilities, and the teacher's most probable
  /// class counts as right.
  ///
  /// `selection` must come from the same source as `images`: selecting an epoch by private images would bias
  /// the figure upwards and make it private (arXiv 2503.14681).
  init(
    _ kind: ClassifierKind, trainedOn images: LabelledImages, selectingOn selection: LabelledImages,
    _ schedule: ClassifierSchedule, to target: ClassifierTarget = .label, seed: UInt64,
    on machine: Machine, progress: (Double) throws -> Void = { _ in }
  ) rethrows {
    self.machine = machine
    self.target = target
    precondition(
      target == .label || images.teacherProbabilities != nil, "a teacher's images have its opinion")
    let selection = target == .teacher ? selection.labelledByTeacher() ?? selection : selection
    classCount = images.classNames.count
    network = kind.network(images.shape, classCount: classCount, on: machine, seed: seed)
    pass = Pass(on: machine)
    let stepCount = schedule.stepCount(of: images.count)
    let epochs = schedule.epochs(over: images.count)
    let rate = LearningRateSchedule(
      schedule.learningRate, .cosine(end: stepCount * epochs, floor: 0))
    let optimizer = Adam(
      for: network.parameters,
      AdamConstants(learningRate: Float(schedule.learningRate)), on: machine)
    var stream = SeededStream(seed: seed ^ 0xE90C)
    var best = (accuracy: -1.0, parameters: [Float]())
    for epoch in 0..<epochs {
      let order = Array(0..<images.count).shuffled(using: &stream)
      for step in 0..<stepCount {
        let places = order[
          (step * schedule.batchSize)..<min(images.count, (step + 1) * schedule.batchSize)]
        optimizer.learningRate = rate.rate(at: epoch * stepCount + step)
        let shifts =
          schedule.shift == 0
          ? nil : places.map { _ in Self.shift(upTo: schedule.shift, from: &stream) }
        update(images, Array(places), shifts, optimizer)
        if step % 32 == 0 {
          try progress(Double(epoch * stepCount + step) / Double(stepCount * epochs))
        }
      }
      let accuracy = selection.count > 0 ? self.accuracy(on: selection) : Double(epoch)
      if accuracy >= best.accuracy {
        best = (accuracy, network.parameters.values.array)
      }
    }
    network.parameters.values.assign(best.parameters)
    network.parametersChanged()
  }

  private static func shift(
    upTo limit: Int, from stream: inout SeededStream
  ) -> (rows: Int, columns: Int) {
    (.random(in: -limit...limit, using: &stream), .random(in: -limit...limit, using: &stream))
  }

  private func update(
    _ images: LabelledImages, _ places: [Int], _ shifts: [(rows: Int, columns: Int)]?,
    _ optimizer: Adam
  ) {
    pass.begin(exampleCount: places.count, labels: places.map { images.labels[$0] })
    let input = pass.make(images.shape)
    if let shifts {
      images.fill(input, at: places, shiftedBy: shifts)
    } else {
      images.fill(input, at: places)
    }
    let output = network.forward(input, in: pass)
    let gradient = pass.arena.make(output.shape)
    switch target {
    case .label:
      CategoricalCrossEntropy().evaluate(output, gradient: gradient, values: nil, in: pass)
    case .teacher:
      SoftCrossEntropy(teacherProbabilities(of: images, places)).evaluate(
        output, gradient: gradient, values: nil, in: pass)
    }
    network.parameters.gradient.fill(0)
    network.backward(gradient, needsInputGradient: false, in: pass)
    network.addGradient(in: pass)
    machine.scale(network.parameters.gradient, by: 1 / Float(places.count))
    optimizer.update(network.parameters, along: network.parameters.gradient)
    network.parametersChanged()
  }

  private func teacherProbabilities(of images: LabelledImages, _ places: [Int]) -> Tensor {
    let targets = pass.make(Shape(classCount))
    let all = images.teacherProbabilities ?? []
    for (index, place) in places.enumerated() {
      for label in 0..<classCount {
        targets.pointer[index * classCount + label] = all[place * classCount + label]
      }
    }
    return targets
  }

  /// The most probable class of each image, `batch` images at a time.
  func predictions(for images: LabelledImages, batch: Int = predictionBatch) -> [Int] {
    var predictions: [Int] = []
    predictions.reserveCapacity(images.count)
    forEachBatch(of: images, batch) { range, input in
      let logits = network.forward(input, in: pass)
      for index in range.indices {
        let row = logits.pointer + (index - range.lowerBound) * classCount
        predictions.append((0..<classCount).max { row[$0] < row[$1] } ?? 0)
      }
    }
    return predictions
  }

  /// The share of images whose most probable class is their label.
  func accuracy(on images: LabelledImages) -> Double {
    guard images.count > 0 else { return .nan }
    return Double(Self.agreement(predictions(for: images), images.labels)) / Double(images.count)
  }

  /// The number of indices at which two lists agree.
  static func agreement(_ first: [Int], _ second: [Int]) -> Int {
    zip(first, second).count { $0 == $1 }
  }

  /// The activations of the last hidden layer, one row per image.
  func hiddenFeatures(of images: LabelledImages) -> FeatureMatrix {
    let layers = network.layers.dropLast()
    let width = layers.last?.outputShape.count ?? images.shape.count
    return FeatureMatrix(count: images.count, width: width) { target in
      forEachBatch(of: images, Self.predictionBatch) { range, input in
        let hidden = layers.reduce(input) { $1.forward($0, in: pass) }
        for index in 0..<(range.count * width) {
          target[range.lowerBound * width + index] = hidden.pointer[index]
        }
      }
    }
  }

  private func forEachBatch(
    of images: LabelledImages, _ size: Int, _ body: (Range<Int>, Tensor) -> Void
  ) {
    for start in stride(from: 0, to: images.count, by: size) {
      let range = start..<min(images.count, start + size)
      pass.begin(exampleCount: range.count, purpose: .sampling)
      let input = pass.make(images.shape)
      images.fill(input, at: Array(range))
      body(range, input)
    }
  }
}
