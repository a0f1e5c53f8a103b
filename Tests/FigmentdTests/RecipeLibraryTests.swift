import Control
import Datasets
import Models
import TestSupport
import Testing

@testable import Runs
@testable import figmentd

@Suite struct RecipeLibraryTests {
  private let scratch = ScratchFolder()

  /// The error for a pixel model's recipe with one replaced line; nil for none.
  private func refusal(replacing line: String, with other: String) throws -> String? {
    let text = RunBench.pixelRecipe(steps: 2).replacing(line, with: other)
    let path = try scratch.write("pixels.yaml", text)
    do {
      _ = try RecipeLibrary.read(path)
      return nil
    } catch let error as ControlError {
      return error.message
    }
  }

  @Test(arguments: [
    ("  guidance: 1", "  guidance: 1\n  copy_reech: 2", "'model.copy_reech'", "'model.copy_reach'"),
    ("clip_norm: 1", "clip_norm: 1, nose: gaussian", "'training.nose'", "'training.noise'"),
    ("channels: 1}", "channels: 1, fitt: crop}", "'image.fitt'", "'image.fit'"),
    ("summary:", "sumary: x\nsummary:", "'sumary'", "'summary'"),
  ])
  func aMisspeltFieldIsToldFromOptionalOnesToo(
    line: String, other: String, found: String, meant: String
  ) throws {
    let message = try #require(try refusal(replacing: line, with: other))
    #expect(message.hasSuffix(".yaml: field \(found): unknown. Did you mean \(meant)?"))
  }

  @Test(arguments: ["name: [tiny", "name: \"tiny", "- a\n- b", "text", ""])
  func aFileThatIsNoMappingIsToldSoAndNotAsAField(text: String) throws {
    let path = try scratch.write("broken.yaml", text)
    let error = #expect(throws: ControlError.self) { try RecipeLibrary.read(path) }
    let message = try #require(error).message
    #expect(message.contains("not valid YAML") || message.contains("the file as a whole"))
    #expect(!message.contains("field ''"))
  }

  @Test func aFieldOfAnotherPartIsRefusedWithThoseOfItsOwn() throws {
    let message = try #require(
      try refusal(replacing: "clip_norm: 1", with: "clip_norm: 1, guidance: 2"))
    #expect(message.contains("'training.guidance': unknown. Known: training.batch_size,"))
    #expect(!message.contains("model."))
  }

  @Test func fieldsOfAnotherFamilyAreRefused() throws {
    let message = try #require(
      try refusal(replacing: "  depth: 1", with: "  depth: 1\n  schedule: {start: 1}"))
    #expect(message.contains("pixels.yaml: field 'model.schedule': unknown."))
  }

  @Test func fieldsThatMayBeAbsentAreRead() throws {
    #expect(
      try refusal(
        replacing: "  guidance: 1",
        with: """
            guidance: 1
            level_octaves: 2
            copy_reach: 1
            head_channels: 9
            attention_layers: 1
            attention_heads: 2
            optimizer: muon
          """) == nil)
    let text = RunBench.recipe(side: 8, steps: 2)
      .replacing("channels: 1}", with: "channels: 1, fit: stretch}")
      .replacing("clip_norm: 1", with: "clip_norm: 1, noise: discrete-gaussian")
      .replacing("start: 2,", with: "start: 2, threshold: 0.7,")
    let recipe = try RecipeLibrary.read(scratch.write("tiny.yaml", text))
    #expect(recipe.image.fit == .stretch)
    #expect(try #require(recipe.model as? DPGANSettings).schedule.threshold == 0.7)
  }

  @Test func aMisspeltFieldOfAPartOfAPartIsFound() throws {
    let text = RunBench.recipe(side: 8, steps: 2).replacing("grace: 10", with: "grace: 10, limt: 3")
    #expect {
      try RecipeLibrary.read(scratch.write("tiny.yaml", text))
    } throws: { error in
      (error as? ControlError)?.message
        == "recipe \(scratch.path)/tiny.yaml: field 'model.schedule.limt': unknown. "
        + "Did you mean 'model.schedule.limit'?"
    }
  }

  @Test func theExampleOfTheRecipeReferenceIsRead() throws {
    let path = try scratch.write("letters.yaml", RecipeReference.exampleRecipe)
    let recipe = try RecipeLibrary.read(path)
    #expect(recipe.name == "letters" && recipe.familyType is PixelModel.Type)
    try recipe.validate(classes: ["a", "b"])
    #expect(try #require(recipe.model as? PixelModelSettings).prior?.source == .procedural)
  }

  @Test func aRecipeThatCannotBeReadHidesNoOther() throws {
    let good = RunBench.recipe(side: 8, steps: 2)
    try scratch.write("recipes/tiny.yaml", good)
    try scratch.write("recipes/bad.yaml", good.replacing("grace: 10", with: "graze: 10"))
    let library = RecipeLibrary(folder: scratch.path + "/recipes")
    let found = try library.summaries()
    #expect(found.map(\.name) == ["bad", "tiny"])
    #expect(found[0].summary.hasPrefix("Cannot be used: "))
    #expect(found[0].summary.contains("recipes/bad.yaml"))
    #expect(found[1].summary == "For tests.")
    _ = try library.recipe(named: "tiny")
  }
}
