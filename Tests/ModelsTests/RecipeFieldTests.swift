import FoundationEssentials
import Privacy
import Testing

@testable import Models

/// The settings types read and check exactly what they state about their fields.
@Suite struct RecipeFieldTests {
  /// A family, and a valid recipe of it in which each number can go to the ends of its range.
  struct Bench: CustomTestStringConvertible, Sendable {
    let family: any GenerativeModel.Type
    let yaml: String
    /// Other changes that a field needs before it can have each value of its range.
    let companions: [String: [String: String]]
    var testDescription: String { family.family }

    /// The fields of a small pixel model, except for its channels.
    private static let pixelFields = """
      depth: 1
      first_kernel: 3
      bits: 2
      output: softmax
      class_regions: 1
      label_dropout: 0
      guidance: 1
      learning_rate: 0.01
      warm_up_steps: 1
      final_rate: 1
      beta1: 0.9
      beta2: 0.99
      average_decay: 0.9
      """

    /// The fields of a small upsampler, except for its prior.
    private static let upsamplerFields = """
      channels: 2
      depth: 1
      bits: 2
      components: 2
      share: 0.1
      batch_size: 8
      steps: 3
      clip_norm: 1
      learning_rate: 0.01
      average_decay: 0.9
      """

    private static let prior = group(
      "prior",
      """
      source: procedural
      steps: 10
      batch_size: 8
      learning_rate: 0.01
      """)

    /// Fields under a key.
    private static func group(_ key: String, _ fields: String) -> String {
      "\(key):\n" + fields.split(separator: "\n").map { "  \($0)" }.joined(separator: "\n")
    }

    /// A small pixel model inside another model.
    private static func pixels(under key: String) -> String {
      group(key, "family: pixel\nchannels: 3\n\(pixelFields)")
    }

    static let all = [
      Bench(
        family: DPGAN.self,
        yaml: """
          width: 2
          generator_width: 2
          latent_size: 4
          discriminator_learning_rate: 0.001
          generator_learning_rate: 0.001
          beta1: 0.5
          beta2: 0.9
          generator_batch_size: 8
          schedule:
            start: 1
            threshold: 0.6
            grace: 10
            limit: 5
          average_decay: 0.9
          """,
        companions: [:]),
      Bench(
        family: Embedding.self,
        yaml: """
          features: 2
          generator_width: 2
          latent_size: 4
          steps: 10
          batch_size: 8
          learning_rate: 0.01
          average_decay: 0.9
          """,
        companions: [:]),
      Bench(
        family: PixelModel.self,
        yaml: """
          channels: 2
          \(pixelFields)
          \(prior)
          """,
        companions: [
          "model.fourier_octaves": ["model.bits": "8"],
          "model.components": ["model.output": "logistics"],
          "model.class_regions": ["image.height": "256", "image.width": "256"],
          "model.attention_layers": ["model.depth": "64", "model.attention_heads": "2"],
          "model.attention_heads": ["model.channels": "512", "model.attention_layers": "1"],
          "model.guidance": ["model.label_dropout": "0.1"],
          "image.channels": ["model.channels": "3"],
        ]),
      Bench(
        family: VAE.self,
        yaml: """
          latent_size: 2
          channels: 2
          depth: 1
          bits: 2
          output: softmax
          kl_weight: 1
          kl_warm_up_steps: 3
          codes: standard
          drawing: mean
          learning_rate: 0.01
          warm_up_steps: 1
          final_rate: 1
          beta1: 0.9
          beta2: 0.99
          average_decay: 0.9
          """,
        companions: [
          "model.components": ["model.output": "logistics"],
          "model.share": ["model.codes": "full"],
          "model.code_bins": ["model.codes": "network", "model.share": "0.2"],
          "model.depth": ["image.height": "128", "image.width": "128"],
        ]),
      Bench(
        family: Distilled.self,
        yaml: """
          teacher:
            family: embedding
            features: 2
            generator_width: 2
            latent_size: 4
            steps: 10
            batch_size: 8
            learning_rate: 0.01
            average_decay: 0.9
          images: 10
          steps: 10
          batch_size: 8
          width: 2
          generator_width: 2
          latent_size: 4
          discriminator_learning_rate: 0.01
          generator_learning_rate: 0.01
          average_decay: 0.9
          """,
        companions: [:]),
      Bench(
        family: Multiscale.self,
        yaml: """
          stages: 1
          \(group("base", "channels: 2\n\(pixelFields)\n\(prior)"))
          \(group("upsampler", "\(upsamplerFields)\n\(prior)"))
          """,
        companions: [
          "model.stages": ["image.height": "64", "image.width": "64"],
          "model.base.fourier_octaves": ["model.base.bits": "8"],
          "model.base.components": ["model.base.output": "logistics"],
          "model.base.class_regions": ["image.height": "512", "image.width": "512"],
          "model.base.attention_layers": [
            "model.base.depth": "64", "model.base.attention_heads": "2",
          ],
          "model.base.attention_heads": [
            "model.base.channels": "512", "model.base.attention_layers": "1",
          ],
          "model.base.guidance": ["model.base.label_dropout": "0.1"],
          "image.channels": ["model.base.channels": "3"],
        ]),
      Bench(
        family: Taught.self,
        yaml: """
          \(pixels(under: "generator"))
          teacher:
            share: 0.1
            steps: 10
            batch_size: 8
            clip_norm: 1
            learning_rate: 0.1
          """,
        companions: [:]),
      Bench(
        family: BayesianNetwork.self,
        yaml: """
          mode: correlated
          """,
        companions: [:]),
      Bench(
        family: AttributedImages.self,
        yaml: """
          share: 0.1
          table:
            mode: correlated
          \(pixels(under: "images"))
          """,
        companions: [:]),
    ]

    /// A small valid recipe.
    var valid: RecipeValues {
      var values = [
        "name": "tiny", "summary": "For tests.", "family": family.family,
        "training.batch_size": "8", "training.steps": "3", "training.clip_norm": "1",
      ]
      if family.settingsType.readsImages {
        values.merge(["image.height": "8", "image.width": "8", "image.channels": "1"]) { $1 }
      }
      for (path, value) in RecipeValues(yaml: yaml).values { values["model." + path] = value }
      return RecipeValues(values)
    }

    /// All fields of recipes of the family, with their paths.
    var fields: [(path: String, field: RecipeField)] {
      Recipe.fields(of: family.settingsType).flatMap { $0.all() }
    }

    /// The recipe with this value of a field, and with the companions that it needs.
    func recipe(_ path: String, _ value: String) -> RecipeValues {
      var changes: [String: String?] = (companions[path] ?? [:]).mapValues { $0 }
      changes[path] = value
      return valid.with(changes)
    }
  }

  /// Values at the ends of a field's range, and the nearest ones beyond.
  private static func probes(of value: RecipeField.Value) -> (within: [String], beyond: [String]) {
    switch value {
    case .text, .choice, .part: return ([], [])
    case .oneOf(let numbers):
      let candidates = numbers.flatMap { [$0 - 1, $0 + 1] }.filter { !numbers.contains($0) }
      return (numbers.map(String.init), candidates.map(String.init))
    case .integer(let range):
      let low = Int(range.lower.value) + (range.lower.isIncluded ? 0 : 1)
      guard let upper = range.upper else { return (["\(low)", "1000000000000"], ["\(low - 1)"]) }
      let high = Int(upper.value) - (upper.isIncluded ? 0 : 1)
      return (["\(low)", "\(high)"], ["\(low - 1)", "\(high + 1)"])
    case .number(let range):
      let low = range.lower
      var within = [low.isIncluded ? "\(low.value)" : "\(low.value + 1e-6)"]
      var beyond = [low.isIncluded ? "\(low.value - 1e-6)" : "\(low.value)"]
      if let high = range.upper {
        within.append(high.isIncluded ? "\(high.value)" : "\(high.value - 1e-6)")
        beyond.append(high.isIncluded ? "\(high.value + 1e-3)" : "\(high.value)")
      } else {
        within.append("1e30")
      }
      return (within, beyond)
    }
  }

  @Test(arguments: Bench.all) func valuesAtTheEndsOfARangePassAndThoseBeyondAreRefusedByName(
    _ bench: Bench
  ) throws {
    var probed = 0
    for (path, field) in bench.fields where !["image.height", "image.width"].contains(path) {
      let probes = Self.probes(of: field.value)
      probed += probes.beyond.isEmpty ? 0 : 1
      for value in probes.within {
        #expect(throws: Never.self, "\(path): \(value)") {
          try bench.recipe(path, value).recipe().validate(classes: ["a", "b"])
        }
      }
      for value in probes.beyond {
        let error = #expect(throws: RecipeFailure.self, "\(path): \(value)") {
          try bench.recipe(path, value).recipe().validate(classes: ["a", "b"])
        }
        guard let words = error?.description else { continue }
        #expect(words.contains("\(field.name) is "), "\(path): \(words)")
        #expect(words.contains(field.rangeWords), "\(path): \(words)")
      }
    }
    #expect(probed >= 8)
  }

  @Test(arguments: Bench.all.filter { $0.family.settingsType.readsImages })
  func imagesOfTheStatedSizesPassAndOthersAreRefusedByName(
    _ bench: Bench
  ) throws {
    let sizes = bench.family.settingsType.imageSizes
    let low = "\(sizes.sides.lowerBound)"
    let high = "\(sizes.sides.upperBound)"
    var refused = [
      ("\(sizes.sides.lowerBound - 1)", low), (high, "\(sizes.sides.upperBound + 1)"),
    ]
    if sizes.areSquare { refused.append((low, high)) }
    func check(_ height: String, _ width: String) throws {
      try bench.valid.with(["image.height": height, "image.width": width]).recipe()
        .validate(classes: ["a", "b"])
    }
    for side in [low, high] {
      #expect(throws: Never.self) { try check(side, side) }
    }
    for (height, width) in refused {
      for (height, width) in [(height, width), (width, height)] {
        let error = #expect(throws: RecipeFailure.self, "\(height)×\(width)") {
          try check(height, width)
        }
        let words = error?.description ?? ""
        #expect(
          words.contains("image.height × image.width is \(height)×\(width) (\(sizes.words)"),
          "\(words)")
      }
    }
    // The range of the sides that recipes of any family may state.
    for path in ["image.height", "image.width"] {
      guard case .integer(let range) = bench.fields.first(where: { $0.path == path })?.field.value
      else {
        Issue.record("\(path) is a whole number")
        continue
      }
      #expect(range.contains(Double(sizes.sides.lowerBound)))
      #expect(range.contains(Double(sizes.sides.upperBound)))
    }
  }

  @Test func aGANOfImagesThatAreNotSquareIsRefused() {
    let error = #expect(throws: RecipeFailure.self) {
      try Bench.all[0].valid.with(["image.width": "16"]).recipe().validate(classes: ["a", "b"])
    }
    #expect(
      error?.description.contains("is 8×16 (8 to 128 pixels a side, square expected)") == true)
  }

  @Test func conditionsBeyondARangeAreCheckedToo() {
    let pixel = Bench.all[2]
    for (path, value, others) in [
      ("model.first_kernel", "4", [:]), ("model.fourier_octaves", "3", [:]),
      ("model.attention_layers", "2", ["model.attention_heads": "1"]),
      ("model.attention_heads", "3", ["model.attention_layers": "1"]),
      ("model.class_regions", "9", [:]), ("model.guidance", "2", [:]),
      ("model.components", "2", [:]),
      (
        "model.copy_reach", "2", ["model.output": "logistics", "model.components": "2"]
      ),
      ("model.channels", "4", ["image.channels": "3"]),
      ("model.head_channels", "4", ["image.channels": "3", "model.channels": "3"]),
    ] as [(String, String, [String: String])] {
      let field = pixel.fields.first { $0.path == path }?.field
      #expect(field?.condition != nil, "\(path)")
      var changes: [String: String?] = others.mapValues { $0 }
      changes[path] = value
      let error = #expect(throws: RecipeFailure.self, "\(path)") {
        try pixel.valid.with(changes).recipe().validate(classes: ["a", "b"])
      }
      #expect(error?.description.contains("\(field?.name ?? "?") is \(value)") == true, "\(path)")
    }
  }

  /// A comparison with NaN is never true, so a check must not be a comparison alone.
  @Test(arguments: [Double.infinity, .nan]) func aNumberThatIsNotFiniteIsRefused(_ value: Double) {
    let settings = TrainingSettings(batchSize: 1, steps: 1, clipNorm: value)
    let error = #expect(throws: RecipeFailure.self) { try settings.validate() }
    #expect(error?.description.contains("a finite number above 0 expected") == true)
  }

  @Test(arguments: Bench.all) func aFieldMayBeAbsentExactlyIfItStatesADefault(
    _ bench: Bench
  ) throws {
    let complete = RecipeValues(complete: bench.family)
    _ = try complete.recipe()
    for (path, field) in bench.fields {
      var without = complete
      without.values = without.values.filter {
        $0.key != path && !$0.key.hasPrefix(path + ".")
      }
      if field.fallback == nil {
        #expect(throws: (any Error).self, "\(path)") { try without.recipe() }
      } else {
        #expect(throws: Never.self, "\(path)") { try without.recipe() }
      }
    }
  }

  @Test(arguments: Bench.all) func everyFieldIsRead(_ bench: Bench) {
    let complete = RecipeValues(complete: bench.family)
    for (path, field) in bench.fields where field.parts.isEmpty {
      #expect(throws: (any Error).self, "\(path)") { try complete.with([path: "[]"]).recipe() }
    }
  }

  @Test(arguments: Bench.all) func everyNameOfAChoiceIsReadAndAnyOtherIsRefused(
    _ bench: Bench
  ) throws {
    let complete = RecipeValues(complete: bench.family)
    for (path, field) in bench.fields where path != "family" {
      guard case .choice(let names) = field.value else { continue }
      for name in names {
        var values = complete.with([path: name])
        if path.hasSuffix("prior.source"), name == PriorSettings.Source.release.rawValue {
          // A released model has no settings beside its name.
          let others = path.dropLast("source".count)
          values.values = values.values.filter { $0.key == path || !$0.key.hasPrefix(others) }
        }
        #expect(throws: Never.self, "\(path): \(name)") { try values.recipe() }
      }
      let error = #expect(throws: DecodingError.self, "\(path)") {
        try complete.with([path: "unheard-of"]).recipe()
      }
      // The type's own list; noise, which belongs to another room, has none.
      if path == "training.noise" { continue }
      let words = error.map { String(describing: $0) } ?? ""
      #expect(words.contains("expected \(field.rangeWords)"), "\(path): \(words)")
    }
  }

  /// The types read and write their coding keys, so these must be the fields.
  @Test func theFieldsOfATypeAreItsCodingKeys() {
    func names(_ fields: [RecipeField]) -> [String] { fields.map(\.name) }
    func keys<Key: CodingKey & CaseIterable>(_ type: Key.Type) -> [String] {
      type.allCases.map(\.stringValue)
    }
    for family in Families.all {
      let own = keys(Recipe.CodingKeys.self).filter {
        $0 != "image" || family.settingsType.readsImages
      }
      #expect(names(Recipe.fields(of: family.settingsType)) == own)
    }
    #expect(names(ImageSettings.recipeFields) == keys(ImageSettings.CodingKeys.self))
    #expect(names(TrainingSettings.recipeFields) == keys(TrainingSettings.CodingKeys.self))
    #expect(names(PriorSettings.recipeFields) == keys(PriorSettings.CodingKeys.self))
    #expect(names(DPGANSettings.recipeFields) == keys(DPGANSettings.CodingKeys.self))
    #expect(
      names(DiscriminatorSchedule.Settings.recipeFields)
        == keys(DiscriminatorSchedule.Settings.CodingKeys.self))
    #expect(names(PixelModelSettings.recipeFields) == keys(PixelModelSettings.CodingKeys.self))
    #expect(names(DistilledSettings.recipeFields) == keys(DistilledSettings.CodingKeys.self))
    #expect(names(NestedModel.recipeFields) == keys(NestedModel.CodingKeys.self))
    #expect(names(MultiscaleSettings.recipeFields) == keys(MultiscaleSettings.CodingKeys.self))
    #expect(names(UpsamplerSettings.recipeFields) == keys(UpsamplerSettings.CodingKeys.self))
    #expect(names(TaughtSettings.recipeFields) == keys(TaughtSettings.CodingKeys.self))
    #expect(
      names(PrivateTeacherSettings.recipeFields) == keys(PrivateTeacherSettings.CodingKeys.self))
    #expect(
      PixelModelSettings.recipeFields.flatMap(\.formerNames)
        == keys(PixelModelSettings.FormerKeys.self))
  }

  @Test func aFormerSpellingIsReadInPlaceOfTheField() throws {
    for bench in Bench.all {
      let complete = RecipeValues(complete: bench.family)
      for (path, field) in bench.fields {
        for former in field.formerNames {
          let formerPath = String(path.dropLast(field.name.count)) + former
          let renamed = complete.with([path: nil, formerPath: complete.values[path]])
          let text = String(
            decoding: try JSONEncoder().encode(renamed.recipe()), as: UTF8.self)
          #expect(text.contains("\"\(field.name)\"") && !text.contains(former))
        }
      }
    }
    #expect(PixelModelSettings.fields.contains("level_octaves"))
  }

  @Test(arguments: Bench.all) func everyFieldHasAMeaningOfItsOwn(_ bench: Bench) {
    let model = bench.family.settingsType.recipeFields.flatMap { $0.all() }
    // Groups may share fields with one another: two networks have channels.
    for group in Dictionary(grouping: model, by: { $0.path.dropLast($0.field.name.count) }).values {
      #expect(Set(group.map(\.field.meaning)).count == group.count)
    }
    for (path, field) in bench.fields {
      #expect(field.meaning.hasSuffix("."), "\(path)")
      #expect(field.meaning.first?.isUppercase == true, "\(path)")
    }
  }

  @Test func everyFamilyIsAmongTheBenches() {
    #expect(Set(Bench.all.map { $0.family.family }) == Set(Families.all.map { $0.family }))
  }

  @Test func rangesAreWordedAsTheyAreChecked() {
    for (range, words) in [
      (RecipeRange(1...10_000_000), "1 to 10,000,000"), (RecipeRange(0.0...1.5), "0 to 1.5"),
      (RecipeRange(3...1024), "3 to 1024"), (.above(0), "above 0"),
      (.above(0, below: 1), "above 0, below 1"), (.atLeast(0), "0 or more"),
      (.atLeast(0, below: 12_345), "0 or more, below 12,345"),
    ] {
      #expect(range.words == words)
    }
  }
}
