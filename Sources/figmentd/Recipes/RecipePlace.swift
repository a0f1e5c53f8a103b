import Control
import Glibc
import Models

/// Where a command finds a recipe: a file, or a name in a folder of recipes.
struct RecipePlace {
  /// The folder, in which weights lie that recipes start from.
  let folder: String
  /// The recipe.
  let recipe: Recipe

  /// Finds a recipe.
  ///
  /// - Parameters:
  ///   - named: a name, or the path of a YAML file.
  ///   - recipes: the folder that the caller named; nil for the usual ones.
  /// - Throws: `ControlError` for an unknown name, and for a file that is no recipe.
  init(_ named: String, recipes: String?, _ locations: Locations) throws {
    if named.contains("/") || named.hasSuffix(".yaml") {
      recipe = try RecipeLibrary.read(named)
      folder =
        named.lastIndex(of: "/").map { $0 == named.startIndex ? "/" : String(named[..<$0]) } ?? "."
      return
    }
    let folders = recipes.map { [$0] } ?? [locations.recipes, "Models"] + locations.checkouts
    folder = folders.first { access($0, R_OK) == 0 } ?? locations.recipes
    recipe = try RecipeLibrary(folder: folder).recipe(named: named)
  }
}
