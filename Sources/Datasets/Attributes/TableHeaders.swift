/// What is wrong with the headers of tables.
public struct HeaderProblem: Hashable, Sendable {
  /// What was found, what was expected, and what to do.
  public let finding: String
  /// The table; nil if the problem is that of all tables.
  ///
  /// For the owner alone: its name may be that of a person.
  public let place: String?
}

extension DatasetRules {
  /// What is wrong with the headers of the tables in a root, so that no run could read them; nil if nothing is, or if no
  /// columns are declared.
  ///
  /// No row is looked at. Lines of JSON have no header.
  ///
  /// - Throws: `DatasetError` if the root cannot be read.
  public func problemOfHeaders(in root: String) throws -> HeaderProblem? {
    guard !columns.isEmpty else { return nil }
    return try problemOfHeaders(
      of: TableSnapshotBuilder(root: root, rules: self).tables(), in: root)
  }

  /// The same for tables that are known to be in the root.
  public func problemOfHeaders(
    of tables: [RelativePath], in root: String
  ) throws -> HeaderProblem? {
    do {
      let own = tables.filter(\.isAttributeFile)
      guard !tables.isEmpty else {
        throw TableProblem(
          finding:
            "columns are declared, and the root has no table of them (metadata.csv or metadata.jsonl beside images, "
            + "*.csv or *.jsonl without images expected). Add one")
      }
      guard own.count <= 1 else { throw TableProblem(finding: ImageAttributes.bothTables) }
      let directory = try Directory.root(root)
      for table in own.isEmpty ? tables : own {
        guard TableFormat(name: table.bytes) == .csv else { continue }
        try TableProblem.naming(table) {
          let file = try TableFile(
            table.bytes, in: directory, rules: self, limits: .standard, isSettled: { _, _ in true })
          let more = own.isEmpty ? personColumn.map { [$0] } ?? [] : [AttributeFile.fileName]
          try TableStream(file, format: .csv, columns: columns.map(\.name) + more)
            .requireAllColumns()
        }
      }
      return nil
    } catch let problem as TableProblem {
      return HeaderProblem(finding: problem.finding, place: problem.place)
    }
  }
}
