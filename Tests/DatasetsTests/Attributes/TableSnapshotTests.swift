import Compute
import Foundation
import Glibc
import Synchronization
import Testing

@testable import Datasets

@Suite struct TableSnapshotTests {
  private static let columns = [colour, age]
  private static let people = DatasetRules(
    privacyUnit: .folder, maximumPerUnit: 3, columns: columns, personColumn: "who")

  private func folder(_ tables: [String: String]) throws -> TestFolder {
    let folder = try TestFolder()
    try folder.makeFolder("root")
    for (name, text) in tables { try folder.write(Array(text.utf8), "root/\(name)") }
    return folder
  }

  private func build(
    _ folder: TestFolder, _ rules: DatasetRules = DatasetRules(columns: columns)
  ) throws -> TableSnapshotResult {
    try TableSnapshotBuilder(root: folder.path("root"), rules: rules)
      .build(in: folder.path("state"))
  }

  private func rows(_ snapshot: DatasetSnapshot) -> [[UInt8]] {
    (0..<snapshot.count).map { Array(snapshot.codes(of: $0)) }
  }

  @Test func theRowsOfAllTablesOfTheRootAreOneSet() throws {
    let folder = try folder([
      "a.csv": "colour,age,x\nred,1,9\nred,1,8\nblue,x,7\n",
      "B.CSV": "age,colour\n42,green\n", "c.jsonl": "{\"colour\": \"red\", \"age\": 99}\n{}\n",
      "notes.txt": "no table", "a.csv.bak": "colour,age\nred,1\n", ".hidden.csv": "colour\n",
    ])
    try folder.write(Array("colour,age\nred,1\n".utf8), "root/below/d.csv")
    let result = try build(folder)
    let snapshot = result.snapshot
    #expect(rows(snapshot) == [[0, 0], [0, 0], [0, 9], [1, 4], [2, 10], [3, 10]])
    try #require(snapshot.count == 6)
    #expect(snapshot.classes == ["all"] && snapshot.shape == .noPixels)
    #expect(snapshot.unitCount == 6 && snapshot.privacyUnit == .file)
    #expect(snapshot.transform == .noPixels && snapshot.countsByClass() == [6])
    #expect(result.summary.tables.map(\.description) == ["B.CSV", "a.csv", "c.jsonl"])
    #expect(result.summary.rows == 6 && result.summary.used == 6)
    #expect(result.summary.missingValues == [1, 2])
    let batch = Batch(snapshot: snapshot, images: [0, 4])
    #expect(batch.codes(in: 0..<2) == [0, 0, 2, 10])
    #expect(batch.units == nil && batch.labels(in: 0..<2) == [0, 0])
    let again = try DatasetSnapshot(opening: snapshot.path)
    #expect(rows(again) == rows(snapshot) && again.digest == snapshot.digest)
    #expect(again.pixels(of: 0).isEmpty)
    let coded = try JSONDecoder().decode(
      ImageTransform.self, from: JSONEncoder().encode(ImageTransform.noPixels))
    #expect(coded == .noPixels && !coded.accepts(height: 9, width: 9))
  }

  /// Also for the persons of rows.
  @Test func thePackDoesNotDependOnTheOrderOfRowsAndTables() throws {
    var random = SeededStream(seed: 5)
    let lines = (0..<300).map { _ in
      "\(["red", "green", "x"][Int(random.next() % 3)]),\(random.next() % 120),p\(random.next() % 40)\n"
    }
    for rules in [DatasetRules(columns: Self.columns), Self.people] {
      let header = "colour,age,who\n"
      let first = try folder(["t.csv": header + lines.joined()])
      let shuffled = lines.shuffled(using: &random)
      let second = try folder([
        "z.csv": header + shuffled[..<100].joined(), "a.csv": header + shuffled[100...].joined(),
      ])
      let one = try build(first, rules)
      let two = try build(second, rules)
      #expect(one.snapshot.digest == two.snapshot.digest)
      #expect(try first.bytes("state/images.pack") == second.bytes("state/images.pack"))
    }
  }

  @Test func badRowsHaveVerdictsAndTheOthersAreUsed() throws {
    let folder = try folder(["t.csv": "sex,colour\nf,red\n,red\nx,red\nm,red,1\nm,blue\nm,\"red\n"])
    let told = Mutex<TableSummary?>(nil)
    var builder = TableSnapshotBuilder(
      root: folder.path("root"), rules: DatasetRules(columns: [colour, sex]))
    builder.onSummary = { summary in told.withLock { $0 = summary } }
    let result = try builder.build(in: folder.path("state"))
    #expect(rows(result.snapshot) == [[0, 0], [2, 1]])
    #expect(result.summary.count(of: .missingValue) == 2)
    #expect(result.summary.count(of: .wrongFieldCount) == 1)
    #expect(result.summary.count(of: .unclosedQuote) == 1)
    #expect(result.summary.faults.first?.places.map(\.line) == [7])
    #expect(told.withLock { $0 } == result.summary)
    #expect(try builder.inspect() == result.summary)
  }

  @Test func personsAreUnitsAndKeepTheFirstRowsInTheOrderOfTheirContent() throws {
    var text = "who,colour,age\n"
    for number in 0..<9 { text += "anna,red,\(number * 10)\n" }
    text += " ben ,blue,5\nben,blue,5\n,red,1\n"
    let result = try build(folder(["t.csv": text]), Self.people)
    let snapshot = result.snapshot
    #expect(snapshot.unitCount == 2 && snapshot.privacyUnit == .folder)
    #expect(snapshot.imagesByUnit().map(\.count).sorted() == [2, 3])
    try #require(snapshot.count == 5)
    #expect(result.summary.count(of: .beyondUnitLimit) == 6)
    #expect(result.summary.count(of: .noPerson) == 1)
    #expect(result.summary.used == 5)
    let own = (0..<9).map { [UInt8(0), UInt8($0)] }.sorted {
      $0.withUnsafeBytes { ContentHash(of: $0) } < $1.withUnsafeBytes { ContentHash(of: $0) }
    }
    let anna = rows(snapshot).filter { $0[0] == 0 }
    #expect(Set(anna) == Set(own.prefix(3)))
    // Equal rows of one person both count.
    #expect(rows(snapshot).filter { $0 == [2, 0] }.count == 2)
    #expect(
      (0..<5).allSatisfy { index in
        snapshot.contentHash(of: index)
          == rows(snapshot)[index].withUnsafeBytes { ContentHash(of: $0) }
      })
  }

  /// JSON lines have no header in which a misspelt column would be noticed.
  @Test func columnsWithoutAnyValueAreToldToTheOwner() throws {
    let lines = { (row: String) in String(repeating: row + "\n", count: 4) }
    let words = { (text: String) in
      try self.build(self.folder(["t.jsonl": text])).summary.missingText(Self.columns)
    }
    let warning = "Warning: no used row has a value of age within its domain."
    #expect(try words(lines(#"{"colour":"red","agee":1}"#))?.contains(warning) == true)
    let one = lines(#"{"colour":"red"}"#) + #"{"colour":"red","age":1}"# + "\n"
    #expect(try words(one)?.contains("Warning") == false)
  }

  /// A copy of a table would count everybody twice.
  @Test func aCopyOfATableIsRefused() throws {
    let text = "colour,age\nred,1\n"
    let error = #expect(throws: DatasetError.self) {
      try build(
        folder(["a.csv": text + "blue,2\n", "a (1).csv": text + "blue,2\n"]),
        DatasetRules(columns: Self.columns))
    }
    #expect(
      error.map { "\($0)".contains("two tables of several rows have the same bytes") } == true)
    // In order of their names, the second one is refused; only the owner is told its name.
    #expect(error?.ownersDescription.hasSuffix("one table. (table a.csv)") == true)
    #expect(error?.description.contains("a.csv") == false)
    // Each person has a table of one row, and two of them are alike.
    let patients = ["p1.csv": text, "p2.csv": text, "p3.csv": "colour,age\nblue,2\n"]
    #expect(try build(folder(patients), DatasetRules(columns: Self.columns)).summary.used == 3)
    let other = try build(
      folder(["a.csv": text, "b.csv": text + "red,1\n"]), DatasetRules(columns: Self.columns))
    #expect(other.summary.used == 3, "equal rows of different tables all count")
    // Headers alone count nobody.
    let headers = ["a.csv": text, "b.csv": "colour,age\n", "c.csv": "colour,age\n"]
    #expect(try build(folder(headers), DatasetRules(columns: Self.columns)).summary.used == 1)
  }

  /// Rows, and persons with at most three of theirs.
  @Test(arguments: [true, false])
  func oneUnitMoreChangesTheRecordsOfThatUnitOnly(isPerson: Bool) throws {
    var random = SeededStream(seed: isPerson ? 51 : 52)
    for trial in 0..<60 {
      // A table with both a misplaced quote and a value over two lines is refused.
      let odd = trial % 2 == 0 ? "\"re\nd\",9" : "a\"b,1"
      let lines = (0..<30).map { _ in
        (
          who: "p\(random.next() % 6)",
          text: ["red,1", "red,1", "blue,70", "x,5", odd, "1"][
            Int(random.next() % 6)]
        )
      }
      let taken = Int(random.next() % 30)
      func counts(_ isUsed: (Int) -> Bool) throws -> [[UInt8]: Int] {
        let text = lines.indices.filter(isUsed).map { "\(lines[$0].who),\(lines[$0].text)\n" }
        let rules = isPerson ? Self.people : DatasetRules(columns: Self.columns)
        var rows = TableRows(rules: rules)
        try rows.read(
          BytesSource("who,colour,age\n" + text.joined()), format: .csv,
          table: RelativePath("t.csv"))
        try rows.sort()
        return rows.order.reduce(into: [:]) {
          $0[Array(rows.store.bytes(of: Int($1))), default: 0] += 1
        }
      }
      func isOwn(_ index: Int) -> Bool {
        isPerson ? lines[index].who == lines[taken].who : index == taken
      }
      let whole = try counts { _ in true }
      let rest = try counts { !isOwn($0) }
      let own = try counts(isOwn)
      #expect(whole == rest.merging(own, uniquingKeysWith: +))
    }
  }

  @Test(
    arguments: [
      (DatasetRules(), "at least one declared column"),
      (DatasetRules(classes: ["a"], columns: columns), "classes"),
      (DatasetRules(privacyUnit: .folder, columns: columns), "the column that names them"),
      (DatasetRules(columns: columns, personColumn: "who"), "rows as units"),
      (DatasetRules(maximumPerUnit: 2, columns: columns), "limit of rows"),
      (DatasetRules(privacyUnit: .folder, columns: columns, personColumn: "age"), "of its own"),
      (DatasetRules(columns: [colour, colour]), "declared twice"),
      (
        DatasetRules(privacyUnit: .folder, columns: columns, personColumn: "who\u{202E}"),
        "the column of persons: its name contains a control character"
      ),
      (DatasetRules(privacyUnit: .folder, columns: columns, personColumn: ""), "name is empty"),
    ])
  func declarationsThatContradictEachOtherAreRefused(rules: DatasetRules, finding: String) throws {
    let folder = try folder(["t.csv": "who,colour,age\na,red,1\n"])
    let error = #expect(throws: DatasetError.self) { try build(folder, rules) }
    #expect(error?.description.contains(finding) == true, "\(String(describing: error))")
  }

  @Test func rootsThatCannotBeReadAreRefused() throws {
    func error(
      _ tables: [String: String], _ rules: DatasetRules = DatasetRules(columns: Self.columns)
    )
      throws -> DatasetError?
    { #expect(throws: DatasetError.self) { try build(self.folder(tables), rules) } }
    #expect(try error([:])?.description.contains("no table") == true)
    let ofImages = try error(["metadata.csv": "colour,age\nred,1\n"])
    #expect(ofImages?.description.contains("whose rows belong to images") == true)
    let lacking = try error(["a.csv": "colour,age\nred,1\n", "b.csv": "colour\nred\n"])
    #expect(lacking?.description.contains("no column 'age'") == true)
    #expect(try error(["a.csv": "who,colour,age\n", "b.csv": "colour,age\n"], Self.people) != nil)
    let empty = try error(["a.csv": "sex\nx\n"], DatasetRules(columns: [sex]))
    #expect(
      empty
        == .noRows(
          root: empty.map { "\($0)".components(separatedBy: ": ")[0] }?
            .replacingOccurrences(of: "tables of ", with: "") ?? ""))
    #expect(empty?.isWantOfImages == true)
    let folder = try folder(["a.csv": "colour,age\nred,1\nred,2\n"])
    symlink(folder.path("root/a.csv"), folder.path("root/b.csv"))
    let link = #expect(throws: DatasetError.self) { try build(folder) }
    #expect(link?.ownersDescription.hasSuffix("(table b.csv)") == true)
    #expect(link?.description.contains("b.csv") == false)
    let problem = try DatasetRules(columns: Self.columns).problemOfHeaders(in: folder.path("root"))
    #expect(problem?.place == "table b.csv")
    unlink(folder.path("root/b.csv"))
    var builder = TableSnapshotBuilder(
      root: folder.path("root"), rules: DatasetRules(columns: Self.columns))
    builder.limits.rows = 1
    #expect(throws: DatasetError.self) { try builder.inspect() }
    builder.limits.rows = 2
    #expect(try builder.inspect().used == 2)
    builder.isSettled = { _, _ in false }
    #expect(throws: DatasetError.self) { try builder.inspect() }
  }

  @Test func stoppingLeavesNothingBehind() throws {
    let folder = try folder([
      "a.csv": "colour,age\n" + String(repeating: "red,1\n", count: 70_000)
    ])
    var builder = TableSnapshotBuilder(
      root: folder.path("root"), rules: DatasetRules(columns: Self.columns))
    builder.isStopped = { true }
    #expect(throws: DatasetError.stopped) { try builder.build(in: folder.path("state")) }
    #expect(!FileManager.default.fileExists(atPath: folder.path("state/images.pack")))
  }

  @Test func anyChangedByteOfAPackOfRowsIsNoticed() throws {
    let folder = try folder(["a.csv": "colour,age\nred,1\nblue,2\ngreen,3\n"])
    _ = try build(folder)
    let bytes = try folder.bytes("state/images.pack")
    for index in Array(0..<160) + Array(4_096..<bytes.count) {
      var damaged = bytes
      damaged[index] ^= 0x21
      try folder.write(damaged, "damaged")
      #expect(throws: DatasetError.self, "byte \(index)") {
        try DatasetSnapshot(opening: folder.path("damaged"))
      }
    }
  }

  /// A file whose checksum is right and whose codes are not those of its columns.
  @Test func codesOutsideTheirColumnsAreRefused() throws {
    let folder = try folder(["a.csv": "colour,age\nred,1\n"])
    _ = try build(folder)
    var bytes = try folder.bytes("state/images.pack")
    bytes[4_096 + 4 + 4 + 32] = 4
    let checksum = bytes.withUnsafeBytes { DatasetSnapshot.checksum(of: $0) }
    bytes.replaceSubrange(96..<128, with: checksum.withUnsafeBytes { Array($0) })
    try folder.write(bytes, "damaged")
    let error = #expect(throws: DatasetError.self) {
      try DatasetSnapshot(opening: folder.path("damaged"))
    }
    #expect(error?.description.contains("a code is out of range") == true)
  }
}
