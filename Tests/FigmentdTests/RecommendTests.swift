import Control
import Datasets
import FoundationEssentials
import Logging
import Models
import Privacy
import Synchronization
import Testing

@testable import Runs
@testable import figment
@testable import figmentd

/// The recipes and the table that come with this version.
enum ShippedModels {
  /// The folder `Models` of the repository.
  static let folder = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().appending(path: "Models").path

  static func recipe(_ name: String) throws -> Recipe {
    try RecipeLibrary(folder: folder).recipe(named: name)
  }

  static func library() throws -> AdviceLibrary {
    try AdviceLibrary(RecipeLibrary(folder: folder))
  }
}

/// Advice as the daemon gives it, in process and over the socket.
@Suite struct RecommendTests {
  private let contract = ControlContractTests()

  @Test(arguments: ControlContractTests.Engine.allCases)
  func adviceNamesTheCommandAndSpendsNothing(_ engine: ControlContractTests.Engine) async throws {
    try await contract.withAPI(engine, .init(library: try ShippedModels.library())) { api, house in
      let advice = try await api.recommend(
        RecommendRequest(dataset: "glyphs", epsilon: 1, delta: 1e-6))
      #expect(
        advice.choice
          == TrainRequest(dataset: "glyphs", recipe: "multiscale-28", epsilon: 1, delta: 1e-6))
      #expect(
        advice.command
          == "figment train glyphs --recipe multiscale-28 --epsilon 1.0 --delta 1e-06")
      #expect(advice.runs.first?.verdict == .recommended)
      #expect(advice.runs.first?.expectedPercent == 94)
      #expect(
        advice.runs.first?.evidence.first?.hasPrefix("Fashion-MNIST, 60,000 images at epsilon 1,")
          == true)
      #expect(advice.runs.allSatisfy { !$0.recipe.isEmpty && $0.width > 0 })
      #expect(advice.images == 60_000 && advice.isColoured == false)
      #expect(advice.remark == nil && advice.refusal == nil)
      #expect(house.engine.calls == ["look for colours"])
      #expect(try await api.jobs(JobFilter()).isEmpty)
      // Less signal: batch and steps are those of a run on 5,000 images.
      let weak = try await api.recommend(
        RecommendRequest(dataset: "glyphs", epsilon: 0.1, delta: 1e-6))
      #expect(
        weak.choice
          == TrainRequest(
            dataset: "glyphs", recipe: "multiscale-28", epsilon: 0.1, delta: 1e-6, steps: 200,
            batchSize: 512))
      #expect(
        weak.command
          == "figment train glyphs --recipe multiscale-28 --epsilon 0.1 --delta 1e-06 --steps 200 "
          + "--batch-size 512")
    }
  }

  @Test(arguments: ControlContractTests.Engine.allCases)
  func withoutAnEpsilonAdviceIsForTheRestOfTheBudget(
    _ engine: ControlContractTests.Engine
  ) async throws {
    let behaviour = FakeEngine.Behaviour(spent: 4, library: try ShippedModels.library())
    try await contract.withAPI(engine, behaviour) { api, house in
      let advice = try await api.recommend(RecommendRequest(dataset: "glyphs"))
      #expect(advice.epsilon == 6)
      #expect(advice.choice?.epsilon == nil, "the job takes what is left at its turn")
      // Runs compose to less than the sum of their epsilons: a plan finds that more is left.
      house.engine.change { $0.plannedEpsilon = 7.5 }
      house.engine.plannedRecipes.withLock { $0 = [] }
      #expect(try await api.recommend(RecommendRequest(dataset: "glyphs")).epsilon == 7.5)
      // Each plan takes seconds, so that of the first run is not made again for the advice.
      let planned = house.engine.plannedRecipes.withLock { $0 }
      #expect(!planned.isEmpty && Set(planned).count == planned.count, "\(planned)")
      #expect(
        try await api.recommend(RecommendRequest(dataset: "glyphs", epsilon: 2)).epsilon == 2)
    }
  }

  @Test(arguments: ControlContractTests.Engine.allCases)
  func impossibleRequestsForAdviceAreRefused(_ engine: ControlContractTests.Engine) async throws {
    try await contract.withAPI(engine, .init(library: try ShippedModels.library())) { api, _ in
      await contract.expect(.notFound, "Did you mean 'glyphs'?") {
        try await api.recommend(RecommendRequest(dataset: "glyhps"))
      }
      for hours in [0, -1, 1e6] {
        await contract.expect(.usage, "hours") {
          try await api.recommend(RecommendRequest(dataset: "glyphs", hours: hours))
        }
      }
      await contract.expect(.usage, "epsilon") {
        try await api.recommend(RecommendRequest(dataset: "glyphs", epsilon: -1))
      }
      await contract.expect(.usage, "not a name") {
        try await api.recommend(RecommendRequest(dataset: "../glyphs"))
      }
    }
  }

  @Test func aRequestWithAnUnknownFieldIsRefused() {
    let error = #expect(throws: ControlError.self) {
      try ControlCoding.decodeStrictly(
        RecommendRequest.self, from: Data(#"{"dataset":"glyphs","hour":1}"#.utf8))
    }
    #expect(error?.message == "field 'hour': unknown. Did you mean 'hours'?")
  }

  @Test func aRecipeThatCannotBePlannedIsRuledOutAlone() async throws {
    let advice = { (noise: [String: String], failures: [String: ControlError]) in
      try await TestHouse(
        .init(library: try ShippedModels.library(), noise: noise, planFailures: failures)
      ).daemon.recommend(RecommendRequest(dataset: "glyphs", epsilon: 0.05))
    }
    // So little signal was measured with none of the grey recipes, so the outlook on noise decides.
    let best = try #require(try await advice([:], [:]).choice?.recipe)
    let failures = [best: ControlError.failed("plan: too much memory.")]
    let second = try #require(try await advice([:], failures).choice?.recipe)
    let rest = try await advice([second: "noise"], failures)
    let runs = Dictionary(grouping: rest.runs, by: \.recipe)
    #expect(runs[best]?.first?.verdict == .impossible)
    #expect(runs[best]?.first?.reason == "plan: too much memory.")
    #expect(runs[second]?.first?.verdict == .noise)
    let third = try #require(rest.choice?.recipe)
    #expect(Set([best, second, third]).count == 3)
    #expect(runs["pixel-28"] == nil, "it is made for training without privacy")
  }

  @Test func whereNotEverythingWasPlannedAdviceDoesNotSayThatNothingIsPossible() async throws {
    let library = try ShippedModels.library()
    let failures = library.recipes.map { ($0.name, ControlError.timedOut("too long")) }
    let house = try await TestHouse(
      .init(library: library, planFailures: Dictionary(failures) { first, _ in first }))
    let advice = try await house.daemon.recommend(RecommendRequest(dataset: "glyphs", epsilon: 3))
    #expect(advice.choice == nil && advice.command == nil)
    #expect(advice.runs.count { $0.verdict == .impossible } == Advice.mostPlans)
    #expect(advice.runs.contains { $0.verdict == .unplanned })
    #expect(advice.expectation.count == 1)
    #expect(advice.expectation[0].hasPrefix("Nothing can be recommended: of the runs that were"))
  }

  @Test func whatThePolicyRefusesIsToldWhateverTheRecipe() async throws {
    let house = try await TestHouse(.init(library: try ShippedModels.library()))
    // The engine of the test finds a budget of 5.
    let advice = try await house.daemon.recommend(RecommendRequest(dataset: "glyphs", epsilon: 7))
    #expect(advice.refusal == "dataset: too much" && advice.choice != nil)
    house.engine.change {
      $0.planFailures["pixel-28-private"] = .refusedByPolicy("delta is too large")
    }
    await contract.expect(.refused, "delta is too large") {
      try await house.daemon.recommend(RecommendRequest(dataset: "glyphs", epsilon: 3))
    }
  }

  @Test func aFolderWithoutImagesIsAConflict() async throws {
    let house = try await TestHouse(
      .init(library: try ShippedModels.library(), use: FileUse(units: 0)))
    await contract.expect(.failed, "no usable image is known yet") {
      try await house.daemon.recommend(RecommendRequest(dataset: "glyphs", epsilon: 3))
    }
  }

  @Test(arguments: [nil, 3000]) func aFolderOfTablesGetsTheRecipeForTables(_ population: Int?)
    async throws
  {
    var configuration = TestHouse.configuration
    configuration.datasets[0].columns = [
      ColumnDomain(name: "site", values: .categories(["north", "south"]))
    ]
    configuration.datasets[0].population = population
    let house = try await TestHouse(
      .init(library: try ShippedModels.library(), use: FileUse(units: 0)),
      configuration: configuration)
    house.reader.change { $0.remarks = [.tablesAlone(count: 1)] }
    await house.daemon.keepDatasets()
    while try await house.daemon.datasets()[0].folderRemarks == nil {
      try await Task.sleep(for: .milliseconds(5))
    }
    let advice = try await house.daemon.recommend(RecommendRequest(dataset: "glyphs", epsilon: 3))
    #expect(
      advice.choice == TrainRequest(dataset: "glyphs", recipe: "bayes-net-correlated", epsilon: 3))
    #expect(advice.expectation[0].contains("holds tables without images"))
    #expect(advice.runs.isEmpty && house.engine.calls.isEmpty)
    // Who may only look learns nothing of the folder.
    let look = RecommendRequest(dataset: "glyphs", epsilon: 3, withoutLooking: true)
    #expect(try await !house.daemon.recommend(look).runs.isEmpty)
    await house.daemon.releaseDatasets()
  }

  @Test func aFolderWithoutTablesAndImagesIsNotCalledOneOfTables() async throws {
    var configuration = TestHouse.configuration
    configuration.datasets[0].columns = [
      ColumnDomain(name: "site", values: .categories(["north", "south"]))
    ]
    let house = try await TestHouse(
      .init(library: try ShippedModels.library(), use: FileUse(units: 0)),
      configuration: configuration)
    await contract.expect(.failed, "no usable image is known yet") {
      try await house.daemon.recommend(RecommendRequest(dataset: "glyphs", epsilon: 3))
    }
  }

  /// By its parameters alone the run would be noise, but a run with as little signal was measured.
  @Test func theOutlookOfARunThatWasMeasuredSaysSo() async throws {
    let house = try await TestHouse(
      .init(library: try ShippedModels.library(), noise: ["multiscale-28": "noise"]))
    let advice = try await house.daemon.recommend(RecommendRequest(dataset: "glyphs", epsilon: 1))
    let run = try #require(advice.runs.first { $0.recipe == "multiscale-28" })
    #expect(run.verdict == .recommended && run.noise == "measured")
    let weak = try await house.daemon.recommend(
      RecommendRequest(dataset: "glyphs", epsilon: 0.001))
    #expect(weak.runs.first { $0.recipe == "multiscale-28" }?.noise == "noise")
  }

  @Test func adviceCountsAsAPendingPlan() async throws {
    let house = try await TestHouse(
      .init(isPlanning: true, library: try ShippedModels.library()))
    let server = try await TestServer(house)
    let client = server.client
    let request = RecommendRequest(dataset: "glyphs", epsilon: 3)
    try await withThrowingTaskGroup(of: Bool.self) { group in
      for _ in 0..<3 {
        group.addTask {
          do {
            _ = try await client.recommend(request)
            return false
          } catch ControlError.busy { return true }
        }
      }
      // Two of the three are under way; the third is refused at once.
      #expect(try await group.next() == true)
      #expect(try await client.datasets().count == 2, "nothing else waits behind advice")
      house.engine.change { $0.isPlanning = false }
      for try await wasBusy in group { #expect(!wasBusy) }
    }
    await server.server.stop()
    await house.daemon.stop()
  }

  /// A daemon over drawn shapes, with one recipe and one measured run of it.
  @Test func theRecommendedRequestIsAcceptedByARealEngine() async throws {
    let bench = try RunBench(drawn: 48)
    try bench.scratch.write("recipes/tiny.yaml", RunBench.recipe(side: 8, steps: 40))
    try bench.scratch.write("recipes/large.yaml", RunBench.recipe(side: 256, steps: 4))
    try bench.scratch.write(
      "recipes/measurements.yaml",
      """
      measurements:
        - {recipe: tiny, family: dp-gan, height: 8, width: 8, channels: 1, batch_size: 12, steps: 30,
           data: shapes, images: 48, classes: 8, epsilon: 50, delta: 1.0e-5, accuracy: 60}
      """)
    let folder = bench.scratch.path
    let state = try StateDirectory(folder + "/state")
    let index = try ImageIndex(path: state.paths.index)
    let engine = LocalEngine(
      recipes: folder + "/recipes", threads: 1, state: state.paths, makeDecoder: { ImageCodec() }
    ) { try index.use(of: $0, under: $1) }
    let daemon = try Daemon(
      configuration: Configuration(
        datasets: [
          DatasetConfiguration(
            name: "shapes", root: folder + "/images", settle: .zero,
            policy: PrivacyPolicy(epsilonMaximum: 1000, delta: 1e-5))
        ], output: folder + "/out", recipes: folder + "/recipes"),
      state: state, engine: engine, reader: WatchedFolders(makeDecoder: { ImageCodec() }),
      logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    try await daemon.start()
    await daemon.keepDatasets()
    while try await daemon.rescan("shapes").state != .ready {
      try await Task.sleep(for: .milliseconds(20))
    }
    let advice = try await daemon.recommend(RecommendRequest(dataset: "shapes", epsilon: 900))
    #expect(advice.images == 48 && advice.isColoured == false)
    let large = try #require(advice.runs.first { $0.recipe == "large" })
    #expect(large.verdict == .impossible && large.reason?.contains("larger than most") == true)
    let tiny = try #require(advice.runs.first { $0.recipe == "tiny" })
    #expect(tiny.seconds != nil && tiny.noise != nil)
    #expect(tiny.steps == 30 && tiny.batchSize == 12 && tiny.expectedPercent == 54)
    let choice = try #require(advice.choice, "\(advice)")
    _ = try await daemon.submit(.train(choice), token: nil)
    await daemon.releaseDatasets()
    await daemon.stop()
  }
}

/// Whether real images have colours.
@Suite struct ColourLookTests {
  private let scratch = ScratchFolder()

  /// A PNG file of 20×20 pixels of three channels, with so many coloured rows.
  private func write(_ name: String, colouredRows: Int) throws {
    let bytes = (0..<20).flatMap { row in
      (0..<20).flatMap { column -> [UInt8] in
        let level = UInt8(40 + 8 * ((row + column) % 20))
        // Losses of JPEG make grey pixels slightly coloured.
        return row < colouredRows ? [level, 200, 20] : [level, level + 9, level]
      }
    }
    try scratch.write(name, "")
    let image = Image(shape: ImageShape(height: 20, width: 20, channels: 3), bytes: bytes)
    try Data(PNGEncoder().encode(image)).write(to: URL(filePath: "\(scratch.path)/\(name)"))
  }

  private func look(_ classes: [PreviewSelection.Class]) throws -> Bool? {
    var builder = SnapshotBuilder(
      root: scratch.path + "/images", transform: PreviewDrawing.commonForm)
    builder.makeDecoder = { ImageCodec() }
    return try ColourLook(builder: builder).hasColours(
      PreviewSelection(classes: classes, classCount: classes.count))
  }

  @Test func threeEqualChannelsAreGrey() throws {
    for number in 0..<3 { try write("images/grey/\(number).png", colouredRows: 0) }
    for number in 0..<3 { try write("images/red/\(number).png", colouredRows: 4) }
    let grey = PreviewSelection.Class(name: "grey", paths: (0..<3).map { "grey/\($0).png" })
    let red = PreviewSelection.Class(name: "red", paths: (0..<3).map { "red/\($0).png" })
    #expect(try look([grey]) == false)
    #expect(try look([red]) == true)
    #expect(try look([grey, red]) == true, "half of them")
    let fewer = PreviewSelection.Class(name: "red", paths: Array(red.paths.prefix(2)))
    #expect(try look([grey, fewer]) == false)
  }

  @Test func imagesThatCannotBeReadSayNothing() throws {
    try scratch.write("images/a/1.png", "not an image")
    #expect(try look([.init(name: "a", paths: ["a/1.png", "a/2.png"])]) == nil)
    #expect(try look([]) == nil)
  }
}
