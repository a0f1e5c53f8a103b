import Compute
import Control
import FoundationEssentials
import Models
import Privacy
import Synchronization
import Testing

@testable import Runs
@testable import figmentd

/// A run of several phases: a free one, noisy training, drawing, and answers before and after.
@Suite struct PhasedRunTests {
  /// A pixel model that is pre-trained on drawn images.
  private static let recipe =
    RunBench.pixelRecipe(steps: 12)
    + "\n  prior: {source: procedural, steps: 20, batch_size: 4, learning_rate: 0.01}"

  private let bench: RunBench

  init() throws {
    bench = try RunBench(
      answers: ["class-counts": 0.5, "accuracy": 0.5], recipe: Self.recipe)
  }

  /// Runs, and stops at the first report of a kind.
  private func run(
    _ other: RunBench? = nil, stoppingAt isPlace: @escaping @Sendable (JobProgress) -> Bool
  ) throws -> TrainingRun.Ending {
    let stop = StopSignal()
    return try (other ?? bench).run(stop: stop) { report in
      if case .progress(let progress) = report, isPlace(progress) { stop.raise() }
    }
  }

  private static let charged = [
    "class counts": 1, "training": 12, "train-on-synthetic accuracy": 1,
  ]

  /// A place at which a run is stopped.
  struct Place: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let isHere: @Sendable (JobProgress) -> Bool
  }

  private static let places = [
    Place(testDescription: "pre-training") { $0.name == "pre-training" && $0.done < $0.total },
    Place(testDescription: "the end of pre-training") {
      $0.name == "pre-training" && $0.done == $0.total
    },
    Place(testDescription: "training") { $0.name == "training" && $0.done < $0.total },
    Place(testDescription: "the end of training") {
      $0.name == "training" && $0.done == $0.total
    },
    Place(testDescription: "drawing") { $0.phase == .generate },
    Place(testDescription: "an answer after drawing") { $0.phase == .evaluate },
  ]

  @Test(arguments: places)
  func aRunThatIsStoppedInAnyPhaseEndsWithAnExactLedger(_ place: Place) throws {
    _ = try run(stoppingAt: place.isHere)
    #expect(try bench.run().isFinished)
    #expect(try bench.charges() == Self.charged)
    let history = try bench.history()
    #expect(!history.isAdaptive && history.openReservationCount == 0)
    #expect(try history.cost(atDelta: 1e-5).epsilon <= 4)
    let names = try DurableFile.names(in: bench.places.release)
    #expect(names.contains("class_counts.json") && names.contains("accuracy.json"))
  }

  /// The weights of a run at the end of its free phase; they depend on no secret.
  private func weightsAfterPriors(stoppingAt step: Int?) throws -> [String: [Float]] {
    let bench = try RunBench(recipe: Self.recipe)
    let found = Mutex<[String: [Float]]>([:])
    var conditions = RunConditions()
    conditions.writeCheckpoint = { data, path in
      try DurableFile.write(data, to: path)
      let checkpoint = try Safetensors.decode(data)
      guard checkpoint.metadata["figment_phase"] == "pre-training",
        checkpoint.metadata["step"] == "20"
      else { return }
      found.withLock { $0 = checkpoint.tensors.mapValues(\.values) }
    }
    let stop = StopSignal()
    let ending = try bench.run(stop: stop, under: conditions) { report in
      if case .progress(let progress) = report, progress.name == "pre-training",
        progress.done == step
      {
        stop.raise()
      }
    }
    #expect(ending.isFinished == (step == nil))
    if step != nil { #expect(try bench.run(under: conditions).isFinished) }
    return found.withLock { $0 }
  }

  @Test func anInterruptedFreePhaseEndsWithTheBitsOfAnUninterruptedOne() throws {
    let whole = try weightsAfterPriors(stoppingAt: nil)
    #expect(!whole.isEmpty)
    for step in [1, 7, 19] {
      #expect(try weightsAfterPriors(stoppingAt: step) == whole, "stopped at \(step)")
    }
  }

  @Test func anInterruptedDrawingEndsWithTheSameImages() throws {
    // More images than one batch of drawing.
    let bench = try RunBench(count: 600, recipe: Self.recipe)
    #expect(try bench.run().isFinished)
    let data = bench.places.release + "/data"
    let whole = try FolderTree.files(in: data).sorted().map {
      try DurableFile.read("\(data)/\($0)")
    }
    try FileManager.default.removeItem(atPath: bench.places.internalFiles + "/results.json")
    #expect(try !run(bench, stoppingAt: { $0.phase == .generate }).isFinished)
    #expect(try bench.run().isFinished)
    let again = try FolderTree.files(in: data).sorted().map {
      try DurableFile.read("\(data)/\($0)")
    }
    #expect(again == whole && whole.count == 600)
  }

  @Test func planLedgerStatementAndReportNameThePhases() throws {
    #expect(try bench.run().isFinished)
    let names = [
      "class counts", "pre-training", "training", "drawing", "train-on-synthetic accuracy",
    ]
    let plan = try #require(try ResolvedPlan.saved(in: bench.places.internalFiles))
    #expect(plan.phases.map(\.name) == names)
    let announced = try #require(try bench.history().attempts.first?.plan)
    #expect(announced.phases?.map(\.name) == names)
    let listed = try #require(announced.phases)
    let events = listed.compactMap(\.event)
    #expect(try EventTally(.composed(events)) == EventTally(announced.event))
    #expect(announced.phases?.map(\.free) == [nil, "public-data", nil, "post-processing", nil])
    let statement = try JSONDecoder().decode(
      PrivacyStatement.self, from: DurableFile.read(bench.places.release + "/privacy.json"))
    #expect(statement.phases?.map(\.name) == names)
    let page = try bench.text(bench.places.release + "/PRIVACY.md")
    let report = try bench.text(bench.places.release + "/report.json")
    for name in names {
      #expect(page.contains("- \(name) ("), "\(name)")
      #expect(report.contains("\"\(name)\""), "\(name)")
    }
    #expect(report.contains("12 steps on private images and 20 free steps"))
    // What was paid for is shown too.
    #expect(report.contains("Real images of each class"))
    #expect(report.contains("Train-on-synthetic accuracy"))
    #expect(page.contains("costs nothing: reads public data alone"))
  }

  @Test func aPlanThatNamesAPhaseItsFamilyNeverStatedIsRefused() throws {
    // Without privacy there is no ledger; with one, the plan's hash would cause the refusal.
    let bench = try RunBench(epsilon: nil, recipe: Self.recipe)
    #expect(try !run(bench, stoppingAt: { $0.name == "training" }).isFinished)
    let path = bench.places.internalFiles + "/design.json"
    let text = try bench.text(path)
    let changed = text.replacing("\"pre-training\"", with: "\"distilling\"")
    #expect(changed != text)
    try DurableFile.write(Data(changed.utf8), to: path)
    let error = #expect(throws: ControlError.self) { try bench.run() }
    #expect(error?.message.contains("design.json") == true)
  }

  @Test func aCheckpointCountsMadeStepsApartFromPlannedOnes() throws {
    let plan = try ResolvedPlan.resolve(
      bench.order, classes: ["a", "b"], units: 64, after: LedgerHistory()
    ).plan
    #expect(plan.stepCount == 32)
    // Five steps of training, after a phase of 20 steps of which a crash cost two.
    let place = try RunPlace("training", step: 25, made: 23, in: plan, of: "run")
    #expect(place.firstStep == 20 && place.stepInPhase == 5 && place.madeBefore == 18)
    for (made, expected) in [(nil, 20), (25, 20), (0, 0), (1 << 40, 20)] as [(Int?, Int)] {
      let other = try RunPlace("training", step: 25, made: made, in: plan, of: "run")
      #expect(other.madeBefore == expected)
    }
    for step in [19, 33, -1] {
      #expect(throws: ControlError.self) {
        try RunPlace("training", step: step, in: plan, of: "run")
      }
    }
  }

  @Test func aFinishedRunIsAnsweredAgainWithItsResults() throws {
    guard case .finished(let first) = try bench.run(), case .finished(let again) = try bench.run()
    else {
      Issue.record("the run did not finish")
      return
    }
    #expect(again == first && first.steps == 12 && first.freeSteps == 20)
  }

  /// A stored answer may be about other images, or older than the ledger, so it is not trusted.
  @Test func anAnswerThatTheLedgerWasNotChargedForIsAskedForAnew() throws {
    let other = try RunBench(answers: ["class-counts": 0.5], recipe: Self.recipe)
    let foreign =
      #"{"counts":{"arrow":777},"delta":1e-05,"epsilon":0.01,"images_per_unit":1,"standard_deviation":1}"#
    try DurableFile.makeFolder(other.places.internalFiles)
    try DurableFile.write(
      Data(foreign.utf8), to: other.places.internalFiles + "/class_counts.json")
    #expect(try other.run().isFinished)
    #expect(try !other.text(other.places.release + "/class_counts.json").contains("777"))
    #expect(try other.history().charges.contains { $0.entry.purpose == "class counts" })
  }

  @Test func nothingIsChargedBeforeTheFreePhaseIsDone() throws {
    let alone = try RunBench(recipe: Self.recipe)
    let stop = StopSignal()
    let ending = try alone.run(stop: stop) { report in
      if case .progress(let progress) = report, progress.name == "pre-training" { stop.raise() }
    }
    #expect(!ending.isFinished)
    #expect(try alone.history().charges.isEmpty)
    #expect(try alone.history().attempts.count == 1)
  }
}
