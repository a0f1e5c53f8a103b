internal import FoundationEssentials

extension SnapshotPacker {
  /// Packs rows without pixels, in their order; everything is written as it is computed.
  func finish(_ rows: TableRows, columns: [ColumnDomain], unit: PrivacyUnit) throws {
    let classes = [DatasetRules.singleClass]
    let description = try JSONEncoder.sorted.encode(
      SnapshotDescription(classes: classes, transform: .noPixels, columns: columns))
    let units = rows.units()
    let header = SnapshotHeader(
      shape: .noPixels, classCount: classes.count, unit: unit, count: rows.order.count,
      unitCount: units.count, descriptionSize: description.count,
      digest: try SnapshotDigest.digest(of: rows, columns: columns, unit: unit),
      columnCount: columns.count)
    try finish(header) { out in
      for _ in rows.order { try out.put(littleEndian: 0) }
      for place in rows.order.indices { try out.put(littleEndian: units.number(place)) }
      for row in rows.order { try out.put(rows.store.hash(of: Int(row))) }
      for row in rows.order { try out.put(rows.store.bytes(of: Int(row))) }
      try out.put(Array(description))
    }
  }
}

extension SnapshotDigest {
  /// The digest of a set of rows: equal for the same rows, persons and columns, whatever their order and tables.
  static func digest(
    of rows: TableRows, columns: [ColumnDomain], unit: PrivacyUnit
  ) throws -> ContentHash {
    let function = SHA256()
    let declaration = try JSONEncoder.sorted.encode(columns)
    let title = Array("figment set of rows 1".utf8)
    for part in [title, Array(unit.rawValue.utf8), Array(declaration)] {
      var sized: [UInt8] = []
      sized.append(littleEndian: UInt64(part.count))
      function.update(sized + part)
    }
    for row in rows.order {
      function.update(rows.store.bytes(of: Int(row)))
      if let person = rows.personHash(of: row) { person.withUnsafeBytes { function.update($0) } }
    }
    return function.finish()
  }
}
