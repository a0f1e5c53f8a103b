import Compute
import Datasets
import FoundationEssentials
import Learning
import Models
import Privacy
import Testing

@testable import Evaluation

@Suite struct UtilityTests {
  let machine = Machine(threadCount: 2)

  @Test(arguments: ClassifierKind.allCases)
  func classifiersLearnGlyphs(kind: ClassifierKind) throws {
    let train = try GlyphSet.images(800)
    let test = try GlyphSet.images(200, from: 10_000)
    let (selection, training) = train.split(first: 80, seed: 1)
    let classifier = try Classifier(
      kind, trainedOn: training, selectingOn: selection, ClassifierSchedule(epochs: 12), seed: 1,
      on: machine)
    #expect(classifier.accuracy(on: test) > (kind == .logisticRegression ? 0.5 : 0.65))
    #expect(classifier.hiddenFeatures(of: test).count == 200)
  }

  @Test func shiftsMoveImagesAndRepeatTheBorder() {
    let images = LabelledImages(
      shape: Shape(2, 3, 1), classNames: ["a"], labels: [0, 0], pixels: Array(1...12))
    let pass = Pass(on: machine)
    pass.begin(exampleCount: 2)
    let target = pass.make(images.shape)
    images.fill(target, at: [1, 0], shiftedBy: [(1, -1), (0, 0)], scale: 1, offset: 0)
    #expect(target.array == [8, 9, 9, 8, 9, 9, 1, 2, 3, 4, 5, 6])
  }

  /// Training images need not have the shares of the test images.
  @Test func guessingNamesTheLargestClassOfTheTrainingImages() {
    let images = { (labels: [Int]) in
      LabelledImages(
        shape: Shape(1, 1, 1), classNames: ["a", "b", "c"], labels: labels,
        pixels: labels.map { _ in 0 })
    }
    let train = images([0, 1, 1, 2])
    #expect(images([0, 0, 0, 1]).share(ofLargestClassOf: train) == 0.25)
    #expect(images([0, 2]).share(ofLargestClassOf: train) == 0)
    #expect(images([]).share(ofLargestClassOf: train) == 0)
  }

  /// Two passes over a few hundred images would leave a network as it began.
  @Test func fewImagesArePassedOverUntilTheyAreLearnt() throws {
    for effort in EvaluationEffort.allCases {
      let schedule = effort.schedule(for: .convolutional, of: Shape(28, 28, 1))
      #expect(schedule.epochs(over: 64) == 1000)
      #expect(schedule.epochs(over: 900) == 67, "15 steps in a pass")
      #expect(schedule.epochs(over: 60_000) == schedule.epochs)
      // 64×64 and 512×512 pixels.
      let large = [64, 512].map {
        effort.schedule(for: .convolutional, of: Shape($0, $0, 1)).leastSteps
      }
      #expect(large == (effort == .quick ? [250, 250] : [1000, 1000]))
    }
    let classifier = try Classifier(
      .convolutional, trainedOn: GlyphSet.images(270), selectingOn: GlyphSet.images(30, from: 5000),
      EvaluationEffort.quick.schedule(for: .convolutional, of: Shape(28, 28, 1)), seed: 1,
      on: machine)
    #expect(classifier.accuracy(on: try GlyphSet.images(200, from: 10_000)) > 0.6)
  }

  @Test func theBestEpochOnTheSelectionIsKept() throws {
    let train = try GlyphSet.images(200)
    let selection = try GlyphSet.images(100, from: 5000)
    let longer = try Classifier(
      .perceptron, trainedOn: train, selectingOn: selection, ClassifierSchedule(epochs: 8), seed: 3,
      on: machine)
    let repeated = try Classifier(
      .perceptron, trainedOn: train, selectingOn: selection, ClassifierSchedule(epochs: 8), seed: 3,
      on: Machine(threadCount: 1))
    #expect(longer.accuracy(on: selection) > 0.4)
    #expect(longer.predictions(for: selection) == repeated.predictions(for: selection))
  }

  @Test func trainingOnNoiseIsUselessAndTrainingOnMoreGlyphsIsNot() throws {
    var stream = SeededStream(seed: 2)
    let train = try GlyphSet.images(600)
    let test = try GlyphSet.images(200, from: 10_000)
    let noise = LabelledImages(
      shape: train.shape, classNames: train.classNames, labels: train.labels,
      pixels: train.pixels.map { _ in UInt8(stream.next() & 255) })
    let study = UtilityStudy(machine: machine, effort: .quick, seed: 1)
    func finding(_ synthetic: LabelledImages) -> UtilityFinding {
      study.finding(
        .perceptron, synthetic: synthetic, train: train, test: test, progress: { _ in },
        kept: { _ in })
    }
    let useless = finding(noise)
    #expect(useless.accuracy < 0.4 && useless.onSynthetic.count == 3)
    let useful = finding(try GlyphSet.images(600, from: 20_000))
    #expect(abs(useful.accuracy - useful.ceiling) < 0.08)
    #expect(useful.accuracy > useless.accuracy + 0.3)
  }

  @Test func thePrivateRivalLearnsWithinItsBudget() throws {
    let train = try GlyphSet.images(1200)
    let test = try GlyphSet.images(200, from: 10_000)
    let budget = try PrivacyBudget(epsilon: 8, delta: 1e-5)
    let plan = PrivateClassifier.Plan(budget: budget, count: train.count, epochs: 12)
    let rival = try PrivateClassifier(
      trainedOn: train, testedOn: test, plan, seed: 1, on: machine)
    #expect(rival.epsilon <= 8 && rival.epsilon > 7)
    #expect(rival.accuracy > 0.35)
  }

  @Test func theBaselineGeneratorLearnsClassesWithinItsBudget() throws {
    let train = try GlyphSet.images(3000)
    let budget = try PrivacyBudget(epsilon: 8, delta: 1e-5)
    let baseline = try EmbeddingBaseline(
      of: train, within: budget, steps: 150, seed: 1, on: machine)
    #expect(baseline.epsilon <= 8 && baseline.epsilon > 7)
    let drawn = try baseline.images(400, seed: 2)
    #expect(drawn.count == 400 && drawn.classNames == train.classNames)
    let real = try Classifier(
      .perceptron, trainedOn: train, selectingOn: train.sample(200, seed: 1),
      ClassifierSchedule(epochs: 4), seed: 1, on: machine)
    // A classifier of real images recognises what the generator draws far more often than by chance.
    #expect(real.accuracy(on: drawn) > 2.5 / Double(train.classNames.count))
  }

  @Test func imagesThatNoEmbeddingCanDrawHaveNoBaseline() {
    let format = { (height: Int, width: Int) in
      ImageSpecification(height: height, width: width, channels: 1, classes: ["a", "b"])
    }
    #expect(EmbeddingBaseline.exists(for: format(28, 28)))
    #expect(!EmbeddingBaseline.exists(for: format(28, 30)))
  }

  /// The convolutional network of the protocol reaches 99 % on real MNIST; this takes minutes.
  @Test(.enabled(if: Nightly.isOn, "it takes minutes, and needs MNIST: set FIGMENT_NIGHTLY"))
  func theConvolutionalNetworkReachesNinetyNinePercentOnMNIST() throws {
    let folder = try #require(Nightly.mnist, "FIGMENT_TEST_DATA names no folder with mnist/train/0")
    let machine = Machine()
    let transform = ImageTransform(height: 28, width: 28, channels: .grey)
    let digits = (0..<10).map(String.init)
    let train = try ImageFolder(folder + "/train")
      .load(transform, classNames: digits, on: machine).images
    let test = try ImageFolder(folder + "/test")
      .load(transform, classNames: digits, on: machine).images
    let (selection, training) = train.split(first: 5000, seed: 1)
    let classifier = try Classifier(
      .convolutional, trainedOn: training, selectingOn: selection,
      EvaluationEffort.thorough.schedule(for: .convolutional, of: Shape(28, 28, 1)), seed: 1,
      on: machine)
    let accuracy = classifier.accuracy(on: test)
    print("convolutional network on the \(test.count) test images of MNIST: \(accuracy)")
    #expect(accuracy >= 0.99)
  }
}

/// Long tests and the data that they need.
enum Nightly {
  static let isOn = ProcessInfo.processInfo.environment["FIGMENT_NIGHTLY"] != nil

  /// Unpacked MNIST: "mnist" below FIGMENT_TEST_DATA.
  static let mnist: String? = {
    guard let data = ProcessInfo.processInfo.environment["FIGMENT_TEST_DATA"] else { return nil }
    return ["mnist", ""].map { "\(data)/\($0)" }
      .first { FileManager.default.fileExists(atPath: $0 + "/train/0") }
  }()
}
