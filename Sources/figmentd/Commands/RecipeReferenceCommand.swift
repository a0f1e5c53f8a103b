import ArgumentParser
import Models

/// Prints the recipe reference.
struct RecipeReferenceCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "recipe-reference",
    abstract: "Print every field of a recipe, with values, default and meaning, as Markdown.")

  func run() throws {
    try StandardOutput.write(RecipeReference.page)
  }
}
