import Compute
import FoundationEssentials
import Learning
import Testing

@testable import Models

@Suite struct PixelModelRecipeTests {
  /// Converts the YAML subset of the recipes, nested keys with plain values, to JSON.
  private func json(of yaml: String) -> String {
    var lines: [String] = []
    var depth = 0
    for line in yaml.split(separator: "\n") where !line.hasPrefix("#") {
      let indent = line.prefix { $0 == " " }.count / 2
      let parts = line.split(separator: ":", maxSplits: 1).map { $0.drop { $0 == " " } }
      if indent < depth { lines.append("},") }
      depth = indent
      let key = "\"\(parts[0])\":"
      if parts.count == 1 || parts[1].isEmpty {
        lines.append("\(key) {")
        depth += 1
      } else {
        let isNumber = Double(parts[1]) != nil
        lines.append("\(key) \(isNumber ? String(parts[1]) : "\"\(parts[1])\""),")
      }
    }
    lines.append(String(repeating: "}", count: depth))
    return "{\(lines.joined())}".replacing(",}", with: "}")
  }

  private func yaml(_ name: String) throws -> String {
    let folder = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
    return try String(contentsOfFile: "/\(folder)/Models/\(name).yaml", encoding: .utf8)
  }

  private func recipe(_ name: String) throws -> Recipe {
    try JSONDecoder().decode(Recipe.self, from: Data(json(of: yaml(name)).utf8))
  }

  @Test(arguments: [
    ("pixel-28", 205_392), ("pixel-28-private", 59_469), ("pixel-32", 538_948),
    ("pixel-32-private", 123_314), ("pixel-28-binary", 143_490),
    ("pixel-28-bytes", 809_817), ("pixel-28-quick", 30_018),
  ])
  func recipeMakesAModelOfTheExpectedSize(name: String, parameterCount: Int) throws {
    let recipe = try recipe(name)
    #expect(recipe.name == name)
    let model = try recipe.makeModel(
      classes: (0..<10).map { "\($0)" }, seed: 1, on: Machine(threadCount: 1))
    let pixelModel = try #require(model as? PixelModel)
    #expect(pixelModel.network.parameters.count == parameterCount)
  }

  @Test(arguments: [0, 6]) func moreRegionsThanPixelsPerSideAreRefused(regions: Int) {
    var settings = PixelModelSettings()
    settings.classRegions = regions
    let error = #expect(throws: RecipeFailure.self) {
      try settings.validate(for: .tiny(height: 5, width: 9))
    }
    #expect(error?.description.contains("class_regions is \(regions)") == true)
  }

  @Test(arguments: [0, 5]) func moreOctavesThanBitsAreRefused(octaves: Int) {
    var settings = PixelModelSettings(bits: 4)
    settings.fourierOctaves = octaves
    let error = #expect(throws: RecipeFailure.self) { try settings.validate(for: .tiny()) }
    #expect(error?.description.contains("fourier_octaves is \(octaves)") == true)
  }

  /// Heads that do not divide the channels or leave a colour without a head, and incomplete settings.
  @Test(arguments: [(0, 2), (7, 2), (1, 5), (1, 2), (nil, 3), (1, nil)] as [(Int?, Int?)])
  func invalidAttentionSettingsAreRefused(layers: Int?, heads: Int?) {
    let settings = PixelModelSettings(
      channels: 12, depth: 6, attentionLayers: layers, attentionHeads: heads)
    let error = #expect(throws: RecipeFailure.self) {
      try settings.validate(for: .tiny(channels: 3))
    }
    #expect(error?.description.contains("attention_") == true)
  }

  @Test func copiesAndAWideHeadAreReadFromARecipe() throws {
    let changed = try yaml("pixel-28").replacing(
      "  first_kernel: 7\n", with: "  first_kernel: 7\n  copy_reach: 2\n  head_channels: 96\n")
    let recipe = try JSONDecoder().decode(Recipe.self, from: Data(json(of: changed).utf8))
    let settings = try #require(recipe.model as? PixelModelSettings)
    #expect(settings.copyReach == 2 && settings.headChannels == 96)
  }

  /// A reach of zero, too large, or without softmax; a head that leaves a colour without a channel.
  @Test(
    arguments: [
      (PixelModelSettings(channels: 12, copyReach: 0), "copy_reach is 0"),
      (PixelModelSettings(channels: 12, copyReach: 16), "copy_reach is 16"),
      (
        PixelModelSettings(channels: 12, output: .logistics, components: 2, copyReach: 2),
        "copy_reach is 2"
      ),
      (PixelModelSettings(channels: 12, headChannels: 0), "head_channels is 0"),
      (PixelModelSettings(channels: 12, headChannels: 32), "head_channels is 32"),
    ])
  func invalidCopiesAndHeadsAreRefused(_ settings: PixelModelSettings, message: String) {
    let error = #expect(throws: RecipeFailure.self) {
      try settings.validate(for: .tiny(channels: 3))
    }
    #expect(error?.description.contains(message) == true)
  }

  @Test func attentionIsReadFromARecipe() throws {
    let changed = try yaml("pixel-28").replacing(
      "  first_kernel: 7\n",
      with: "  first_kernel: 7\n  attention_layers: 2\n  attention_heads: 4\n")
    let recipe = try JSONDecoder().decode(Recipe.self, from: Data(json(of: changed).utf8))
    let settings = try #require(recipe.model as? PixelModelSettings)
    #expect(settings.attentionLayers == 2 && settings.attentionHeads == 4)
  }

  /// The recipe `pixel-28` with some lines replaced.
  private func recipe(with lines: String) throws -> Recipe {
    let changed = try yaml("pixel-28").replacing(
      "  first_kernel: 7\n", with: "  first_kernel: 7\n" + lines)
    return try JSONDecoder().decode(Recipe.self, from: Data(json(of: changed).utf8))
  }

  /// Without the setting, a recipe has no Fourier features.
  ///
  /// Recipes and models from before the setting can be read, and so can those with its former name.
  @Test(
    arguments: [("", nil), ("  fourier_octaves: 3\n", 3), ("  level_octaves: 3\n", 3)]
      as [(String, Int?)])
  func octavesAreReadFromARecipe(line: String, octaves: Int?) throws {
    let recipe = try recipe(with: line)
    #expect(try #require(recipe.model as? PixelModelSettings).fourierOctaves == octaves)
  }

  /// A resumed run compares its saved recipe with the requested recipe.
  @Test func aRecipeWithAFormerNameIsWrittenWithTheCurrentName() throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    let former = try encoder.encode(recipe(with: "  level_octaves: 3\n"))
    let present = try encoder.encode(recipe(with: "  fourier_octaves: 3\n"))
    #expect(former == present)
    #expect(String(decoding: present, as: UTF8.self).contains("\"fourier_octaves\":3"))
  }

  @Test func aSettingUnderBothItsNamesIsRefused() throws {
    let error = #expect(throws: DecodingError.self) {
      try recipe(with: "  level_octaves: 3\n  fourier_octaves: 3\n")
    }
    #expect(try String(describing: #require(error)).contains("expected one of them"))
  }

  @Test func aFormerNameIsAKnownFieldOfARecipe() throws {
    let fields = try recipe(with: "").fields
    #expect(fields.contains("model.level_octaves") && fields.contains("model.fourier_octaves"))
  }

  /// The custom decoder must not lose a field, so each is set to a value other than its default.
  @Test func everySettingSurvivesWritingAndReading() throws {
    let settings = PixelModelSettings(
      channels: 12, depth: 2, firstKernel: 5, bits: 3, fourierOctaves: 2, output: .logistics,
      components: 4, copyReach: 5, headChannels: 6, classRegions: 7, attentionLayers: 8,
      attentionHeads: 9, labelDropout: 0.125, guidance: 2, optimizer: .muon, learningRate: 0.25,
      warmUpSteps: 10, finalRate: 0.5, beta1: 0.75, beta2: 0.875, averageDecay: 0.0625,
      prior: PriorSettings(source: .procedural, steps: 30, batchSize: 40, learningRate: 0.03125))
    let data = try JSONEncoder().encode(settings)
    #expect(try JSONDecoder().decode(PixelModelSettings.self, from: data) == settings)
    let text = String(decoding: data, as: UTF8.self)
    for key in PixelModelSettings.CodingKeys.allCases {
      #expect(text.contains("\"\(key.stringValue)\":"))
    }
    #expect(!text.contains("level_octaves"))
  }

  @Test(arguments: ["adam", "muon"]) func anOptimizerIsReadFromARecipe(name: String) throws {
    let changed = try yaml("pixel-28").replacing("  beta1:", with: "  optimizer: \(name)\n  beta1:")
    let recipe = try JSONDecoder().decode(Recipe.self, from: Data(json(of: changed).utf8))
    let settings = try #require(recipe.model as? PixelModelSettings)
    #expect(settings.optimizer?.rawValue == name)
  }

  @Test(arguments: [
    ("output: softmax\n  optimizer: sgd", "found 'sgd', expected adam or muon"),
    ("output: argmax", "found 'argmax', expected softmax or logistics"),
  ])
  func anUnknownNameIsRefusedWithTheValidNames(line: String, message: String) throws {
    let changed = try yaml("pixel-28").replacing("output: softmax", with: line)
    let data = Data(json(of: changed).utf8)
    let error = #expect(throws: DecodingError.self) {
      try JSONDecoder().decode(Recipe.self, from: data)
    }
    #expect(try String(describing: #require(error)).contains(message))
  }

  @Test func recipeSurvivesWritingAndReading() throws {
    let first = try recipe("pixel-32")
    let again = try JSONDecoder().decode(Recipe.self, from: JSONEncoder().encode(first))
    #expect(again.model as? PixelModelSettings == first.model as? PixelModelSettings)
    #expect(again.training == first.training)
    #expect(again.image == first.image)
  }
}
