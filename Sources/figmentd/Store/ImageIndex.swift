import Control
import Datasets
import FoundationEssentials
import GRDB
import Glibc
import Synchronization

/// A file as of its last check.
struct IndexedFile: Hashable, Sendable {
  /// The path below the root, the class, the size and the verdict.
  var row: FileRow
  /// The signature that must be unchanged for the verdict to remain valid.
  var signature: FileSignature
  /// The SHA-256 of the content, if it was read.
  var contentHash: Data?
  /// The whole verdict as JSON, for a file that failed to decode; discarded when the daemon starts.
  var detail: String?
  /// Its brightest sample, 0...255, if it was decoded.
  var brightest: Int?
  /// Remarks about the content of a decoded file.
  var remarks: DecodeRemarks = []
}

/// Counts of a dataset's files.
struct FileCounts: Hashable, Sendable {
  var usable = 0
  var rejected = 0
  var duplicates = 0
  var pending = 0
  var bytes = 0
  var classes: [ClassCount] = []
}

/// The index of the files below the roots, so that a restart need not decode them again.
///
/// The files are authoritative, and the index may be deleted at any time. A damaged index is set aside and
/// rebuilt; an index that cannot be written is kept in memory.
final class ImageIndex: Sendable {
  private struct State {
    var database: DatabaseQueue
    var generation = 0
    var remark: String?
    var listeners: [@Sendable () -> Void] = []
  }

  private let path: String
  private let state: Mutex<State>

  /// The version of the tables; a file with another version, except 2, is discarded.
  static let version = 4
  /// The verdict of a usable file.
  static let usableVerdict = "ok"
  /// The verdict of a file whose content another file has.
  static let duplicateVerdict = "duplicate"
  /// The verdict of a file that is still changing.
  static let waitingVerdict = ImageVerdict.waiting.code
  /// The suffix of a damaged index that is set aside; the newest one is kept.
  static let damagedSuffix = ".damaged"

  /// The verdicts of files that are skipped on purpose and need no repair.
  private static let passedOver: Set = ["ignored", "vanished", "beyondUnitLimit"]

  /// The verdicts that a query may name.
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
    self.path = path
    state = Mutex(try Self.firstState(at: path))
  }

  private static func firstState(at path: String) throws -> State {
    do { return State(database: try open(path)) } catch let error as DatabaseError {
      if isDamage(error) { return try replacement(at: path, after: error) }
      return State(database: try prepare(DatabaseQueue()), remark: memoryRemark(error))
    }
  }

  /// How often the whole index was lost since the daemon started.
  var generation: Int { state.withLock { $0.generation } }

  /// Describes a problem with the file; nil if there is none.
  var remark: String? { state.withLock { $0.remark } }

  /// Calls `body` whenever the whole index is lost, so that the roots are read again.
  func whenLost(_ body: @escaping @Sendable () -> Void) {
    state.withLock { $0.listeners.append(body) }
  }

  // MARK: Reading

  /// All indexed files of a dataset, by path.
  func files(of dataset: String) throws -> [String: IndexedFile] {
    try read { database in
      let rows = try Row.fetchCursor(
        database, sql: "SELECT * FROM file WHERE dataset = ?", arguments: [dataset])
      var files: [String: IndexedFile] = [:]
      while let row = try rows.next() {
        let file = try IndexedFile(row)
        files[file.row.path] = file
      }
      return files
    }
  }

  /// Some indexed files of a dataset, by path.
  func files(
    of dataset: String, at paths: some Sequence<String>
  ) throws -> [String: IndexedFile] {
    try read { database in
      let statement = try database.makeStatement(
        sql: "SELECT * FROM file WHERE dataset = ? AND path = ?")
      var files: [String: IndexedFile] = [:]
      for path in paths {
        if let row = try Row.fetchOne(statement, arguments: [dataset, path]) {
          files[path] = try IndexedFile(row)
        }
      }
      return files
    }
  }

  /// The files that share their content, or with `byPerson` their person, with one of `files`, including
  /// those of `files` that are indexed.
  func relatives(
    of files: some Sequence<IndexedFile>, in dataset: String, byPerson: Bool
  ) throws -> [IndexedFile] {
    let keys = Set(files.compactMap { byPerson ? $0.person : $0.contentHash })
    let column = byPerson ? "person" : "hash"
    return try read { database in
      let statement = try database.makeStatement(
        sql: "SELECT * FROM file WHERE dataset = ? AND \(column) = ?")
      return try keys.flatMap { key in
        try Row.fetchAll(statement, arguments: [dataset, key]).map { try IndexedFile($0) }
      }
    }
  }

  /// The number of a dataset's indexed files that may be images, judging by names and kinds.
  func candidateCount(of dataset: String) throws -> Int {
    try read { database in
      try Int.fetchOne(
        database,
        sql: """
          SELECT COUNT(*) FROM file WHERE dataset = ? AND verdict NOT IN
          ('ignored', 'vanished', 'notRegularFile')
          """, arguments: [dataset]) ?? 0
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
    let rows = try read { database in
      try Row.fetchAll(database, sql: finalSQL, arguments: finalArguments)
        .map { try IndexedFile($0).row }
    }
    let page = Array(rows.prefix(limit))
    return FilePage(files: page, next: rows.count > limit ? page.last?.path : nil)
  }

  /// Counts a dataset's files.
  func counts(of dataset: String) throws -> FileCounts {
    try read { database in
      var counts = FileCounts()
      let rows = try Row.fetchAll(
        database,
        sql: """
          SELECT class, verdict, COUNT(*) AS files, SUM(bytes) AS bytes FROM file
          WHERE dataset = ? GROUP BY class, verdict ORDER BY class
          """, arguments: [dataset])
      for row in rows {
        let verdict: String = try row.value("verdict")
        let files: Int = try row.value("files")
        switch verdict {
        case Self.usableVerdict:
          counts.usable += files
          counts.bytes += try row.value("bytes")
          if let name: String = try row.optionalValue("class") {
            counts.classes.append(ClassCount(name: name, usable: files))
          }
        case Self.duplicateVerdict: counts.duplicates += files
        case Self.waitingVerdict: counts.pending += files
        case _ where Self.passedOver.contains(verdict): break
        default: counts.rejected += files
        }
      }
      return counts
    }
  }

  /// The number of units of privacy with a usable image.
  ///
  /// A run on the same files samples from this many units: a person counts once for any number of images
  /// and classes, and images beyond a person's limit have another verdict.
  func usableUnits(of dataset: String, unit: Control.PrivacyUnit) throws -> Int {
    guard unit == .folder else { return try counts(of: dataset).usable }
    return try read { database in
      try Int.fetchOne(
        database,
        sql: "SELECT COUNT(DISTINCT person) FROM file WHERE dataset = ? AND verdict = ?",
        arguments: [dataset, Self.usableVerdict]) ?? 0
    }
  }

  /// The distinct sizes of a dataset's usable images, each with the number of images that have it.
  func usableSizes(of dataset: String) throws -> [(height: Int, width: Int, count: Int)] {
    try read { database in
      try Row.fetchAll(
        database,
        sql: """
          SELECT height, width, COUNT(*) AS files FROM file
          WHERE dataset = ? AND verdict = ? AND height IS NOT NULL AND width IS NOT NULL
          GROUP BY height, width
          """, arguments: [dataset, Self.usableVerdict]
      ).map {
        (
          height: try $0.value("height"), width: try $0.value("width"),
          count: try $0.value("files")
        )
      }
    }
  }

  /// The paths at some positions in the list of a class's usable files; `places` must ascend.
  func usablePaths(
    of dataset: String, inClass name: String, at places: [Int]
  ) throws -> [String] {
    try read { database in
      let rows = try Row.fetchCursor(
        database,
        sql: """
          SELECT path FROM file WHERE dataset = ? AND class = ? AND verdict = ? ORDER BY path
          """, arguments: [dataset, name, Self.usableVerdict])
      var paths: [String] = []
      var wanted = places[...]
      var place = 0
      while let row = try rows.next(), let next = wanted.first {
        if place == next {
          paths.append(try row.value("path"))
          wanted.removeFirst()
        }
        place += 1
      }
      return paths
    }
  }

  // MARK: Writing

  /// Replaces a dataset's files by those of a scan; unchanged rows are not written.
  func replace(_ files: [IndexedFile], of dataset: String) throws {
    var gone = try self.files(of: dataset)
    var written: [IndexedFile] = []
    for file in files {
      if gone.removeValue(forKey: file.row.path) != file { written.append(file) }
    }
    try apply(written, gone: gone.keys, of: dataset)
  }

  /// Writes new and changed files, and deletes missing ones.
  func apply(
    _ files: [IndexedFile], gone: some Sequence<String>, of dataset: String
  ) throws {
    let gone = Array(gone)
    guard !files.isEmpty || !gone.isEmpty else { return }
    try write { database in
      let delete = try database.makeStatement(
        sql: "DELETE FROM file WHERE dataset = ? AND path = ?")
      for path in gone { try delete.execute(arguments: [dataset, path]) }
      try IndexTables.insert(files.map { (dataset, $0) }, into: database)
    }
  }

  /// Deletes a dataset's files if they were found below another root.
  func adopt(root: String, of dataset: String) throws {
    let known = try read { database in
      try String.fetchOne(
        database, sql: "SELECT path FROM root WHERE dataset = ?", arguments: [dataset])
    }
    guard known != root else { return }
    try write { database in
      // Accept rows of an index from before roots were stored.
      if known != nil {
        try database.execute(sql: "DELETE FROM file WHERE dataset = ?", arguments: [dataset])
      }
      try database.execute(
        sql: "INSERT OR REPLACE INTO root VALUES (?, ?)", arguments: [dataset, root])
    }
  }

  /// Deletes the files of datasets that are not among `datasets`.
  func keepOnly(_ datasets: [String]) throws {
    try write { database in
      let known = try String.fetchAll(database, sql: "SELECT DISTINCT dataset FROM file")
      for name in known where !datasets.contains(name) {
        try database.execute(sql: "DELETE FROM file WHERE dataset = ?", arguments: [name])
        try database.execute(sql: "DELETE FROM root WHERE dataset = ?", arguments: [name])
      }
    }
  }

  // MARK: Faults

  private func read<Value>(_ body: (Database) throws -> Value) throws -> Value {
    try withRecovery { try $0.read(body) }
  }

  private func write(_ body: (Database) throws -> Void) throws {
    try withRecovery { try $0.write(body) }
  }

  /// Runs `body` with the database; if the file is faulty, replaces it and runs `body` again.
  private func withRecovery<Value>(_ body: (DatabaseQueue) throws -> Value) throws -> Value {
    let database = state.withLock { $0.database }
    do { return try body(database) } catch let error as DatabaseError {
      try recover(database, from: error)
      return try body(state.withLock { $0.database })
    }
  }

  private func recover(_ faulty: DatabaseQueue, from error: DatabaseError) throws {
    // Another thread may already have replaced and closed it.
    guard state.withLock({ $0.database === faulty }) else { return }
    guard Self.isDamage(error) || Self.isUnwritable(error) else { throw error }
    let listeners: [@Sendable () -> Void] = try state.withLock { state in
      guard state.database === faulty else { return [] }
      if Self.isUnwritable(error), let memory = try? Self.copyInMemory(of: faulty) {
        state.database = memory
        state.remark = Self.memoryRemark(error)
        return []
      }
      try? faulty.close()
      var fresh = try Self.replacement(at: path, after: error)
      fresh.generation = state.generation + 1
      fresh.listeners = state.listeners
      state = fresh
      return fresh.listeners
    }
    for tell in listeners { tell() }
  }

  /// Creates a new database in place of a damaged one, which is set aside.
  private static func replacement(at path: String, after error: DatabaseError) throws -> State {
    let aside = path + damagedSuffix
    unlink(aside)
    rename(path, aside)
    for suffix in ["-wal", "-shm", "-journal"] { unlink(path + suffix) }
    let name = path.split(separator: "/").last.map { String($0) } ?? path
    let remark =
      "index of files: damaged (\(error.message ?? "unreadable")). It was set aside as "
      + "\(name)\(damagedSuffix) and is being rebuilt from the folders."
    do {
      return State(database: try open(path), remark: remark)
    } catch let error as DatabaseError {
      return State(database: try prepare(DatabaseQueue()), remark: memoryRemark(error))
    }
  }

  private static func memoryRemark(_ error: DatabaseError) -> String {
    "index of files: cannot write it (\(error.message ?? "no reason given")). It is kept in memory until "
      + "figmentd restarts. Check the free space and the permissions of the state directory."
  }

  private static func copyInMemory(of database: DatabaseQueue) throws -> DatabaseQueue {
    let memory = try DatabaseQueue()
    try database.backup(to: memory)
    return memory
  }

  /// Whether the error means that the file does not contain what the daemon wrote.
  private static func isDamage(_ error: DatabaseError) -> Bool {
    switch error.resultCode {
    case .SQLITE_BUSY, .SQLITE_LOCKED, .SQLITE_INTERRUPT, .SQLITE_NOMEM, .SQLITE_MISUSE: false
    default: !isUnwritable(error)
    }
  }

  /// Whether the error means that the file cannot be written.
  private static func isUnwritable(_ error: DatabaseError) -> Bool {
    switch error.resultCode {
    case .SQLITE_FULL, .SQLITE_IOERR, .SQLITE_READONLY, .SQLITE_CANTOPEN, .SQLITE_PERM: true
    default: false
    }
  }

  private static func open(_ path: String) throws -> DatabaseQueue {
    var configuration = GRDB.Configuration()
    // Wait for another reader of the same file.
    configuration.busyMode = .timeout(10)
    configuration.prepareDatabase { database in
      // Losing the newest rows in a power failure only costs a rescan.
      try database.execute(sql: "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL")
    }
    return try prepare(DatabaseQueue(path: path, configuration: configuration))
  }

  /// Creates the tables if they are missing or of another version.
  private static func prepare(_ queue: DatabaseQueue) throws -> DatabaseQueue {
    try queue.write { try IndexTables.prepare($0, version: version) }
    return queue
  }
}
