import FoundationEssentials

@testable import Models

/// A recipe as paths with written values, for tests that change single ones.
struct RecipeValues {
  /// For example "training.steps": "3000".
  var values: [String: String]

  init(_ values: [String: String]) { self.values = values }

  /// Reads the subset of YAML in which recipes are written: indented groups of plain values.
  init(yaml: String) {
    values = [:]
    var groups: [(indent: Int, key: String)] = []
    for line in yaml.split(separator: "\n") {
      let indent = line.prefix { $0 == " " }.count
      let parts = line.prefix { $0 != "#" }.split(separator: ":", maxSplits: 1).map(Self.trimmed)
      guard let key = parts.first, !key.isEmpty else { continue }
      while let last = groups.last, last.indent >= indent { groups.removeLast() }
      if parts.count > 1, !parts[1].isEmpty {
        values[(groups.map(\.key) + [key]).joined(separator: ".")] = parts[1]
      } else {
        groups.append((indent, key))
      }
    }
  }

  /// A recipe with a value for every field, former spellings excepted.
  init(complete family: any GenerativeModel.Type) {
    values = [:]
    add(Recipe.fields(of: family.settingsType), under: "")
    values["family"] = family.family
  }

  private mutating func add(_ fields: [RecipeField], under prefix: String) {
    for field in fields {
      let path = prefix + field.name
      switch field.value {
      case .text: values[path] = "words"
      case .choice(let names): values[path] = names.first
      case .oneOf(let numbers): values[path] = numbers.first.map(String.init)
      case .integer(let range): values[path] = "\(Int(range.lower.value))"
      case .number: values[path] = "0.5"
      case .part(let parts):
        add(parts, under: path + ".")
        // Which fields a nested model has depends on its family: those of all families suit each of them.
        for family in Families.plain where parts.contains(where: { $0.name == "family" }) {
          add(family.settingsType.recipeFields, under: path + ".")
        }
      }
    }
  }

  /// The recipe with other values; nil removes one.
  func with(_ changes: [String: String?]) -> RecipeValues {
    var copy = self
    for (path, value) in changes { copy.values[path] = value }
    return copy
  }

  /// Decodes the recipe.
  func recipe() throws -> Recipe {
    try JSONDecoder().decode(Recipe.self, from: Data(Self.json(of: values).utf8))
  }

  private static func json(of values: [String: String]) -> String {
    let members = Dictionary(grouping: values) { String($0.key.prefix { $0 != "." }) }
    let texts = members.map { key, members in
      if let value = members.first(where: { $0.key == key })?.value {
        return "\"\(key)\":" + (isLiteral(value) ? value : "\"\(value)\"")
      }
      let parts = members.map { (String($0.key.dropFirst(key.count + 1)), $0.value) }
      return "\"\(key)\":" + json(of: Dictionary(uniqueKeysWithValues: parts))
    }
    return "{\(texts.joined(separator: ","))}"
  }

  private static func isLiteral(_ value: String) -> Bool { Double(value) != nil || value == "[]" }

  private static func trimmed(_ text: some StringProtocol) -> String {
    let start = text.drop { $0 == " " }
    return String(start.reversed().drop { $0 == " " }.reversed())
  }
}

extension RecipeField {
  /// The field and those that it groups, each with its path.
  func all(under prefix: String = "") -> [(path: String, field: RecipeField)] {
    [(prefix + name, self)] + parts.flatMap { $0.all(under: prefix + name + ".") }
  }
}

/// The files of the repository.
enum Repository {
  /// The path of a file or folder.
  static func path(_ name: String) -> String {
    "/" + #filePath.split(separator: "/").dropLast(3).joined(separator: "/") + "/" + name
  }

  /// The text of a file.
  static func text(_ name: String) throws -> String {
    try String(contentsOfFile: path(name), encoding: .utf8)
  }
}
