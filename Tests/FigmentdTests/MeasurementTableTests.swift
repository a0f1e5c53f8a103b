import Control
import Foundation
import Testing

@testable import Models
@testable import Runs
@testable import figmentd

/// The shipped table of measured runs, and the shipped recipes that it speaks of.
@Suite struct MeasurementTableTests {
  private static let folder = ShippedModels.folder

  private static func table() throws -> MeasurementTable { try AdviceLibrary.readTable(in: folder) }

  /// The lines of a recipe's file that begin with #.
  private static func header(_ recipe: String) throws -> String {
    String(decoding: try DurableFile.read("\(folder)/\(recipe).yaml"), as: UTF8.self)
      .split(separator: "\n").filter { $0.hasPrefix("#") }.map { $0.dropFirst() }
      .joined(separator: " ")
  }

  /// All numbers in a text; a comma followed by three digits separates thousands.
  private static func numbers(in text: String) -> Set<Double> {
    let plain = text.replacing(/(\d),(\d{3})/) { "\($0.1)\($0.2)" }
      .replacing(/(\d),(\d{3})/) { "\($0.1)\($0.2)" }
    return Set(plain.matches(of: /\d+(?:\.\d+)?(?:e-?\d+)?/).compactMap { Double($0.0) })
  }

  private static func recipe(_ name: String) throws -> Recipe {
    try RecipeLibrary(folder: folder).recipe(named: name)
  }

  @Test func theTableIsNoRecipe() throws {
    let names = try RecipeLibrary(folder: Self.folder).names()
    #expect(names.contains("pixel-28-private") && !names.contains("measurements"))
    let families = try RecipeLibrary(folder: Self.folder).summaries().map(\.family)
    #expect(!families.contains("?"))
    #expect(throws: ControlError.self) { try Self.recipe("measurements") }
  }

  @Test func everyRowIsOfAShippedRecipeOfThatForm() throws {
    let rows = try Self.table().rows
    #expect(rows.count >= 16)
    for row in rows {
      let recipe = try Self.recipe(row.recipe)
      #expect(row.isOf(recipe), "\(row.words)")
      #expect(row.epsilon == nil || recipe.privacy != Recipe.PrivacyUse.none, "\(row.words)")
    }
    #expect(Set(rows).count == rows.count, "no row is there twice")
  }

  @Test func whatARowChangesMakesALegalRecipe() throws {
    for row in try Self.table().rows {
      var changes = row.settings ?? [:]
      changes["training.batch_size"] = row.batchSize.map { Double($0) }
      changes["training.steps"] = row.steps.map { Double($0) }
      let changed = try Self.changed(Self.recipe(row.recipe), by: changes)
      try changed.validate(classes: (0..<row.classes).map { "\($0)" })
    }
  }

  /// A recipe with other values at some paths.
  private static func changed(_ recipe: Recipe, by changes: [String: Double]) throws -> Recipe {
    var values = try #require(
      try JSONSerialization.jsonObject(with: JSONEncoder().encode(recipe)) as? [String: Any])
    for (path, value) in changes {
      #expect(recipe.fields.contains(path), "\(recipe.name): \(path)")
      values = set(value, at: path.split(separator: ".").map { String($0) }, in: values)
    }
    return try JSONDecoder().decode(
      Recipe.self, from: JSONSerialization.data(withJSONObject: values))
  }

  private static func set(
    _ value: Double, at path: [String], in values: [String: Any]
  ) -> [String: Any] {
    var values = values
    if path.count == 1 {
      values[path[0]] = value == value.rounded() ? Int(value) as Any : value
    } else {
      values[path[0]] = set(
        value, at: Array(path.dropFirst()), in: values[path[0]] as? [String: Any] ?? [:])
    }
    return values
  }

  @Test func everyFigureOfARowIsInTheHeaderOfItsRecipe() throws {
    for row in try Self.table().rows {
      let recipe = try Self.recipe(row.recipe)
      let stated = Self.numbers(in: try Self.header(row.recipe))
      var figures = [
        row.epsilon, row.delta, row.accuracy, row.real, row.baseline, row.bitsPerDimension,
        row.drawn.map { Double($0) },
      ]
      figures += (row.interval ?? []).map { $0 }
      figures += row.epsilon == nil ? [] : [Double(row.images)]
      figures += (row.settings ?? [:]).values.map { $0 }
      if let batch = row.batchSize, batch != recipe.training.batchSize {
        figures.append(Double(batch))
      }
      if let steps = row.steps, steps != recipe.training.steps { figures.append(Double(steps)) }
      for figure in figures.compactMap({ $0 }) {
        #expect(
          stated.contains(figure),
          "Models/\(row.recipe).yaml does not state \(figure): \(row.words)")
      }
    }
  }

  /// An accuracy with an interval, `96.5 % (96.1 to 96.8`, and bits per dimension.
  @Test func everyMeasuredFigureOfAHeaderHasARow() throws {
    let rows = try Self.table().rows
    // Advice is for images; the figures of tables are in Benchmarks/tables.
    for name in try RecipeLibrary(folder: Self.folder).names()
    where try Self.recipe(name).model.readsImages {
      let header = try Self.header(name)
      let own = rows.filter { $0.recipe == name }
      let found = header.replacing(/\s+/) { _ in " " }
      for match in found.matches(
        of: /(\d+(?:\.\d)?) %[^%(;]*\((?:95 % interval )?(\d+(?:\.\d)?) to (\d+(?:\.\d)?)/)
      {
        let figures = [match.1, match.2, match.3].compactMap { Double($0) }
        #expect(
          own.contains { [$0.accuracy ?? -1] + ($0.interval ?? []) == figures },
          "Models/measurements.yaml has no row for \(name): \(match.0)")
      }
      let isUnmeasured = /not been measured yet|there are no figures/
      #expect(
        own.isEmpty == found.contains(isUnmeasured),
        "\(name): a row for what was measured, or a header that says that nothing was")
    }
  }

  /// Entries on one set can only be compared if they agree about it.
  @Test func rowsOfOneSetAgreeAboutItsClasses() throws {
    for (data, rows) in Dictionary(grouping: try Self.table().rows, by: \.data) {
      #expect(Set(rows.map(\.classes)).count == 1, "\(data)")
    }
  }

  /// `5,000 images of MNIST` and `MNIST` are the same images, fewer of them.
  private static func source(_ data: String) -> String {
    data.replacing(#/^[0-9,]+ images of /#, with: "")
  }

  @Test func noMeasuredFallIsSteeperThanAnExtrapolation() throws {
    let table = try Self.table()
    var pairs = 0
    for name in Set(table.rows.map(\.recipe)) {
      let recipe = try Self.recipe(name)
      let rows = table.rows(of: recipe)
      for weak in rows {
        for strong in rows
        where Self.source(strong.data) == Self.source(weak.data)
          && strong.batchSize == weak.batchSize && strong.steps == weak.steps
        {
          guard let low = weak.signal, let high = strong.signal, high > 1.9 * low,
            let least = table.share(of: weak), let most = table.share(of: strong)
          else { continue }
          let fall = (most - least) / log2(high / low)
          pairs += 1
          #expect(
            fall < MeasurementTable.fallPerHalving,
            "\(name): \(weak.words) after \(strong.words)")
        }
      }
    }
    #expect(pairs >= 5)
  }

  @Test func theMakefileInstallsTheTableWithTheRecipes() throws {
    let lines = try SourceFiles.document("Makefile").split(separator: "\n")
    #expect(
      lines.contains {
        $0.contains("install -m 0644 Models/*.yaml") && $0.contains("share/figment/Models")
      })
    #expect(MeasurementTable.fileName.hasSuffix(".yaml"))
  }
}

/// Tables that an administrator changed.
@Suite struct ForeignTableTests {
  private let scratch = ScratchFolder()

  private static let row = """
    measurements:
      - {recipe: tiny, family: dp-gan, height: 8, width: 8, channels: 1, data: shapes, images: 64,
         classes: 8, epsilon: 4, delta: 1.0e-5, accuracy: 40}
    """

  private func library(_ table: String?) throws -> AdviceLibrary {
    try scratch.write("recipes/tiny.yaml", RunBench.recipe(side: 8, steps: 2))
    try scratch.write("recipes/bad.yaml", "name: bad")
    if let table { try scratch.write("recipes/measurements.yaml", table) }
    return try AdviceLibrary(RecipeLibrary(folder: scratch.path + "/recipes"))
  }

  @Test func aLibraryHasRecipesThatCanBeReadAndTheTable() throws {
    let library = try library(Self.row)
    #expect(library.recipes.map(\.name) == ["tiny"])
    #expect(library.table.rows.map(\.accuracy) == [40])
    #expect(library.remark == nil)
    #expect(try self.library(nil).recipes.count == 1)
  }

  @Test func aFolderWithoutATableHasNoMeasuredRuns() throws {
    let library = try library(nil)
    #expect(library.table.rows.isEmpty && library.remark == nil)
  }

  @Test func whatCannotBeUsedIsAProblemOfTheFolder() throws {
    _ = try library(Self.row)
    let folder = scratch.path + "/recipes"
    let problems = RecipeLibrary(folder: folder).problems()
    #expect(problems.count == 1 && problems[0].contains("bad.yaml"))
    _ = try library(Self.row.replacing("accuracy: 40", with: "accuracy: 140"))
    let both = RecipeLibrary(folder: folder).problems()
    #expect(both.count == 2 && both[1].contains("not a percentage"))
    let none = RecipeLibrary(folder: folder + "/tiny.yaml").problems()
    #expect(none.count == 1 && none[0].contains("cannot be read"))
    let missing = RecipeLibrary(folder: folder + "/absent").problems()
    #expect(missing.count == 1 && missing[0].contains("there is none"))
    #expect(RecipeLibrary(folder: ShippedModels.folder).problems().isEmpty)
  }

  @Test(arguments: [
    ("accuracy: 40", "acuracy: 40", "field 'acuracy': unknown. Did you mean 'accuracy'?"),
    ("accuracy: 40", "accuracy: 140", "not a percentage"),
    ("images: 64,", "", "field 'measurements[0].images' is missing"),
    ("measurements:", "measurement:", "Did you mean 'measurements'?"),
    ("measurements:", "measurements: {", "not valid YAML"),
  ])
  func aDamagedTableIsToldAndHidesNoRecipe(_ part: String, _ other: String, _ words: String) throws
  {
    let library = try library(Self.row.replacing(part, with: other))
    #expect(library.recipes.map(\.name) == ["tiny"])
    #expect(library.table.rows.isEmpty)
    #expect(library.remark?.hasPrefix("Measured runs are not considered. ") == true)
    #expect(library.remark?.contains(words) == true, "\(library.remark ?? "")")
  }
}
