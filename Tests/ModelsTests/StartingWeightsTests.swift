import Compute
import FoundationEssentials
import Learning
import TestSupport
import Testing

@testable import Models

@Suite struct StartingWeightsTests {
  private static func pixel(
    source: PriorSettings.Source?, channels: Int = 8, classes: [String] = ["a", "b"],
    seed: UInt64
  ) throws -> PixelModel {
    try PixelModel(
      PixelModelSettings(
        channels: channels, depth: 1, firstKernel: 3, bits: 2,
        prior: source.map { PriorSettings(source: $0) }),
      for: ImageSpecification(height: 6, width: 6, channels: 1, classes: classes), seed: seed,
      on: Machine(threadCount: 1))
  }

  private static func tables(_ model: PixelModel, areOfClasses: Bool) -> [Float] {
    model.network.parameters.parameters.filter { $0.name.hasSuffix(".table") == areOfClasses }
      .flatMap { model.network.parameters.values(of: $0).array }
  }

  @Test func weightsAndTheirAverageAreTakenOver() throws {
    let released = try Self.pixel(source: nil, seed: 1)
    let model = try Self.pixel(source: .release, seed: 2)
    #expect(model.network.parameters.values.array != released.network.parameters.values.array)
    try model.start(from: StartingWeights(of: released, classes: ["a", "b"]))
    #expect(model.network.parameters.values.array == released.network.parameters.values.array)
    #expect(model.averaged.average.values.array == released.network.parameters.values.array)
  }

  @Test func otherClassesKeepTheirOwnParameters() throws {
    let released = try Self.pixel(source: nil, seed: 1)
    // The average is what is released.
    released.averaged.average.values.fill(0.25)
    let model = try Self.pixel(source: .release, classes: ["a", "c"], seed: 2)
    let own = Self.tables(model, areOfClasses: true)
    try model.start(from: StartingWeights(of: released, classes: ["a", "b"]))
    #expect(!own.isEmpty && Self.tables(model, areOfClasses: true) == own)
    #expect(Self.tables(model, areOfClasses: false).allSatisfy { $0 == 0.25 })
  }

  @Test func aModelWithoutThePriorStaysAsItIs() throws {
    let model = try Self.pixel(source: nil, seed: 2)
    let before = model.network.parameters.values.array
    try model.start(from: StartingWeights(of: try Self.pixel(source: nil, seed: 1), classes: []))
    #expect(model.network.parameters.values.array == before)
  }

  @Test func otherNetworksAndFamiliesAreRefused() throws {
    let model = try Self.pixel(source: .release, channels: 12, seed: 2)
    let small = StartingWeights(of: try Self.pixel(source: nil, seed: 1), classes: ["a", "b"])
    let error = #expect(throws: RecipeFailure.self) { try model.start(from: small) }
    #expect(error?.description.contains("at least half expected") == true)
    let gan = try DPGAN(
      DPGANSettings(width: 2, generatorWidth: 2, latentSize: 4),
      for: .tiny(height: 8, width: 8), seed: 1, on: Machine(threadCount: 1))
    let family = #expect(throws: RecipeFailure.self) { try gan.start(from: small) }
    #expect(family?.description.contains("family dp-gan") == true)
  }

  @Test func weightsThatAreNotFiniteAreRefused() throws {
    let released = try Self.pixel(source: nil, seed: 1)
    released.averaged.average.values.pointer[5] = .nan
    let model = try Self.pixel(source: .release, seed: 2)
    let error = #expect(throws: RecipeFailure.self) {
      try model.start(from: StartingWeights(of: released, classes: ["a", "b"]))
    }
    #expect(error?.description.contains("not finite") == true)
  }

  /// A pixel model whose prior names a file, and the weights of that file: a model of one class.
  private static func fromFile(
    steps: Int = 5, classes: [String] = ["a", "b"]
  ) throws -> (model: PixelModel, file: StartingWeights) {
    let prior = PriorSettings(source: .procedural, steps: 5)
    let (recipe, learner) = try learner(prior, classes: ["drawn"])
    let file = try StartingWeights(file: "drawn", of: recipe, model: learner, classes: ["drawn"])
    let own = PriorSettings(source: .procedural, steps: steps, weights: "drawn")
    let (_, model) = try Self.learner(own, classes: classes)
    return (try #require(model as? PixelModel), file)
  }

  private static func learner(
    _ prior: PriorSettings, classes: [String]
  ) throws -> (Recipe, any GenerativeModel) {
    let settings = PixelModelSettings(
      channels: 8, depth: 1, firstKernel: 3, bits: 2, classRegions: 2, prior: prior)
    let fields = String(decoding: try JSONEncoder().encode(settings), as: UTF8.self)
    let recipe = try JSONDecoder().decode(
      Recipe.self,
      from: Data(
        ##"""
        {"name": "small", "summary": "For tests.", "family": "pixel",
         "image": {"height": 6, "width": 6, "channels": 1},
         "training": {"batch_size": 4, "steps": 1, "clip_norm": 1}, "model": \##(fields)}
        """##.utf8))
    let seed: UInt64 = classes.count == 1 ? 1 : 2
    return (
      recipe, try recipe.makeModel(classes: classes, seed: seed, on: Machine(threadCount: 1))
    )
  }

  @Test func aNetworkOfOneClassFitsIntoOneWithClasses() throws {
    let (model, file) = try Self.fromFile()
    let own = Self.tables(model, areOfClasses: true)
    try model.start(from: file)
    #expect(!own.isEmpty && Self.tables(model, areOfClasses: true) == own)
    for parameter in model.network.parameters.parameters where !parameter.name.hasSuffix(".table") {
      let found = try #require(
        file.weights.tensors["network.\(parameter.name)"], "\(parameter.name)")
      #expect(model.network.parameters.values(of: parameter).array == found.values)
    }
  }

  @Test func cornersOfBlocksKeepTheirRowsForEveryClass() {
    var weights = Checkpoint()
    weights.tensors["up.table"] = Checkpoint.Array(shape: [4, 1], values: [1, 2, 3, 4])
    let file = StartingWeights(origin: .file("drawn"), weights: weights, classes: ["drawn"])
    let rows = { (shape: Shape, isOfClasses: Bool) in
      file.values(of: "up.table", shape, isOfClasses: isOfClasses, classes: ["a"])
    }
    #expect(rows(Shape(8, 1), true) == [1, 2, 3, 4, 1, 2, 3, 4])
    #expect(rows(Shape(4, 1), true) == [1, 2, 3, 4], "also for one class of another name")
    #expect(rows(Shape(6, 1), true) == nil && rows(Shape(8, 2), true) == nil)
    #expect(rows(Shape(8, 1), false) == nil)
    // Those of a release belong to its classes.
    let other = StartingWeights(origin: .release, weights: weights, classes: ["drawn"])
    #expect(other.values(of: "up.table", Shape(8, 1), isOfClasses: true, classes: ["a"]) == nil)
  }

  /// The statement would name the steps of another network.
  @Test func eachNetworkIsComparedWithItsOwnPrior() throws {
    let prior = { (steps: Int, weights: String?) in
      PriorSettings(source: .procedural, steps: steps, weights: weights)
    }
    let file = StartingWeights(
      origin: .file("drawn"), weights: Checkpoint(), classes: ["drawn"],
      priors: ["base": prior(6, nil), "upsampler": prior(9, nil)])
    let (model, _) = try Self.fromFile(steps: 9)
    let error = #expect(throws: RecipeFailure.self) { try model.start(from: file.part("base")) }
    #expect(error?.description.contains("were not learnt in 9 steps") == true)
    let other = #expect(throws: RecipeFailure.self) {
      try model.start(from: file.part("upsampler"))
    }
    #expect(other?.description.contains("(all expected)") == true)
    let settings = MultiscaleSettings(
      stages: 1, base: PixelModelSettings(prior: prior(6, "drawn")),
      upsampler: UpsamplerSettings(prior: prior(9, "drawn")))
    #expect(settings.priors.mapValues(\.steps) == ["base": 6, "upsampler": 9])
  }

  @Test func weightsThatWereLearntOtherwiseThanTheRecipeSaysAreRefused() throws {
    let (model, file) = try Self.fromFile(steps: 6)
    let error = #expect(throws: RecipeFailure.self) { try model.start(from: file) }
    #expect(error?.description.contains("drawn.safetensors were not learnt in 6 steps") == true)
  }

  @Test(arguments: [PriorSettings.Source.publicImages, .release])
  func aFileOfWeightsThatMayKnowOtherImagesIsRefused(_ source: PriorSettings.Source) throws {
    let (recipe, learner) = try Self.learner(PriorSettings(source: source), classes: ["drawn"])
    let error = #expect(throws: RecipeFailure.self) {
      try StartingWeights(file: "drawn", of: recipe, model: learner, classes: ["drawn"])
    }
    #expect(error?.description.contains("priors that are procedural, expected") == true)
  }

  @Test func aPriorWithWeightsMakesNoSteps() throws {
    let prior = PriorSettings(source: .procedural, steps: 9, weights: "drawn")
    #expect(prior.outline("steps on").work == .free(.publicData, steps: 0))
    #expect(prior.outline("steps on").purpose.hasSuffix("they show no person (drawn.safetensors)"))
    #expect(prior.learning.outline("steps on").work == .free(.publicData, steps: 9))
    let decoded = try JSONDecoder().decode(PriorSettings.self, from: JSONEncoder().encode(prior))
    #expect(decoded == prior)
  }

  @Test(arguments: ["../drawn", "", ".drawn", "a/b", "ä", "drawn.safetensors"])
  func weightsOutsideTheFolderOfRecipesAreRefused(_ name: String) {
    let prior = PriorSettings(source: .procedural, steps: 9, weights: name)
    let error = #expect(throws: RecipeFailure.self) { try prior.validate(family: "pixel") }
    #expect(error?.description.contains("prior.weights: '\(name)'") == true)
    // Also where the file would be looked for before the recipe is validated.
    #expect(throws: DecodingError.self) {
      try JSONDecoder().decode(PriorSettings.self, from: JSONEncoder().encode(prior))
    }
  }

  @Test func weightsBesidePublicImagesAreRefused() {
    let prior = PriorSettings(source: .publicImages, steps: 9, weights: "drawn")
    let error = #expect(throws: RecipeFailure.self) { try prior.validate(family: "pixel") }
    #expect(error?.description.contains("with source: public (no weights expected)") == true)
  }

  @Test func aReleasePriorHasNoOtherFields() throws {
    let prior = PriorSettings(source: .release)
    let text = String(decoding: try JSONEncoder().encode(prior), as: UTF8.self)
    #expect(text == #"{"source":"release"}"#)
    #expect(try JSONDecoder().decode(PriorSettings.self, from: Data(text.utf8)) == prior)
    let error = #expect(throws: DecodingError.self) {
      try JSONDecoder().decode(
        PriorSettings.self, from: Data(#"{"source": "release", "steps": 3}"#.utf8))
    }
    #expect(String(describing: error).contains("has learnt already"))
    #expect(prior.outline("steps on").work == .free(.postProcessing, steps: 0))
  }
}
