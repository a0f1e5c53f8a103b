import Testing

@testable import Datasets

/// Rows that an evaluation reads into memory.
@Suite struct CodedRowsTests {
  private func folder(_ tables: [String: String]) throws -> TestFolder {
    let folder = try TestFolder()
    try folder.makeFolder("root")
    for (name, text) in tables { try folder.write(Array(text.utf8), "root/\(name)") }
    return folder
  }

  @Test func rowsAreReadAsARunReadsThem() throws {
    let folder = try folder([
      "a.csv": "colour,age,x\nred,1,9\nyellow,150,8\nblue\n",
      "b.jsonl": #"{"colour": "green", "age": 42}"#,
    ])
    let read = try CodedRows(tablesIn: folder.path("root"), columns: [colour, age])
    #expect(read.codes == [0, 0, 3, 10, 1, 4] && read.count == 3)
    #expect(read.summary.rows == 4 && read.summary.used == 3)
    #expect(read.summary.missingValues == [1, 1] && read.summary.count(of: .wrongFieldCount) == 1)
    let packed = try TableSnapshotBuilder(
      root: folder.path("root"), rules: DatasetRules(columns: [colour, age])
    ).build(in: folder.path("state")).snapshot
    let frozen = (0..<packed.count).map { Array(packed.codes(of: $0)) }
    #expect(Set(frozen) == [[0, 0], [3, 10], [1, 4]] && packed.count == 3)
  }

  @Test func aRowWithoutARequiredValueIsLeftOut() throws {
    let folder = try folder(["a.csv": "age,sex\n5,f\n6,\n7,x\n"])
    let read = try CodedRows(table: folder.path("root") + "/a.csv", columns: [age, sex])
    #expect(read.codes == [0, 0] && read.summary.count(of: .missingValue) == 2)
    #expect(throws: DatasetError.noRows(root: folder.path("root") + "/a.csv")) {
      try folder.write(Array("age,sex\n6,\n".utf8), "root/a.csv")
      return try CodedRows(table: folder.path("root") + "/a.csv", columns: [age, sex])
    }
  }

  /// Otherwise the rarest of our own values would be missing from our own tables.
  @Test func whatTheWriterMarksAsNoFormulaIsReadBack() throws {
    let sign = ColumnDomain(name: "sign", values: .categories(["=1", "-", "ok"]))
    var writer = TableWriter(columns: [sign, age], format: .csv, seed: 1)
    let folder = try TestFolder()
    try folder.makeFolder("root")
    try folder.write(writer.header + writer.lines([0, 4, 1, 5, 2, 6, 3, 7]), "root/data.csv")
    let path = folder.path("root") + "/data.csv"
    let read = try CodedRows(table: path, columns: [sign, age], hasFormulaMarks: true)
    #expect(read.codes == [0, 4, 1, 5, 2, 6, 3, 7])
    // A table of somebody else means its apostrophes.
    let other = try CodedRows(table: path, columns: [sign, age])
    #expect(other.codes == [3, 4, 3, 5, 2, 6, 3, 7])
  }

  /// A text with an apostrophe of its own before such a sign is another text, also as the name of a column.
  @Test func textsThatDifferByTheMarkStayDifferent() throws {
    let sign = ColumnDomain(
      name: "-x", values: .categories(["=a", "'=a", "''=a", "'a", "a"]), allowsMissing: false)
    let columns = [sign, ColumnDomain(name: "'-x", values: age.values)]
    var writer = TableWriter(columns: columns, format: .csv, seed: 1)
    let folder = try TestFolder()
    try folder.makeFolder("root")
    let codes: [UInt8] = [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]
    try folder.write(writer.header + writer.lines(codes), "root/data.csv")
    let read = try? CodedRows(
      table: folder.path("root") + "/data.csv", columns: columns, hasFormulaMarks: true)
    #expect(read?.codes == codes)
  }

  @Test func linesOfJSONHaveNoMarks() throws {
    let sign = ColumnDomain(name: "s", values: .categories(["=x", "'=x"]))
    let folder = try folder(["a.jsonl": #"{"s": "'=x"}"# + "\n" + #"{"s": "=x"}"#])
    let read = try CodedRows(
      table: folder.path("root") + "/a.jsonl", columns: [sign], hasFormulaMarks: true)
    #expect(read.codes == [1, 0])
  }

  /// Readers of CSV pass over an empty line, and the row would be lost.
  @Test func aMissingValueOfASingleColumnIsARow() throws {
    var writer = TableWriter(columns: [age], format: .csv, seed: 1)
    let folder = try TestFolder()
    try folder.makeFolder("root")
    let missing = UInt8(try #require(age.missingCode))
    try folder.write(writer.header + writer.lines([1, missing, 2]), "root/data.csv")
    let path = folder.path("root") + "/data.csv"
    #expect(try CodedRows(table: path, columns: [age]).codes == [1, missing, 2])
  }

  @Test func tablesWithOtherColumnsAreRefused() throws {
    let folder = try folder(["a.csv": "colour\nred\n", "b.jsonl": #"{"colour": "red"}"#])
    for name in ["a.csv", "b.jsonl"] {
      let error = #expect(throws: DatasetError.self) {
        try CodedRows(table: folder.path("root") + "/" + name, columns: [colour, age])
      }
      #expect(
        error?.description.contains("has no column 'age'") == true
          || error?.description
            .contains("no row has a column 'age'") == true
      )
    }
    #expect(throws: DatasetError.self) {
      try CodedRows(table: folder.path("root") + "/a.txt", columns: [colour])
    }
    #expect(throws: DatasetError.self) { try CodedRows(tablesIn: "/none", columns: [colour]) }
  }

  @Test func anImageHasTheCodesOfItsRow() throws {
    let folder = try folder([
      "metadata.jsonl":
        #"{"file_name": "b/2.png", "age": 12, "sex": "f"}"# + "\n"
        + #"{"file_name": "b/1.png", "age": 31, "sex": "m"}"# + "\n"
    ])
    let files = ["a/0.png", "b/1.png", "b/2.png"].map { RelativePath(bytes: Array($0.utf8)) }
    let read = try CodedRows(ofImages: files, below: folder.path("root"), columns: [age])
    #expect(read.codes == [10, 3, 1] && read.summary.filesWithoutRow == 1)
    let strict = try CodedRows(ofImages: files, below: folder.path("root"), columns: [age, sex])
    #expect(strict.codes == [3, 1, 1, 0])
    let error = #expect(throws: DatasetError.self) {
      try CodedRows(ofImages: files, below: folder.path("root"), columns: [age, colour])
    }
    #expect(error?.description.contains("no row has a column 'colour'") == true)
  }
}
