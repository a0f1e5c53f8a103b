import Control
import Datasets
import FoundationEssentials
import GRDB

/// A file as it was when it was looked at.
struct IndexedFile: Hashable, Sendable {
  /// The path below the root, the class, the size and the verdict.
  var row: FileRow
  /// What must be unchanged for the verdict to hold.
  var signature: FileSignature
  /// The SHA-256 of the content, when it was read.
  var contentHash: Data?
  /// Its brightest sample, 0...255, when it was decoded.
  var brightest: Int?
}

/// Counts of a dataset's files.
struct FileCounts: Hashable, Sendable {
  var usable = 0
  var rejected = 0
  var duplicates = 0
  var bytes = 0
  var classes: [ClassCount] = []
}

/// What is known of the files below the roots, so that a restart need not decode them again.
///
/// Not the truth: the files are. The index may be deleted at any time and is made anew when it
/// cannot be read or another version of the daemon wrote it.
struct ImageIndex: Sendable {
  private let database: DatabaseQueue

  /// The shape of the tables; a file with another number is thrown away.
  private static let version = 3
  /// The verdict of a file that can be learned from.
  static let usableVerdict = "ok"
  /// The verdict of a file whose content is there already.
  static let duplicateVerdict = "duplicate"

  /// The verdicts of files that are left out on purpose: nobody has to mend them.
  private static let passedOver: Set = ["ignored", "vanished", "beyondUnitLimit"]

  /// What a query may call the files that it asks for.
  static let verdicts =
    [usableVerdict, "rejected"]
    + ImageVerdict.codes.filter { $0 != ImageVerdict.accepted.code }.sorted()

  /// Refuses a verdict that no file can have.
  static func check(verdict: String) throws(ControlError) {
    guard !verdicts.contains(verdict) else { return }
    throw .misspelt("verdict", verdict, among: verdicts)
  }

  /// Opens the index, or starts a new one.
  init(path: String) throws {
    do {
      database = try Self.open(path)
    } catch is DatabaseError {
      for suffix in ["", "-wal", "-shm"] { try Self.remove(path + suffix) }
      database = try Self.open(path)
    }
  }

  private static func remove(_ path: String) throws {
    guard FileManager.default.fileExists(atPath: path) else { return }
    try FileManager.default.removeItem(atPath: path)
  }

  private static func open(_ path: String) throws -> DatabaseQueue {
    var configuration = GRDB.Configuration()
    // Another reader of the same file is waited for.
    configuration.busyMode = .timeout(10)
    configuration.prepareDatabase { database in
      // Losing the newest rows with the power costs a rescan, nothing else.
      try database.execute(sql: "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL")
    }
    let queue = try DatabaseQueue(path: path, configuration: configuration)
    try queue.write { database in
      let found = try Int.fetchOne(database, sql: "PRAGMA user_version") ?? 0
      if found != version {
        try database.execute(sql: "DROP TABLE IF EXISTS file")
        try database.execute(
          sql: """
            CREATE TABLE file (
              dataset TEXT NOT NULL, path TEXT NOT NULL, class TEXT, verdict TEXT NOT NULL,
              reason TEXT, width INTEGER, height INTEGER, hash BLOB,
              device INTEGER NOT NULL, inode INTEGER NOT NULL, bytes INTEGER NOT NULL,
              modified INTEGER NOT NULL, changed INTEGER NOT NULL, brightest INTEGER,
              PRIMARY KEY (dataset, path)) WITHOUT ROWID;
            PRAGMA user_version = \(version)
            """)
      }
    }
    return queue
  }

  /// All that is known of a dataset's files, by path.
  func files(of dataset: String) throws -> [String: IndexedFile] {
    try database.read { database in
      let rows = try Row.fetchCursor(
        database, sql: "SELECT * FROM file WHERE dataset = ?", arguments: [dataset])
      var files: [String: IndexedFile] = [:]
      while let row = try rows.next() {
        let file = Self.file(row)
        files[file.row.path] = file
      }
      return files
    }
  }

  /// Makes a dataset's files those that a scan found; rows that are as they were are not written.
  func replace(_ files: [IndexedFile], of dataset: String) throws {
    var gone = try self.files(of: dataset)
    var written: [IndexedFile] = []
    for file in files {
      if gone.removeValue(forKey: file.row.path) != file { written.append(file) }
    }
    try database.write { database in
      let delete = try database.makeStatement(
        sql: "DELETE FROM file WHERE dataset = ? AND path = ?")
      for path in gone.keys { try delete.execute(arguments: [dataset, path]) }
      let insert = try database.makeStatement(
        sql: "INSERT OR REPLACE INTO file VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
      for file in written {
        try insert.execute(arguments: [
          dataset, file.row.path, file.row.className, file.row.verdict, file.row.reason,
          file.row.width, file.row.height, file.contentHash,
          Int64(bitPattern: file.signature.device), Int64(bitPattern: file.signature.inode),
          file.signature.size, file.signature.modified, file.signature.changed,
          file.brightest,
        ])
      }
    }
  }

  /// A page of a dataset's files in the order of their paths.
  func page(of dataset: String, _ query: FileQuery) throws -> FilePage {
    var condition = "dataset = ? AND path > ?"
    var arguments: StatementArguments = [dataset, query.after ?? ""]
    switch query.verdict {
    case nil: break
    case "rejected":
      condition += " AND verdict <> ?"
      arguments += [Self.usableVerdict]
    case .some(let verdict):
      condition += " AND verdict = ?"
      arguments += [verdict]
    }
    let limit = min(max(1, query.limit), FileQuery.maximumLimit)
    arguments += [limit + 1]
    let sql = "SELECT * FROM file WHERE \(condition) ORDER BY path LIMIT ?"
    let (finalSQL, finalArguments) = (sql, arguments)
    let rows = try database.read { database in
      try Row.fetchAll(database, sql: finalSQL, arguments: finalArguments)
        .map { Self.file($0).row }
    }
    let page = Array(rows.prefix(limit))
    return FilePage(files: page, next: rows.count > limit ? page.last?.path : nil)
  }

  /// Counts a dataset's files.
  func counts(of dataset: String) throws -> FileCounts {
    try database.read { database in
      var counts = FileCounts()
      let rows = try Row.fetchAll(
        database,
        sql: """
          SELECT class, verdict, COUNT(*) AS files, SUM(bytes) AS bytes FROM file
          WHERE dataset = ? GROUP BY class, verdict ORDER BY class
          """, arguments: [dataset])
      for row in rows {
        let verdict: String = row["verdict"]
        let files: Int = row["files"]
        switch verdict {
        case Self.usableVerdict:
          counts.usable += files
          counts.bytes += row["bytes"]
          if let name: String = row["class"] {
            counts.classes.append(ClassCount(name: name, usable: files))
          }
        case Self.duplicateVerdict: counts.duplicates += files
        case _ where Self.passedOver.contains(verdict): break
        default: counts.rejected += files
        }
      }
      return counts
    }
  }

  /// How many units of privacy have an image to be learnt from.
  ///
  /// A run over the same files samples from as many: a person counts once, whatever the number of
  /// images and of classes, and images beyond the limit of a person have another verdict.
  func usableUnits(of dataset: String, unit: Control.PrivacyUnit) throws -> Int {
    guard unit == .folder else { return try counts(of: dataset).usable }
    return try database.read { database in
      let paths = try String.fetchCursor(
        database, sql: "SELECT path FROM file WHERE dataset = ? AND verdict = ?",
        arguments: [dataset, Self.usableVerdict])
      var people: Set<[UInt8]> = []
      while let path = try paths.next() {
        if let person = RelativePath(path).person { people.insert(person) }
      }
      return people.count
    }
  }

  private static func file(_ row: Row) -> IndexedFile {
    let bytes: Int64 = row["bytes"]
    return IndexedFile(
      row: FileRow(
        path: row["path"], className: row["class"], bytes: Int(bytes), verdict: row["verdict"],
        reason: row["reason"], width: row["width"], height: row["height"]),
      signature: FileSignature(
        device: UInt64(bitPattern: row["device"]), inode: UInt64(bitPattern: row["inode"]),
        size: bytes, modified: row["modified"], changed: row["changed"]),
      contentHash: row["hash"], brightest: row["brightest"])
  }
}
