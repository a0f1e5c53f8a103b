import Compute
import Control
import Datasets
import Evaluation
import FoundationEssentials
import Learning
import Models
import Privacy
import Testing

@testable import Runs
@testable import figmentd

/// Sets that are drawn from a model after its training.
@Suite struct GenerationTests {
  private let machine = Machine(threadCount: 1)

  private func trained(nonPrivate: Bool = false) throws -> RunBench {
    let bench = try RunBench(
      epsilon: nonPrivate ? nil : 4, recipe: RunBench.pixelRecipe(steps: 2))
    #expect(try bench.run().isFinished)
    return bench
  }

  private func generation(
    _ released: ReleasedModel, _ request: SampleRequest
  ) -> Generation {
    Generation(
      model: released.model, recipe: released.recipe, classes: released.classes, request: request,
      name: "more")
  }

  /// The images of a set by class, as bytes.
  private func images(_ place: String, _ released: ReleasedModel) throws -> LabelledImages {
    try ImageFolder(place).load(
      released.recipe.transform, classNames: released.classes, on: machine
    ).images
  }

  private func engine(_ bench: RunBench) throws -> LocalEngine {
    LocalEngine(
      recipes: bench.scratch.path, threads: 1,
      state: StatePaths(path: bench.scratch.path + "/state")
    ) { _, _ in FileUse(units: 64) }
  }

  /// The bench's run as the run of a job.
  private func trainedJob(_ bench: RunBench) -> JobDirectory {
    JobDirectory(
      job: first, path: bench.scratch.path, release: bench.scratch.path + "/release/run")
  }

  private func check(_ request: GenerateRequest, _ bench: RunBench) throws {
    try engine(bench).check(request, from: trainedJob(bench))
  }

  /// A daemon's engine that draws from the bench's run as from a job's.
  private func generate(_ request: GenerateRequest, _ bench: RunBench) throws -> EngineOutcome {
    let (path, id) = (bench.scratch.path, JobID(dataset: "glyphs", number: 2))
    let job = Job(
      id: id, request: .generate(request), dataset: "glyphs", token: nil,
      created: Date(timeIntervalSince1970: 0))
    return try engine(bench).generate(
      job, request, from: trainedJob(bench),
      into: JobDirectory(job: id, path: path + "/second", release: path + "/release/second"),
      dataset: DatasetConfiguration(
        name: "glyphs", root: bench.order.root,
        policy: PrivacyPolicy(epsilonMaximum: 8, delta: 1e-5)),
      stop: StopSignal(), report: { _ in })
  }

  private let first = JobID(dataset: "glyphs", number: 1)

  @Test func aJobsTemperatureAndCountsByClassDecideItsSet() throws {
    let bench = try trained()
    let released = try ReleasedModel(bench.places.release, on: machine)
    let class0 = released.classes[0]
    let counts = [class0: 3, released.classes[2]: 2]
    var sets: [[UInt8]] = []
    for temperature in [1, 0.05] {
      let request = GenerateRequest(
        job: first, classCounts: counts, seed: 9, temperature: temperature)
      guard case .completed(let results) = try generate(request, bench) else {
        Issue.record("the job stopped")
        return
      }
      #expect(results.images == 5)
      let place = bench.scratch.path + "/release/second"
      #expect(try DurableFile.names(in: "\(place)/data/\(class0)").count == 3)
      #expect(try DurableFile.names(in: "\(place)/data/\(released.classes[1])").isEmpty)
      let card = try bench.scratch.read("release/second/README.md")
      #expect(card.contains("seed 9, temperature \(temperature)."))
      #expect(card.contains("what privacy.json and PRIVACY.md say of the model's training holds"))
      #expect(
        try bench.scratch.read("release/second/privacy.json")
          == bench.scratch.read("release/run/privacy.json"))
      sets.append(try images(place + "/data", released).pixels)
    }
    #expect(sets[0] != sets[1])
  }

  @Test(
    arguments: [
      (["trousers": 3], 1, nil, "class 'trousers': unknown."),
      (nil, 1e-9, nil, "sampling: temperature is 1e-09 (1e-06 to 1000000.0 expected)."),
      (nil, 1, 2, "sampling: guidance is 2.0 (1 expected: the recipe has no label_dropout"),
    ] as [([String: Int]?, Double, Double?, String)])
  func whatAModelCannotDrawIsRefusedBeforeAndAfterItIsLoaded(
    _ counts: [String: Int]?, _ temperature: Double, _ guidance: Double?, _ found: String
  ) throws {
    let bench = try trained()
    let request = GenerateRequest(
      job: first, count: counts == nil ? 3 : nil, classCounts: counts, temperature: temperature,
      guidance: guidance)
    for attempt in [{ try check(request, bench) }, { _ = try generate(request, bench) }] {
      let error = #expect(throws: ControlError.self) { try attempt() }
      #expect(error?.message.hasPrefix(found) == true)
    }
    try check(GenerateRequest(job: first, count: 3, temperature: 0.9, guidance: 1), bench)
  }

  @Test func tooManyOfEveryClassAreRefused() throws {
    let bench = try trained()
    let error = #expect(throws: ControlError.self) {
      try check(GenerateRequest(job: first, count: 60_000_000, perClass: true), bench)
    }
    #expect(error?.message.contains("too many in all") == true)
  }

  @Test func completedImagesKeepTheirRowsAndCarryNoStatement() throws {
    let bench = try trained()
    let released = try ReleasedModel(bench.places.release, on: machine)
    let given = try images(bench.order.root, released).sample(6, seed: 1)
    let place = bench.scratch.path + "/completed"
    let source = LabelledExamples(images: given, places: 0..<given.count)
    let request = SampleRequest(labels: given.labels, seed: 4)
    let results = try generation(released, request).complete(
      Completion(rows: 5, of: source), insideAt: SetPlace(place), stop: StopSignal(),
      report: { _ in })
    #expect(try #require(results).outputs.map(\.kind) == ["images"])
    #expect(
      try DurableFile.names(in: place).sorted()
        == ["README.md", "data", "manifest.json", "metadata.jsonl"])
    let card = try bench.scratch.read("completed/README.md")
    #expect(card.contains("The upper 5 rows of every image are those of a given one"))
    #expect(!card.contains("privacy.json"))

    // The drawn images, in the order of classes and numbers, as the folder lists them.
    let order = given.labels.indices.sorted { (given.labels[$0], $0) < (given.labels[$1], $1) }
    let drawn = try images(place + "/data", released)
    let size = 8 * 8
    for (place, index) in order.enumerated() {
      var whole = [Float](repeating: 0, count: size)
      let model = try #require(released.model as? PixelModel)
      let only = LabelledExamples(images: given, places: index..<(index + 1))
      try model.draw(
        SampleRequest(labels: [given.labels[index]], seed: 1),
        completing: .init(rows: 8, of: only)
      ) { whole = $0.images.array }
      let kept = drawn.pixels[(place * size)..<(place * size + 5 * 8)]
      #expect(Array(kept) == whole.prefix(5 * 8).map { PixelScale.byte(of: $0) })
    }
  }

  @Test func aFamilyThatCannotCompleteImagesSaysSo() throws {
    let bench = try RunBench(steps: 2)
    #expect(try bench.run().isFinished)
    let released = try ReleasedModel(bench.places.release, on: machine)
    let given = try images(bench.order.root, released).sample(2, seed: 1)
    let source = LabelledExamples(images: given, places: 0..<given.count)
    let place = bench.scratch.path + "/completed"
    #expect {
      _ = try generation(released, SampleRequest(labels: given.labels, seed: 4)).complete(
        Completion(rows: 5, of: source), insideAt: SetPlace(place), stop: StopSignal(),
        report: { _ in })
    } throws: { error in
      "\(error)" == "model: family dp-gan cannot complete images (family pixel expected)."
    }
    #expect(!FileManager.default.fileExists(atPath: place))
  }

  @Test func aModelWithoutAStatementPromisesNothing() throws {
    let bench = try trained(nonPrivate: true)
    let released = try ReleasedModel(bench.places.unprotected, on: machine)
    #expect(released.statement == nil)
    _ = try generation(released, SampleRequest(labels: [0, 1], seed: 1)).write(
      insideAt: SetPlace(bench.scratch.path + "/more"), guarantee: .unknown, stop: StopSignal(),
      report: { _ in })
    let card = try bench.scratch.read("more/README.md")
    #expect(card.contains("No privacy.json was found with the model."))
    guard case .completed = try generate(GenerateRequest(job: first, count: 3), bench) else {
      Issue.record("the job stopped")
      return
    }
    let own = try bench.scratch.read("release/internal/glyphs-2/README.md")
    #expect(own.contains("**No guarantee.**"))
  }

  @Test func aSetThatWasStoppedDoesNotAppear() throws {
    let bench = try trained()
    let released = try ReleasedModel(bench.places.release, on: machine)
    let stop = StopSignal()
    stop.raise()
    let place = bench.scratch.path + "/stopped"
    let results = try generation(released, SampleRequest(labels: [0, 1], seed: 1)).write(
      insideAt: SetPlace(place), guarantee: .init(statement: released.statement), stop: stop,
      report: { _ in })
    #expect(results == nil)
    #expect(!FileManager.default.fileExists(atPath: place))
  }
}
