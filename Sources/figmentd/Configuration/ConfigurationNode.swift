import Control
import Yams

/// A node of a configuration file, with its line and its path of keys.
struct ConfigurationNode {
  let node: Node
  let file: String
  /// The path of keys, such as `datasets.faces.policy`.
  let place: String

  /// Creates an error at this node.
  func error(_ message: String) -> ConfigurationError {
    ConfigurationError(file: file, line: node.mark?.line, message: "\(place): \(message)")
  }

  /// Returns the keys and values of this node.
  ///
  /// - Throws: `ConfigurationError` if the node is not a mapping.
  func mapping() throws(ConfigurationError) -> ConfigurationMapping {
    if node.mapping == nil, node.scalar?.string.isEmpty ?? false {
      return ConfigurationMapping(at: self, items: [])
    }
    guard let mapping = node.mapping else {
      throw error("not a mapping (lines like 'key: value' expected).")
    }
    var items: [(key: String, value: ConfigurationNode)] = []
    for (key, value) in mapping {
      guard let name = key.scalar?.string else {
        throw error("a key is not a word (lines like 'key: value' expected).")
      }
      let path = place.isEmpty ? name : "\(place).\(name)"
      items.append((name, ConfigurationNode(node: value, file: file, place: path)))
    }
    return ConfigurationMapping(at: self, items: items)
  }

  /// Returns the word or number of this node.
  func text() throws(ConfigurationError) -> String {
    guard let text = node.scalar?.string, !text.isEmpty else {
      throw error("empty, or not a single value (one value expected).")
    }
    return text
  }

  /// Returns a whole number in a range.
  func integer(in range: ClosedRange<Int>) throws(ConfigurationError) -> Int {
    let text = try text()
    guard let number = Int(text), range.contains(number) else {
      throw error(
        "'\(text)' (a whole number from \(range.lowerBound) to \(range.upperBound) expected).")
    }
    return number
  }

  /// Returns a finite number above 0.
  func positiveNumber() throws(ConfigurationError) -> Double {
    let text = try text()
    guard let number = Double(text), number.isFinite, number > 0 else {
      throw error("'\(text)' (a number above 0 expected).")
    }
    return number
  }

  /// Returns `true` or `false`.
  func boolean() throws(ConfigurationError) -> Bool {
    let text = try text()
    guard let value = ["true": true, "false": false][text] else {
      throw error("'\(text)' (true or false expected).")
    }
    return value
  }

  /// Returns one of the words of an enumeration.
  func choice<Choice: CaseIterable & RawRepresentable<String>>(
    of type: Choice.Type
  ) throws(ConfigurationError) -> Choice {
    let text = try text()
    if let choice = Choice(rawValue: text) { return choice }
    let words = Choice.allCases.map(\.rawValue)
    let near = Spelling.nearest(to: text, among: words).map { " Did you mean '\($0)'?" } ?? ""
    throw error("'\(text)' (\(words.joined(separator: ", ")) expected).\(near)")
  }

  /// Returns an absolute path without `.`, `..` and a trailing slash.
  func absolutePath() throws(ConfigurationError) -> String {
    let text = try text()
    let parts = text.split(separator: "/")
    guard text.hasPrefix("/"), !parts.contains(".."), !parts.contains(".") else {
      throw error("'\(text)' (an absolute path without '.' and '..' expected).")
    }
    return "/" + parts.joined(separator: "/")
  }

  /// Returns a list of words.
  func words() throws(ConfigurationError) -> [String] {
    guard let sequence = node.sequence else { throw error("not a list ([a, b] expected).") }
    var words: [String] = []
    var seen: Set<String> = []
    for element in sequence {
      let word = try ConfigurationNode(node: element, file: file, place: place).text()
      guard seen.insert(word).inserted else {
        throw error("'\(word)' occurs twice (distinct words expected). Drop one.")
      }
      words.append(word)
    }
    guard !words.isEmpty else { throw error("empty (at least one word expected).") }
    return words
  }
}

/// The keys of a mapping; each may be taken once, and a key that is not taken is an error.
struct ConfigurationMapping {
  private let origin: ConfigurationNode
  private var items: [(key: String, value: ConfigurationNode)]
  private var known: [String] = []

  init(at origin: ConfigurationNode, items: [(key: String, value: ConfigurationNode)]) {
    self.origin = origin
    self.items = items
  }

  /// All keys and values, for a mapping whose keys are names.
  var all: [(key: String, value: ConfigurationNode)] { items }

  /// Returns the value of a key, or nil if it is missing.
  mutating func take(_ key: String) -> ConfigurationNode? {
    known.append(key)
    guard let index = items.firstIndex(where: { $0.key == key }) else { return nil }
    return items.remove(at: index).value
  }

  /// Returns the value of a required key.
  mutating func require(_ key: String) throws(ConfigurationError) -> ConfigurationNode {
    if let value = take(key) { return value }
    // A key that resembles the missing one is a misspelling of it; do not report it as well.
    items.removeAll { Spelling.nearest(to: $0.key, among: [key]) == nil }
    try finish()
    throw origin.error("'\(key)' is missing. Add it.")
  }

  /// Refuses keys that were not taken.
  func finish() throws(ConfigurationError) {
    guard let item = items.first else { return }
    let hint: String
    if let near = Spelling.nearest(to: item.key, among: known) {
      hint = "Did you mean '\(near)'?"
    } else {
      hint = "Known: \(known.sorted().joined(separator: ", "))."
    }
    let message = "key '\(item.value.place)': unknown. \(hint)"
    throw ConfigurationError(
      file: origin.file, line: item.value.node.mark?.line, message: message)
  }
}
