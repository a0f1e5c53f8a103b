import Compute
import Control
import Datasets
import Evaluation
import FoundationEssentials
import Models
import Privacy
import Testing

@testable import Runs
@testable import figmentd

/// A run with a private teacher: what it pays for, and what its release says of the images.
@Suite struct TaughtRunTests {
  private let machine = Machine(threadCount: 1)
  private static let recipe = RunBench.taughtRecipe(steps: 8, teacherSteps: 10)

  /// A line of `metadata.jsonl`.
  private struct Line: Decodable, Equatable {
    let fileName: String
    let label: String
    let teacherLabel: String?
    let teacherProbabilities: [Double]?
  }

  private func lines(_ folder: String) throws -> [Line] {
    let json = JSONDecoder()
    json.keyDecodingStrategy = .convertFromSnakeCase
    return try DurableFile.read(folder + "/metadata.jsonl").split(separator: 0x0A).map {
      try json.decode(Line.self, from: Data($0))
    }
  }

  @Test(arguments: [false, true])
  func theTeacherIsChargedApartWithItsShare(_ isHardened: Bool) throws {
    let bench = try RunBench(hardened: isHardened, recipe: Self.recipe)
    #expect(try bench.run().isFinished)
    let history = try bench.history()
    #expect(try bench.charges() == ["teacher": 10, "training": 8])
    let plan = try #require(try ResolvedPlan.saved(in: bench.places.internalFiles))
    let teacher = try #require(plan.phases.first { $0.name == "teacher" })
    #expect(teacher.share == 0.25)
    let alone = try PrivacyCost(of: EventTally(#require(teacher.event())), delta: 1e-5).epsilon
    #expect(alone <= 1 && alone > 0.97, "\(alone)")
    let whole = try history.cost(atDelta: 1e-5).epsilon
    #expect(whole <= 4 && whole > 3.9 && !history.isAdaptive)
    let page = try bench.text(bench.places.release + "/PRIVACY.md")
    #expect(page.contains("- teacher (") && page.contains("- training ("))
  }

  @Test func everyImageCarriesTheTeachersOpinion() throws {
    let bench = try RunBench(recipe: Self.recipe)
    #expect(try bench.run().isFinished)
    let lines = try lines(bench.places.release)
    #expect(lines.count == 12)
    for line in lines {
      let probabilities = try #require(line.teacherProbabilities)
      let folders = try DurableFile.names(in: bench.places.release + "/data").sorted()
      #expect(probabilities.count == folders.count)
      #expect(abs(probabilities.reduce(0, +) - 1) < 0.001)
      #expect(
        probabilities.allSatisfy { abs(($0 * 1e4).rounded() / 1e4 - $0) < 1e-12 }, "four decimals")
      let best = try #require(probabilities.indices.max { probabilities[$0] < probabilities[$1] })
      #expect(line.teacherLabel == folders[best])
      #expect(line.fileName.hasPrefix("data/\(line.label)/"))
    }
    let card = try bench.text(bench.places.release + "/README.md")
    #expect(card.contains("25 % of the run's epsilon") && card.contains("and a teacher's"))
    #expect(try bench.text(bench.places.release + "/report.json").contains("opinion of a teacher"))
  }

  @Test func aRunWithoutATeacherSaysNothingOfOne() throws {
    let bench = try RunBench(recipe: RunBench.pixelRecipe(steps: 2))
    #expect(try bench.run().isFinished)
    #expect(try !bench.text(bench.places.release + "/metadata.jsonl").contains("teacher"))
    #expect(try !bench.text(bench.places.release + "/README.md").contains("teacher"))
  }

  /// Labels are post-processing of what is released: its files and its model.
  @Test func theOpinionsFollowFromTheReleaseAlone() throws {
    let bench = try RunBench(recipe: Self.recipe)
    #expect(try bench.run().isFinished)
    let released = try ReleasedModel(bench.places.release, on: machine)
    let images = try ImageFolder(bench.places.release + "/data").load(
      released.recipe.transform, classNames: released.classes, on: machine
    ).images
    let told = try #require(images.teacherProbabilities)
    let model = try #require(released.model as? any LabellingModel)
    let arena = Arena()
    let numbers = arena.make(images.shape.batched(images.count))
    numbers.assign(images.pixels.map { PixelScale.number(of: $0) })
    let computed = model.classProbabilities(of: numbers).joined()
    #expect(told.count == computed.count)
    for (one, other) in zip(told, computed) { #expect(abs(one - other) <= 0.000_051) }
  }

  @Test func imagesThatAreDrawnLaterAreLabelledByTheSameTeacher() throws {
    let bench = try RunBench(recipe: Self.recipe)
    #expect(try bench.run().isFinished)
    let released = try ReleasedModel(bench.places.release, on: machine)
    let plan = try #require(try ResolvedPlan.saved(in: bench.places.internalFiles))
    let place = bench.scratch.path + "/again"
    let generation = Generation(
      model: released.model, recipe: released.recipe, classes: released.classes,
      request: SampleRequest(
        classCounts: SampleRequest.evenCounts(of: 12, among: released.classes.count),
        seed: plan.seed &+ 1), name: "again")
    _ = try generation.write(
      insideAt: SetPlace(place), guarantee: .unknown, stop: StopSignal(), report: { _ in })
    #expect(try lines(place) == lines(bench.places.release))
    #expect(try bench.scratch.read("again/README.md").contains("opinion of a teacher"))
  }

  @Test func aRunThatIsStoppedWhileTheTeacherLearnsGoesOnAndPaysNoMore() throws {
    let bench = try RunBench(recipe: Self.recipe)
    let stop = StopSignal()
    let ending = try bench.run(stop: stop) { report in
      if case .progress(let progress) = report, progress.name == "teacher", progress.done == 4 {
        stop.raise()
      }
    }
    #expect(!ending.isFinished)
    #expect(try bench.history().spent.total < 10)
    #expect(try bench.run().isFinished)
    #expect(try bench.history().spent.total == 18)
    #expect(try !bench.history().isAdaptive)
    #expect(try lines(bench.places.release).allSatisfy { $0.teacherProbabilities != nil })
  }

  @Test func aPaidAccuracyHasBothFiguresForThePriceOfOne() throws {
    let bench = try RunBench(answers: ["accuracy": 0.5], recipe: Self.recipe)
    #expect(try bench.run().isFinished)
    let answer = try JSONDecoder().decode(
      SyntheticAccuracyAnswer.self,
      from: DurableFile.read(bench.places.release + "/accuracy.json"))
    let interval = try #require(answer.intervalWithTeacher)
    #expect(interval.low >= 0 && interval.high <= 1)
    let plan = try #require(try ResolvedPlan.saved(in: bench.places.internalFiles))
    let query = try #require(plan.phases.lazy.compactMap(\.query).first)
    // Each figure is the sum of two noisy numbers.
    #expect(
      abs(answer.standardDeviation - query.standardDeviation * Double(2).squareRoot()) < 1e-9)
    let card = try bench.text(bench.places.release + "/README.md")
    #expect(card.contains("with the private teacher's probabilities as labels"))
    let other = try RunBench(
      answers: ["accuracy": 0.5], recipe: RunBench.pixelRecipe(steps: 2))
    #expect(try other.run().isFinished)
    #expect(try !other.text(other.places.release + "/accuracy.json").contains("teacher"))
  }

  /// The likelihood of held-out images is that of the model inside.
  @Test func theModelInsideHasTheLikelihood() throws {
    let bench = try RunBench(recipe: Self.recipe)
    #expect(try bench.run().isFinished)
    let report = try LikelihoodReport(
      ofModelAt: bench.places.release, forImagesIn: bench.order.root, on: machine,
      makeDecoder: { ImageCodec() })
    #expect(report.images == 64 && report.bitsPerDimension > 0)
  }
}
