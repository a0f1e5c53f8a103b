import Compute
import Privacy

/// The accuracy of one kind of classifier trained on synthetic images.
public struct UtilityFinding: Sendable {
  /// The classifier.
  public let kind: ClassifierKind
  /// Accuracies on real test images after training on synthetic ones, one per seed.
  public let onSynthetic: [Double]
  /// The same after training on the probabilities of a private teacher instead of labels, with the same seeds;
  /// empty for sets without a teacher.
  public let withTeacher: [Double]
  /// The same after training on the same number of real images: the ceiling.
  public let onReal: [Double]
  /// The number of training images, and of test images.
  public let trainCount: Int, testCount: Int

  /// The mean over seeds.
  public var accuracy: Double { onSynthetic.reduce(0, +) / Double(onSynthetic.count) }

  /// The mean over seeds with a teacher's probabilities; nil without a teacher.
  public var accuracyWithTeacher: Double? {
    withTeacher.isEmpty ? nil : withTeacher.reduce(0, +) / Double(withTeacher.count)
  }

  /// The mean of the ceiling over seeds.
  public var ceiling: Double { onReal.reduce(0, +) / Double(onReal.count) }

  /// The interval over seeds; for one seed, the interval over the test images.
  public var interval: Interval { interval(of: onSynthetic) }

  /// The same of accuracies of this finding, one or more.
  func interval(of accuracies: [Double]) -> Interval {
    let mean = accuracies.reduce(0, +) / Double(accuracies.count)
    return Interval.mean(of: accuracies)?.ofShare
      ?? .proportion(Int((mean * Double(testCount)).rounded()), of: testCount)
  }
}

/// The result of a classifier trained on the real images under differential privacy.
public struct PrivateRivalFinding: Sendable {
  /// The accuracies, one per seed.
  public let accuracies: [Double]
  /// The cost of one training.
  public let epsilon: Double, delta: Double

  /// The mean over seeds.
  public var accuracy: Double { accuracies.reduce(0, +) / Double(accuracies.count) }

  /// The interval over seeds; nil for one seed.
  public var interval: Interval? { Interval.mean(of: accuracies)?.ofShare }
}

/// Trains on synthetic images and tests on real ones.
struct UtilityStudy {
  let machine: Machine
  let effort: EvaluationEffort
  let seed: UInt64

  /// The accuracy of one kind over the effort's seeds.
  ///
  /// `kept` receives the first classifier trained on real images.
  func finding(
    _ kind: ClassifierKind, synthetic: LabelledImages, train: LabelledImages, test: LabelledImages,
    progress: (Double) throws -> Void, kept: (Classifier) -> Void
  ) rethrows -> UtilityFinding {
    let schedule = effort.schedule(for: kind, of: train.shape)
    let count = min(effort.trainingLimit, synthetic.count)
    let seeds = effort.seedCount(for: kind)
    let realSeeds = effort.realSeedCount(for: kind)
    let hasTeacher = synthetic.teacherProbabilities != nil
    let trainings = seeds * (hasTeacher ? 2 : 1) + realSeeds
    var own: [Double] = []
    var taught: [Double] = []
    var real: [Double] = []
    for index in 0..<trainings {
      let isReal = index >= trainings - realSeeds
      let isTaught = !isReal && index >= seeds
      // Every seed draws its own images, hold-out and weights. The epoch is selected on images of the same
      // source, because selecting by real images would favour the synthetic ones.
      let trial = seed &+ UInt64(isReal ? seeds + index - (trainings - realSeeds) : index % seeds)
      let (selection, training) = (isReal ? train : synthetic).forClassifier(count, seed: trial)
      let classifier = try Classifier(
        kind, trainedOn: training, selectingOn: selection, schedule,
        to: isTaught ? .teacher : .label, seed: trial, on: machine
      ) { try progress((Double(index) + $0) / Double(trainings)) }
      let accuracy = classifier.accuracy(on: test)
      if isReal {
        real.append(accuracy)
        if real.count == 1 { kept(classifier) }
      } else if isTaught {
        taught.append(accuracy)
      } else {
        own.append(accuracy)
      }
    }
    return UtilityFinding(
      kind: kind, onSynthetic: own, withTeacher: taught, onReal: real,
      trainCount: count - LabelledImages.selectionCount(of: count),
      testCount: test.count)
  }

  /// The accuracy of the private classifier at the same guarantee.
  func privateRival(
    train: LabelledImages, test: LabelledImages, budget: PrivacyBudget,
    progress: (Double) throws -> Void
  ) throws -> PrivateRivalFinding {
    let plan = PrivateClassifier.Plan(
      budget: budget, count: train.count, epochs: effort.privateEpochs)
    var accuracies: [Double] = []
    var epsilon = 0.0
    for index in 0..<effort.privateSeedCount {
      let rival = try PrivateClassifier(
        trainedOn: train, testedOn: test, plan, seed: seed &+ UInt64(index), on: machine
      ) { try progress((Double(index) + $0) / Double(effort.privateSeedCount)) }
      accuracies.append(rival.accuracy)
      epsilon = max(epsilon, rival.epsilon)
    }
    return PrivateRivalFinding(accuracies: accuracies, epsilon: epsilon, delta: budget.delta)
  }
}
