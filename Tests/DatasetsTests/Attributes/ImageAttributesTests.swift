import Compute
import Foundation
import Glibc
import Synchronization
import Testing

@testable import Datasets

@Suite struct ImageAttributesTests {
  private static let columns = [colour, age]

  private func folder(_ table: String?, name: String = "metadata.csv", images: Int = 4) throws
    -> TestFolder
  {
    let folder = try TestFolder()
    for number in 0..<images { try folder.write(tinyPNG(number), "root/c/\(number).png") }
    if let table { try folder.write(Array(table.utf8), "root/\(name)") }
    return folder
  }

  private func build(
    _ folder: TestFolder, _ rules: DatasetRules = DatasetRules(columns: columns)
  ) throws -> SnapshotResult {
    try SnapshotBuilder(
      root: folder.path("root"), rules: rules, transform: tinyTransform, threadCount: 1
    ).build(in: folder.path("state"))
  }

  private static func hash(_ shade: Int) -> ContentHash {
    tinyPNG(shade).withUnsafeBytes { ContentHash(of: $0) }
  }

  /// The codes of the image with a shade; nil if it is not in the set.
  private func codes(_ snapshot: DatasetSnapshot, _ shade: Int) -> [UInt8]? {
    (0..<snapshot.count).first { snapshot.contentHash(of: $0) == Self.hash(shade) }
      .map { Array(snapshot.codes(of: $0)) }
  }

  @Test func everyImageHasTheCodesOfItsRow() throws {
    let table = """
      age,file_name,notes,colour
      42,c/1.png,"Anna, from X",blue
      7,c/0.png,,violet
      ,c/3.png,,red

      """
    for isCSV in [true, false] {
      let json = """
        {"file_name": "c/1.png", "age": 42, "colour": "blue", "notes": ["Anna"]}
        {"file_name": "c/0.png", "age": 7.0, "colour": "violet"}
        {"file_name": "c/3.png", "age": null, "colour": "red"}
        """
      let folder = try folder(
        isCSV ? table : json, name: isCSV ? "metadata.csv" : "metadata.jsonl")
      let result = try build(folder)
      let snapshot = result.snapshot
      #expect(snapshot.columns == Self.columns)
      #expect(codes(snapshot, 0) == [3, 0])
      #expect(codes(snapshot, 1) == [2, 4])
      #expect(codes(snapshot, 2) == [3, 10])
      #expect(codes(snapshot, 3) == [0, 10])
      let summary = try #require(result.attributes)
      #expect(summary.rows == 3 && summary.used == 3 && summary.filesWithoutRow == 1)
      #expect(summary.missingValues == [1, 1])
      #expect(summary.faults.isEmpty)
      let batch = Batch(snapshot: snapshot, images: [2, 0, 1])
      #expect(
        batch.codes(in: 1..<3) == Array(snapshot.codes(of: 0)) + Array(snapshot.codes(of: 1)))
      let again = try DatasetSnapshot(opening: snapshot.path)
      #expect(again.columns == Self.columns && codes(again, 1) == [2, 4])
    }
  }

  @Test func badRowsAreCountedForTheOwnerAndTheOthersAreUsed() throws {
    let table =
      "file_name,colour,age\nc/0.png,red,1\nc/0.png,red,1\nc/0.png,red,1\nc/1.png,red,1,x\nc/2.png,green,1000\n"
      + "c/9.png,red,1\n,red,1\n/c/3.png,red,1\n./c/3.png,blue,2\nc/3.png,\"blue,2\n"
    let folder = try folder(table)
    let told = Mutex<TableSummary?>(nil)
    var builder = SnapshotBuilder(
      root: folder.path("root"), rules: DatasetRules(columns: Self.columns),
      transform: tinyTransform)
    builder.onAttributes = { summary in told.withLock { $0 = summary } }
    let result = try builder.build(in: folder.path("state"))
    let summary = try #require(result.attributes)
    #expect(told.withLock { $0 } == summary)
    #expect(summary.rows == 10 && summary.used == 1 && summary.filesWithoutRow == 3)
    #expect(summary.count(of: .repeatedFile) == 3)
    #expect(summary.count(of: .wrongFieldCount) == 1)
    #expect(summary.count(of: .noSuchFile) == 3)
    #expect(summary.count(of: .noFileName) == 1)
    #expect(summary.count(of: .unclosedQuote) == 1)
    #expect(summary.faults.first { $0.reason == .repeatedFile }?.places.map(\.line) == [3, 4])
    #expect(summary.description.contains("1 of 10 rows used"))
    #expect(summary.description.contains("metadata.csv, line 5"))
    #expect(codes(result.snapshot, 2) == [1, 10])
    #expect([0, 1, 3].map { codes(result.snapshot, $0) } == [[3, 10], [3, 10], [3, 10]])
  }

  @Test func noRowCountsOfAFileThatSeveralRowsName() throws {
    for second in ["red,1", "blue,50"] {
      let folder = try folder(
        "file_name,colour,age\nc/0.png,red,1\nc/1.png,red,1\nc/0.png,\(second)\n")
      let snapshot = try build(folder).snapshot
      #expect(codes(snapshot, 0) == [3, 10])
      #expect(codes(snapshot, 1) == [0, 0])
    }
  }

  @Test func anImageWithoutARequiredValueIsLeftOut() throws {
    let folder = try folder(
      "file_name,sex\nc/0.png,f\nc/1.png,?\nc/3.png,m\nc/3.png,m\n")
    let result = try build(folder, DatasetRules(columns: [sex]))
    #expect(result.files.countsByCode() == ["accepted": 1, "missingAttribute": 3, "ignored": 1])
    #expect(codes(result.snapshot, 0) == [0])
    let summary = try #require(result.attributes)
    #expect(summary.count(of: .missingValue) == 1 && summary.count(of: .repeatedFile) == 2)
    #expect(summary.used == 1 && summary.filesWithoutRow == 3)
    let verdict = try #require(result.files.first { $0.verdict == .missingAttribute }?.verdict)
    #expect(verdict.needsAttention)
    let data = try JSONEncoder().encode([
      verdict, .contradictoryAttributes(with: RelativePath("a")),
    ])
    #expect(
      try JSONDecoder().decode([ImageVerdict].self, from: data)
        == [verdict, .contradictoryAttributes(with: RelativePath("a"))])
  }

  /// All its values would be missing, and the run would pay for learning that.
  @Test func aHeaderThatLacksADeclaredColumnIsRefused() throws {
    let error = #expect(throws: DatasetError.self) {
      try build(folder("file_name,colour,agee\nc/0.png,red,5\n"))
    }
    #expect(error?.description.contains("no column 'age'") == true)
  }

  @Test(
    arguments: [
      ("", "header"), ("colour,age\nred,1\n", "no column 'file_name'"),
      ("file_name,colour,colour\n", "twice"), ("file_name,file_name\n", "twice"),
    ])
  func aTableThatNoRowCanBeReadFromIsRefused(table: String, finding: String) throws {
    let folder = try folder(table)
    let error = #expect(throws: DatasetError.self) { try build(folder) }
    #expect(error?.description.contains(finding) == true, "\(String(describing: error))")
    #expect(error?.description.contains("expected") == true)
  }

  @Test func noTableAndTwoTablesAreRefused() throws {
    let none = #expect(throws: DatasetError.self) { try build(self.folder(nil)) }
    #expect(none?.description.contains("no table") == true)
    let folder = try folder("file_name\n")
    try folder.write([], "root/metadata.jsonl")
    let both = #expect(throws: DatasetError.self) { try build(folder) }
    #expect(both?.description.contains("Remove one") == true)
  }

  @Test func aTableIsOpenedAsImagesAre() throws {
    let folder = try folder(nil)
    try folder.write(Array("file_name,colour,age\n".utf8), "elsewhere.csv")
    symlink(folder.path("elsewhere.csv"), folder.path("root/metadata.csv"))
    #expect(throws: DatasetError.self) { try build(folder) }
    unlink(folder.path("root/metadata.csv"))
    mkfifo(folder.path("root/metadata.csv"), 0o600)
    #expect(throws: DatasetError.self) { try build(folder) }
    unlink(folder.path("root/metadata.csv"))
    try folder.write(Array("file_name,colour,age\n".utf8), "root/metadata.csv")
    var builder = SnapshotBuilder(
      root: folder.path("root"), rules: DatasetRules(columns: Self.columns),
      transform: tinyTransform)
    builder.isSettled = { path, _ in path != RelativePath("metadata.csv") }
    let error = #expect(throws: DatasetError.self) { try builder.build(in: folder.path("state")) }
    #expect(error?.description.contains("still changing") == true)
    builder.isSettled = { _, _ in true }
    builder.tableLimits = TableLimits(fileBytes: 10, rowBytes: 10, rows: 10)
    #expect(throws: DatasetError.self) { try builder.build(in: folder.path("state")) }
    builder.tableLimits = .standard
    #expect(try builder.build(in: folder.path("state")).snapshot.count == 4)
  }

  /// Whether columns are declared or not.
  @Test func aTableInTheRootIsNeverAnImage() throws {
    let folder = try folder("file_name,colour,age\n")
    for rules in [DatasetRules(), DatasetRules(columns: Self.columns)] {
      let result = try build(folder, rules)
      #expect(result.files.countsByCode() == ["accepted": 4, "ignored": 1])
      #expect(result.files.last?.verdict == .ignored(.metadata))
      #expect(ImageSetSummary(of: result.files).rejected.isEmpty)
    }
    try folder.write(Array("file_name\n".utf8), "root/c/metadata.csv")
    #expect(try build(folder).files.countsByCode()["unreadable"] == 1)
  }

  @Test func aColumnOfPersonsIsRefusedBesideImages() throws {
    let rules = DatasetRules(privacyUnit: .folder, columns: Self.columns, personColumn: "who")
    #expect(throws: DatasetError.self) { try build(folder("file_name,colour,age\n"), rules) }
  }

  @Test func identicalFilesWithDifferentRowsDoNotCountAtAll() throws {
    func result(_ row: String) throws -> SnapshotResult {
      let folder = try folder("file_name,colour,age\nc/0.png,red,1\nc/copy.png,\(row)\n")
      try folder.write(tinyPNG(0), "root/c/copy.png")
      return try build(folder)
    }
    let same = try result("red,9")
    #expect(same.files.countsByCode() == ["accepted": 4, "duplicate": 1, "ignored": 1])
    #expect(codes(same.snapshot, 0) == [0, 0])
    let other = try result("blue,9")
    #expect(
      other.files.countsByCode() == ["accepted": 3, "contradictoryAttributes": 2, "ignored": 1])
    #expect(codes(other.snapshot, 0) == nil)
  }

  @Test func theDigestCoversDomainsAndCodesAndIsThatOfBeforeWithoutThem() throws {
    let table = "file_name,colour,age\nc/0.png,red,1\n"
    let base = try build(folder(table)).snapshot.digest
    #expect(try build(folder(table)).snapshot.digest == base)
    #expect(try build(folder(table + "c/1.png,red,1\n")).snapshot.digest != base)
    let renamed = ColumnDomain(name: "age", values: .categories((0..<10).map { "\($0)" }))
    #expect(
      try build(folder(table), DatasetRules(columns: [colour, renamed])).snapshot.digest != base)
    // The digest and the whole file of a set without columns are those of format 1.
    let plain = try folder(table)
    let without = try build(plain, DatasetRules()).snapshot
    let bytes = try plain.bytes("state/images.pack")
    #expect(Array(bytes[8..<12]) == [1, 0, 0, 0])
    #expect(bytes[128..<4096].allSatisfy { $0 == 0 })
    let records = (0..<without.count).map {
      SnapshotRecord(hash: without.contentHash(of: $0), label: 0, person: nil)
    }
    let function = SHA256()
    for part in ["figment set of images 1", tinyTransform.description, "file", "c"] {
      var size: [UInt8] = []
      size.append(littleEndian: UInt64(part.utf8.count))
      function.update(size + Array(part.utf8))
    }
    function.update([0xFF])
    for record in records {
      record.hash.withUnsafeBytes { function.update($0) }
      function.update([0, 0, 0, 0])
    }
    #expect(without.digest == function.finish())
  }

  @Test func anyChangedByteOfAPackWithCodesIsNoticed() throws {
    let folder = try folder("file_name,colour,age\nc/0.png,red,1\n")
    _ = try build(folder)
    let bytes = try folder.bytes("state/images.pack")
    #expect(bytes[8] == 2 && bytes[128] == 2)
    for index in Array(0..<160) + Array(stride(from: 4_096, to: bytes.count, by: 3)) {
      var damaged = bytes
      damaged[index] ^= 0x21
      try folder.write(damaged, "damaged")
      #expect(throws: DatasetError.self, "byte \(index)") {
        try DatasetSnapshot(opening: folder.path("damaged"))
      }
    }
  }

  // MARK: Neighbouring sets

  private struct Record: Hashable {
    let hash: ContentHash
    let label: Int
    let codes: [UInt8]
  }

  /// The records that a snapshot would contain, without writing one.
  private func records(_ folder: TestFolder, _ rules: DatasetRules) throws -> [Record: Int] {
    let reading = try FolderReading(
      SnapshotBuilder(
        root: folder.path("root"), rules: rules, transform: tinyTransform, threadCount: 1))
    try reading.run(into: nil)
    return try reading.settle(with: reading.attributes()).accepted.reduce(into: [:]) {
      let record = Record(
        hash: $1.record.hash, label: Int($1.record.label), codes: $1.record.codes)
      $0[record, default: 0] += 1
    }
  }

  /// Twelve files, some with the bytes of others, and rows: repeated, malformed, missing, of nothing.
  private static func set(_ random: inout SeededStream, isPerson: Bool) -> (
    files: [(path: String, shade: Int)], rows: [(path: String, text: String)]
  ) {
    func pick(_ count: Int) -> Int { Int(random.next() % UInt64(count)) }
    let files = (0..<12).map { number in
      (
        path: isPerson ? "c\(pick(2))/p\(pick(4))/\(number).png" : "c\(pick(2))/\(number).png",
        shade: pick(8)
      )
    }
    var rows: [(path: String, text: String)] = []
    for _ in 0..<14 {
      let path = pick(8) == 0 ? "c0/none.png" : files[pick(12)].path
      let kinds = [
        "red,1,f", "blue,99,m", "\"red\",\"5\",f", "violet,x,f", "red,1,", "red", "re\"d,1,f",
      ]
      rows.append((path, "\(path),\(kinds[pick(kinds.count)])"))
    }
    return (files, rows)
  }

  @Test(arguments: [true, false])
  func oneUnitMoreChangesTheRecordsOfThatUnitOnly(isPerson: Bool) throws {
    var random = SeededStream(seed: isPerson ? 41 : 42)
    var changes = 0
    for _ in 0..<60 {
      let set = Self.set(&random, isPerson: isPerson)
      func unit(_ path: String) -> String { isPerson ? path.components(separatedBy: "/")[1] : path }
      let taken = unit(set.files[Int(random.next() % 12)].path)
      let rules = DatasetRules(
        classes: ["c0", "c1"], privacyUnit: isPerson ? .folder : .file,
        maximumPerUnit: isPerson ? 3 : nil,
        columns: random.next() % 2 == 0 ? [colour, age, sex] : [colour, age])
      func records(without unit: (String) -> Bool) throws -> [Record: Int] {
        let folder = try TestFolder()
        try folder.makeFolder("root")
        for file in set.files where !unit(file.path) {
          try folder.write(tinyPNG(file.shade), "root/\(file.path)")
        }
        let rows = set.rows.filter { !unit($0.path) }.map { $0.text + "\n" }.joined()
        try folder.write(Array(("file_name,colour,age,sex\n" + rows).utf8), "root/metadata.csv")
        return try self.records(folder, rules)
      }
      let whole = try records { _ in false }
      let rest = try records { unit($0) == taken }
      let own = try isPerson ? records { unit($0) != taken } : [:]
      if isPerson {
        // The others' records are the same, and the person's do not depend on the others.
        #expect(whole == rest.merging(own, uniquingKeysWith: +))
        changes += own.values.reduce(0, +)
      } else {
        // One record more or one less.
        let keys = Set(whole.keys).union(rest.keys)
        let difference = keys.reduce(0) { $0 + abs(whole[$1, default: 0] - rest[$1, default: 0]) }
        #expect(difference <= 1)
        changes += difference
      }
    }
    #expect(changes > 15)
  }
}
