import FoundationEssentials
import Testing

@testable import Models

/// The recipe reference, and the recipes that it describes.
@Suite struct RecipeReferenceTests {
  @Test func theCommittedPageIsTheGeneratedOne() throws {
    let page = try Repository.text("Documentation/Recipes.md")
    #expect(
      page == RecipeReference.page,
      "Regenerate it: figmentd recipe-reference > Documentation/Recipes.md")
  }

  /// The paths in the first column of the tables below a heading.
  private func listed(under heading: String) -> [String] {
    let lines = RecipeReference.page.split(separator: "\n")
    guard let start = lines.firstIndex(where: { $0.hasSuffix(heading) && $0.hasPrefix("#") }) else {
      return []
    }
    return lines[(start + 1)...].prefix { !$0.hasPrefix("#") }.filter { $0.hasPrefix("| `") }
      .map { line in String(line.dropFirst(3).prefix { $0 != "`" }) }
  }

  @Test func theTablesListEveryFieldAndNoOther() {
    #expect(
      listed(under: "Fields of every recipe") == Recipe.CodingKeys.allCases.map(\.stringValue))
    #expect(
      listed(under: "Under `image`") == ImageSettings.CodingKeys.allCases.map(\.stringValue))
    #expect(
      listed(under: "Under `training`") == TrainingSettings.CodingKeys.allCases.map(\.stringValue))
    for family in Families.all {
      let fields = family.settingsType.recipeFields.flatMap { $0.all() }
      #expect(listed(under: "for family `\(family.family)`") == fields.map(\.path))
    }
    #expect(listed(under: "for family `dp-gan`").contains("schedule.threshold"))
    #expect(listed(under: "for family `pixel`").contains("prior.source"))
    #expect(RecipeReference.page.contains("Former spelling: `level_octaves`."))
  }

  @Test func everyRowHasFourCells() {
    let rows = RecipeReference.page.split(separator: "\n").filter { $0.hasPrefix("|") }
    #expect(rows.count > 50)
    for row in rows { #expect(row.count { $0 == "|" } == 5, "\(row)") }
  }

  @Test func theExampleIsAValidRecipe() throws {
    let values = RecipeValues(yaml: RecipeReference.exampleRecipe)
    let recipe = try values.recipe()
    try recipe.validate(classes: ["a", "b"])
    #expect(Set(values.values.keys).isSubset(of: recipe.fields))
    #expect(RecipeReference.page.contains("```yaml\n\(RecipeReference.exampleRecipe)\n```"))
  }

  @Test func theShippedRecipesUseListedFieldsOnly() throws {
    let files = try FileManager.default.contentsOfDirectory(atPath: Repository.path("Models"))
      .filter { $0.hasSuffix(".yaml") && $0 != MeasurementTable.fileName }
    #expect(files.count >= 8)
    for file in files {
      let values = RecipeValues(yaml: try Repository.text("Models/\(file)"))
      let recipe = try values.recipe()
      #expect(recipe.name + ".yaml" == file)
      #expect(Set(values.values.keys).subtracting(recipe.fields) == [], "\(file)")
      try recipe.validate(classes: (0..<10).map { "\($0)" })
    }
  }
}
