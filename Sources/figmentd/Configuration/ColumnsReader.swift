import Control
import struct Datasets.ColumnDomain
import Runs
import Yams

/// Reads declarations of columns: the domain of each column of the table beside a dataset's images.
///
/// ```yaml
/// columns:
///   age: {minimum: 0, maximum: 120, bins: 12, integers: true}
///   site: {categories: [north, south], missing: false}
/// ```
extension ConfigurationNode {
  /// The largest number of categories or bins of a column, besides the code of missing values.
  private static let mostValues = ColumnDomain.maximumCodeCount - 1

  /// The columns of a mapping of names to domains, in its order.
  func columns() throws(ConfigurationError) -> [ColumnDomain] {
    let items = try mapping().all
    guard !items.isEmpty, items.count <= ColumnDomain.maximumColumnCount else {
      throw error(
        "\(items.count) columns (1 to \(ColumnDomain.maximumColumnCount) expected, each as 'name: {…}')."
      )
    }
    var columns: [ColumnDomain] = []
    for (name, node) in items {
      guard !columns.contains(where: { $0.name == name }) else {
        throw node.error("declared twice (one declaration of a column expected). Drop one.")
      }
      let column = try node.column(name)
      do { try ColumnDomain.check([column]) } catch { throw node.error(error.description) }
      columns.append(column)
    }
    return columns
  }

  /// The only value of a mapping, if its key is `key` and it is a mapping of mappings itself: declarations of columns
  /// that were copied out of a configuration with the line above them.
  fileprivate func wrapped(in key: String) -> ConfigurationNode? {
    guard let items = try? mapping().all, items.count == 1, items[0].key == key,
      let inner = try? items[0].value.mapping().all, !inner.isEmpty,
      inner.allSatisfy({ (try? $0.value.mapping()) != nil })
    else { return nil }
    return items[0].value
  }

  private func column(_ name: String) throws(ConfigurationError) -> ColumnDomain {
    var mapping = try mapping()
    let allowsMissing = try mapping.take("missing")?.boolean() ?? true
    let values: ColumnDomain.Values
    if let node = mapping.take("categories") {
      values = .categories(try node.words())
    } else if let node = mapping.take("minimum") {
      values = .numbers(
        minimum: try node.number(), maximum: try mapping.require("maximum").number(),
        bins: try mapping.require("bins").integer(in: 1...Self.mostValues),
        areIntegers: try mapping.take("integers")?.boolean() ?? false)
    } else {
      // A misspelt key is named before a missing one.
      try mapping.finish()
      throw error(
        "no domain ('categories: [a, b]', or 'minimum', 'maximum' and 'bins' expected). The domain is public: it is "
          + "never taken from the data.")
    }
    try mapping.finish()
    return ColumnDomain(name: name, values: values, allowsMissing: allowsMissing)
  }

  private func number() throws(ConfigurationError) -> Double {
    let text = try text()
    guard let number = Double(text), number.isFinite else {
      throw error("'\(text)' (a number expected).")
    }
    return number
  }
}

/// A file of declarations of columns, for runs without a configuration.
enum ColumnsFile {
  /// The columns that the file at `path` declares, in the form of the configuration's `columns`.
  ///
  /// - Throws: `ConfigurationError` with file and line, or an error of the file.
  static func read(_ path: String) throws -> [ColumnDomain] {
    let text = String(decoding: try DurableFile.read(path), as: UTF8.self)
    let root: Node?
    do {
      root = try compose(yaml: text)
    } catch let error as YamlError {
      throw ConfigurationReader.error(error, in: path)
    }
    guard let root else {
      throw ConfigurationError(
        file: path, line: nil, message: "empty (lines like 'age: {minimum: 0, …}' expected).")
    }
    let columns = ConfigurationNode(node: root, file: path, place: "")
    return try (columns.wrapped(in: "columns") ?? columns).columns()
  }
}
