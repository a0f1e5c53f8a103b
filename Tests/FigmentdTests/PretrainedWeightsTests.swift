import Compute
import Control
import Datasets
import FoundationEssentials
import Models
import Privacy
import TestSupport
import Testing

@testable import Runs
@testable import figmentd

/// Runs that start from a file of weights beside their recipe.
@Suite struct PretrainedWeightsTests {
  private static let machine = Machine(threadCount: 1)

  private static func recipe(steps: Int = 6) -> String {
    RunBench.multiscaleRecipe(steps: 2, upsamplerSteps: 2)
      .replacing("steps: 6,", with: "steps: \(steps), weights: drawn,")
  }

  /// A run of a recipe that names drawn.safetensors, and that file.
  private static func bench(
    _ recipe: String = recipe(), epsilon: Double? = 4
  ) throws -> (RunBench, file: String) {
    var bench = try RunBench(epsilon: epsilon, recipe: recipe)
    bench.order.recipes = bench.scratch.path
    let file = bench.scratch.path + "/drawn.safetensors"
    try DurableFile.write(
      try learn(RunBench.multiscaleRecipe(steps: 2, upsamplerSteps: 2)), to: file)
    return (bench, file)
  }

  private static func learn(_ recipe: String, seed: UInt64 = 1) throws -> Data {
    let scratch = ScratchFolder()
    let read = try RecipeLibrary.read(scratch.write("tiny.yaml", recipe))
    let work = try PreTraining(read, seed: seed, on: machine)
    return try #require(try work.learn(stop: StopSignal()) { _, _, _ in })
  }

  private static func weights(_ bytes: Data) throws -> [String: Checkpoint.Array] {
    try Safetensors.decode(bytes).tensors
  }

  @Test func everythingButTheParametersOfClassesIsTakenOver() throws {
    let (bench, file) = try Self.bench()
    let started = try bench.runForFirstCheckpoint()
    let learnt = try Self.weights(DurableFile.read(file))
    #expect(learnt.count > 10)
    for (name, array) in learnt where !name.hasSuffix(".table") {
      #expect(started[name]?.values == array.values, "\(name)")
    }
    let corners = try #require(learnt.first { $0.key.hasSuffix(".table") })
    let rows = try #require(started[corners.key])
    #expect(rows.shape[0] > 4 && corners.value.shape[0] == 4)
    #expect(rows.values.prefix(corners.value.values.count) == corners.value.values[...])
    #expect(rows.values.suffix(corners.value.values.count) == corners.value.values[...])
  }

  @Test func planAndReleaseNameTheFileAndItsHash() throws {
    let (bench, file) = try Self.bench()
    #expect(try bench.run().isFinished)
    let plan = try #require(try ResolvedPlan.saved(in: bench.places.internalFiles))
    #expect(
      plan.phases.map(\.name) == [
        "starting weights", "training", "starting weights to 8x8", "upsampling to 8x8", "drawing",
      ])
    #expect(plan.freeStepCount == 0)
    let words =
      "learnt before, in 6 steps, from images that a program draws; they show no person "
      + "(drawn.safetensors, SHA-256 \(try DurableFile.read(file).sha256))"
    #expect([0, 2].allSatisfy { plan.phases[$0].purpose.contains(words) })
    #expect(try bench.text(bench.places.release + "/PRIVACY.md").contains(words))
  }

  @Test func otherWeightsThanThoseOfThePlanAreRefused() throws {
    // With privacy, a plan is made anew until the ledger holds it, and by then there is a checkpoint.
    let (bench, file) = try Self.bench(epsilon: nil)
    var conditions = RunConditions()
    conditions.writeCheckpoint = { _, _ in throw SystemCallError("write", "a checkpoint", code: 5) }
    #expect(throws: (any Error).self) { try bench.run(under: conditions) }
    try #require(try ResolvedPlan.saved(in: bench.places.internalFiles) != nil)
    let other = try Self.learn(
      RunBench.multiscaleRecipe(steps: 2, upsamplerSteps: 2), seed: 2)
    try DurableFile.write(other, to: file)
    let error = #expect(throws: ControlError.self) { try bench.run() }
    #expect(error?.message.contains("are not those that its plan names") == true)
  }

  @Test func aRunThatHasBegunNeedsTheFileNoMore() throws {
    let (bench, file) = try Self.bench()
    let stop = StopSignal()
    let ending = try bench.run(stop: stop) { report in
      if case .progress(let progress) = report, progress.phase == .train { stop.raise() }
    }
    #expect(!ending.isFinished)
    try FileManager.default.removeItem(atPath: file)
    #expect(try bench.run().isFinished, "resumed")
    #expect(try bench.run().isFinished, "repeated after the end")
  }

  @Test func aRunOfOneClassKeepsTheRowsOfCorners() throws {
    let (labelled, file) = try Self.bench()
    var bench = try RunBench(
      named: "flat", rules: DatasetRules(classes: ["circle"]), recipe: Self.recipe())
    bench.order.recipes = labelled.scratch.path
    let started = try bench.runForFirstCheckpoint()
    for (name, array) in try Self.weights(DurableFile.read(file)) {
      #expect(started[name]?.values == array.values, "\(name)")
    }
  }

  @Test func weightsLieInTheFolderOfTheRecipe() throws {
    let scratch = ScratchFolder()
    let path = try scratch.write("tiny.yaml", Self.recipe())
    let locations = Locations.ofThisProcess()
    #expect(try RecipePlace(path, recipes: nil, locations).folder == scratch.path)
    #expect(try RecipePlace("tiny", recipes: scratch.path, locations).folder == scratch.path)
  }

  @Test func aMissingFileIsRefusedBeforeAnythingIsCharged() throws {
    let (bench, file) = try Self.bench()
    try FileManager.default.removeItem(atPath: file)
    let error = #expect(throws: ControlError.self) { try bench.run() }
    #expect(error?.message.contains("it starts from drawn.safetensors, and no such file") == true)
    #expect(try bench.history().charges.isEmpty)
  }

  @Test func aFileThatWasLearntOtherwiseIsRefusedBeforeAnythingIsCharged() throws {
    let (bench, _) = try Self.bench(Self.recipe(steps: 7))
    let error = #expect(throws: ControlError.self) { try bench.run() }
    #expect(error?.message.contains("were not learnt in 7 steps") == true)
    #expect(try bench.history().charges.isEmpty)
  }

  /// A model that knows private images would otherwise pass as one that knows none: with one class and the same
  /// prior, its file differs in nothing else.
  @Test func theModelOfAReleaseIsRefusedAsAFile() throws {
    let (bench, file) = try Self.bench()
    let earlier = try RunBench(
      named: "earlier", rules: DatasetRules(classes: ["circle"]),
      recipe: RunBench.multiscaleRecipe(steps: 2, upsamplerSteps: 2))
    #expect(try earlier.run().isFinished)
    try DurableFile.write(
      DurableFile.read(earlier.places.release + "/model/generator.safetensors"), to: file)
    let error = #expect(throws: ControlError.self) { try bench.run() }
    #expect(error?.message.contains("made by figmentd pretrain expected") == true)
    #expect(try bench.history().charges.isEmpty)
  }

  @Test func theSameSeedLearnsTheSameWeights() throws {
    let recipe = RunBench.multiscaleRecipe(steps: 2, upsamplerSteps: 2)
    let bytes = try Self.learn(recipe)
    #expect(try Self.learn(recipe) == bytes)
    #expect(try Self.learn(recipe, seed: 2) != bytes)
    // The file is the same whether or not the recipe names it already.
    #expect(try Self.learn(Self.recipe()) == bytes)
  }

  @Test(arguments: [
    RunBench.pixelRecipe(steps: 2), RunBench.distilledRecipe(),
    RunBench.multiscaleRecipe(steps: 2, upsamplerSteps: 2, source: "public"),
  ])
  func recipesWithoutNetworksOfTheirOwnThatLearnFromDrawnImagesAreRefused(_ recipe: String) throws {
    let error = #expect(throws: ControlError.self) { try Self.learn(recipe) }
    #expect(error?.message.contains("no networks of its own that learn from drawn images") == true)
  }

  /// The files that are shipped are those that the shipped recipes describe.
  @Test func shippedWeightsFitTheirRecipes() throws {
    let library = RecipeLibrary(folder: ShippedModels.folder)
    var files: Set<String> = []
    for name in try library.names() {
      let recipe = try library.recipe(named: name)
      for file in recipe.model.startingFiles {
        files.insert(PriorSettings.file(file))
        let path = "\(library.folder)/\(PriorSettings.file(file))"
        let released = try ReleasedModel(path, on: Self.machine)
        let model = try recipe.makeModel(classes: ["a", "b"], seed: 1, on: Self.machine)
        try model.start(
          from: StartingWeights(
            file: file, of: released.recipe, model: released.model, classes: released.classes))
        // Only its teacher starts from the file; what draws then learns from the teacher's images alone.
        if recipe.model is DistilledSettings { continue }
        var own = Checkpoint()
        model.saveGenerator(into: &own)
        let learnt = try Self.weights(DurableFile.read(path))
        // A network over columns and a private teacher learn from nothing else than the private units.
        let privateParts = ["network.probabilities.", "private_teacher."]
        for (name, array) in own.tensors
        where !name.hasSuffix(".table") && !privateParts.contains(where: name.hasPrefix) {
          // A doubling that the file lacks starts from that of the stage before.
          let values = learnt[name] ?? learnt[name.replacing("upsampler3.", with: "upsampler2.")]
          let isEqual = values?.values == array.values
          #expect(isEqual, "\(file): \(name)")
        }
      }
    }
    let found = try DurableFile.names(in: library.folder).filter { $0.hasSuffix(".safetensors") }
    #expect(Set(found) == files, "every file is of a recipe")
  }
}
