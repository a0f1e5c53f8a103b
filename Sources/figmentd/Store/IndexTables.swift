import Control
import Datasets
import FoundationEssentials
import GRDB

/// The tables of the index of files.
enum IndexTables {
  /// Checks a database, and creates its tables if they are missing or of another version.
  ///
  /// - Throws: `DatabaseError` with `SQLITE_CORRUPT` if it is damaged.
  static func prepare(_ database: Database, version: Int) throws {
    let findings = try String.fetchAll(database, sql: "PRAGMA quick_check(1)")
    guard findings == ["ok"] else {
      throw DatabaseError(
        resultCode: .SQLITE_CORRUPT, message: findings.first ?? "no answer from a check")
    }
    let found = try Int.fetchOne(database, sql: "PRAGMA user_version") ?? 0
    guard found != version else {
      // Another version of the daemon may be able to decode a file that failed to decode.
      try database.execute(sql: "UPDATE file SET detail = NULL WHERE detail IS NOT NULL")
      return
    }
    let earlier = found == 2 ? try filesOfVersion2(database) : []
    try database.execute(sql: "DROP TABLE IF EXISTS file; DROP TABLE IF EXISTS root")
    try database.execute(
      sql: """
        CREATE TABLE file (
          dataset TEXT NOT NULL, path TEXT NOT NULL, class TEXT, verdict TEXT NOT NULL,
          reason TEXT, width INTEGER, height INTEGER, hash BLOB,
          device INTEGER NOT NULL, inode INTEGER NOT NULL, bytes INTEGER NOT NULL,
          modified INTEGER NOT NULL, changed INTEGER NOT NULL, detail TEXT, person BLOB,
          brightest INTEGER, remarks INTEGER NOT NULL DEFAULT 0,
          PRIMARY KEY (dataset, path)) STRICT, WITHOUT ROWID;
        CREATE INDEX file_hash ON file (dataset, hash) WHERE hash IS NOT NULL;
        CREATE INDEX file_person ON file (dataset, person) WHERE person IS NOT NULL;
        CREATE TABLE root (dataset TEXT PRIMARY KEY NOT NULL, path TEXT NOT NULL)
          STRICT, WITHOUT ROWID;
        PRAGMA user_version = \(version)
        """)
    try insert(earlier, into: database)
  }

  /// The rows of version 2: the files are known, but will be read again.
  ///
  /// Its decoders had fewer formats and other limits, and did not record the brightness. The rows lose
  /// their hashes, so that none counts as read.
  private static func filesOfVersion2(_ database: Database) throws -> [(String, IndexedFile)] {
    let sql = "SELECT *, NULL AS detail, NULL AS brightest, 0 AS remarks FROM file"
    return try Row.fetchAll(database, sql: sql).map {
      var file = try IndexedFile($0)
      file.contentHash = nil
      return (try $0.value("dataset"), file)
    }
  }

  /// Writes rows and replaces those with the same paths.
  static func insert(_ files: [(dataset: String, file: IndexedFile)], into database: Database)
    throws
  {
    let insert = try database.makeStatement(
      sql: "INSERT OR REPLACE INTO file VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
    for (dataset, file) in files {
      try insert.execute(arguments: [
        dataset, file.row.path, file.row.className, file.row.verdict, file.row.reason,
        file.row.width, file.row.height, file.contentHash,
        Int64(bitPattern: file.signature.device), Int64(bitPattern: file.signature.inode),
        file.signature.size, file.signature.modified, file.signature.changed, file.detail,
        file.person, file.brightest, Int64(file.remarks.rawValue),
      ])
    }
  }
}

extension IndexedFile {
  /// The folder that represents a person, if the file is that deep.
  var person: Data? { RelativePath(row.path).person.map { Data($0) } }

  /// Reads a row; the types of its columns are checked, because the file may be damaged.
  init(_ row: Row) throws {
    let bytes: Int64 = try row.value("bytes")
    self.init(
      row: FileRow(
        path: try row.value("path"), className: try row.optionalValue("class"),
        bytes: Int(bytes), verdict: try row.value("verdict"),
        reason: try row.optionalValue("reason"), width: try row.optionalValue("width"),
        height: try row.optionalValue("height")),
      signature: FileSignature(
        device: UInt64(bitPattern: try row.value("device")),
        inode: UInt64(bitPattern: try row.value("inode")), size: bytes,
        modified: try row.value("modified"), changed: try row.value("changed")),
      contentHash: try row.optionalValue("hash"), detail: try row.optionalValue("detail"),
      brightest: try row.optionalValue("brightest"),
      remarks: DecodeRemarks(
        rawValue: UInt32(truncatingIfNeeded: try row.value("remarks") as Int64)))
  }
}

extension Row {
  /// The value of a column; a missing value or another type means a damaged file.
  func value<Value: DatabaseValueConvertible>(_ column: String) throws -> Value {
    guard let value: Value = try optionalValue(column) else {
      throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: "no value of column \(column)")
    }
    return value
  }

  /// The value of a column; nil for none.
  func optionalValue<Value: DatabaseValueConvertible>(_ column: String) throws -> Value? {
    guard let stored = self[column] as DatabaseValue?, !stored.isNull else { return nil }
    guard let value = Value.fromDatabaseValue(stored) else {
      throw DatabaseError(
        resultCode: .SQLITE_CORRUPT, message: "column \(column) of another type")
    }
    return value
  }
}
