import Control
import FoundationEssentials
import Glibc
import Models
import Runs
import Yams

/// The recipes that requests may name: one YAML file each in the configured folder, beside the table of measured
/// runs.
struct RecipeLibrary: Sendable {
  /// The folder.
  let folder: String

  /// The names of all recipes, sorted.
  func names() throws -> [String] {
    try DurableFile.names(in: folder)
      .filter { $0.hasSuffix(".yaml") && $0 != MeasurementTable.fileName }
      .map { String($0.dropLast(5)) }
  }

  /// Reads the recipe with a name.
  func recipe(named name: String) throws -> Recipe {
    let names = try names()
    guard names.contains(name) else {
      throw ControlError.notFound(
        ControlError.unknown("recipe", name, among: names).message + " The folder is \(folder).")
    }
    return try Self.read("\(folder)/\(name).yaml")
  }

  /// Summaries of all recipes for lists; an unreadable recipe is listed with the reason and hides no other.
  func summaries() throws -> [RecipeSummary] {
    try names().map { name in
      do {
        let recipe = try recipe(named: name)
        return RecipeSummary(
          name: name, family: recipe.family, width: recipe.image.width, height: recipe.image.height,
          channels: recipe.image.channels, summary: recipe.summary)
      } catch {
        return RecipeSummary(
          name: name, family: "?", width: 0, height: 0, channels: 0,
          summary: "Cannot be used: \(ControlError(error).message)")
      }
    }
  }

  /// Reads one file; an unknown key is an error.
  static func read(_ path: String) throws -> Recipe {
    let text: String
    do {
      text = String(decoding: try DurableFile.read(path), as: UTF8.self)
    } catch let error as SystemCallError {
      throw ControlError.notFound(
        "recipe \(path): cannot be read (\(String(cString: strerror(error.code)))).")
    }
    do {
      let recipe = try YAMLDecoder().decode(Recipe.self, from: text)
      try refuseUnknownFields(in: text, of: recipe)
      return recipe
    } catch let error as RecipeFailure {
      throw ControlError.invalid("\(path): \(error.description)")
    } catch let error as ControlError {
      throw ControlError.invalid("recipe \(path): \(error.message)")
    } catch let error as DecodingError {
      throw ControlError.invalid("recipe \(path): \(describe(error))")
    } catch let error as YamlError {
      throw ControlError.invalid("recipe \(path): not valid YAML: \(error.words)")
    }
  }

  private static func refuseUnknownFields(in text: String, of recipe: Recipe) throws {
    guard let root = try Yams.compose(yaml: text) else { return }
    try refuseUnknownFields(in: root, under: "", among: recipe.fields)
  }

  private static func refuseUnknownFields(
    in node: Node, under prefix: String, among fields: [String]
  ) throws {
    guard let mapping = node.mapping else { return }
    for (key, value) in mapping {
      let path = prefix + (key.string ?? "?")
      if fields.contains(path) { continue }
      guard fields.contains(where: { $0.hasPrefix(path + ".") }) else {
        let known = fields.filter { $0.hasPrefix(prefix) }.map { field in
          prefix + field.dropFirst(prefix.count).prefix { $0 != "." }
        }
        throw ControlError.unknown("field", path, among: Set(known).sorted())
      }
      try refuseUnknownFields(in: value, under: path + ".", among: fields)
    }
  }

  static func describe(_ error: DecodingError) -> String {
    switch error {
    case .keyNotFound(let key, let context):
      "field '\(path(context.codingPath + [key]))' is missing. Add it."
    case .typeMismatch(_, let context), .valueNotFound(_, let context), .dataCorrupted(let context):
      if let error = context.underlyingError as? YamlError {
        "not valid YAML: \(error.words)"
      } else if context.codingPath.isEmpty {
        "the file as a whole: \(context.debugDescription)"
      } else {
        "field '\(path(context.codingPath))': \(context.debugDescription)"
      }
    @unknown default: ErrorWords.text(of: error)
    }
  }

  /// The keys on the way to a value, `measurements[0].images`.
  private static func path(_ keys: [any CodingKey]) -> String {
    keys.reduce(into: "") { path, key in
      if let place = key.intValue {
        path += "[\(place)]"
      } else {
        path += (path.isEmpty ? "" : ".") + key.stringValue
      }
    }
  }

  /// What in the folder cannot be used, a sentence each: recipes, the table of measured runs, or all of it.
  func problems() -> [String] {
    do {
      let names = try names()
      if names.isEmpty {
        return ["recipes \(folder): there is none (files NAME.yaml expected). Correct 'recipes'."]
      }
      let recipes = names.compactMap { name -> String? in
        do {
          _ = try recipe(named: name)
          return nil
        } catch { return ControlError(error).message }
      }
      return recipes + [try AdviceLibrary(self).remark].compactMap { $0 }
    } catch {
      return ["recipes \(folder): cannot be read. \(ControlError(error).message)"]
    }
  }
}
