import ArgumentParser
import Compute
import Control
import Datasets
import Evaluation
import FoundationEssentials
@_spi(PrivateZone) import Privacy
import Runs
import Testing

@testable import figmentd

/// `figmentd evaluate` on tables, and on images with a row of a table each.
@Suite struct EvaluateCommandTests {
  private let scratch = ScratchFolder()
  private let train = TextTable(count: 400, seed: 1)

  /// Three tables and a file of declarations.
  private func command(_ synthetic: String, _ more: [String] = []) throws -> EvaluateCommand {
    try scratch.write("train/a.csv", train.csv)
    try scratch.write("test/a.csv", TextTable(count: 300, seed: 2).csv)
    let columns = try scratch.write("columns.yaml", TextTable.declaration)
    return try EvaluateCommand.parse(
      [
        "--synthetic", synthetic, "--train", scratch.path + "/train", "--test",
        scratch.path + "/test",
      ] + (more.isEmpty ? ["--columns", columns] : more))
  }

  private func report(_ command: EvaluateCommand) throws -> ReportData {
    try command.report(
      SyntheticPlace(command.synthetic), command.columns.map(ColumnsFile.read), ProgressMeter())
  }

  @Test func aReleasedTableIsComparedWithFoldersOfTables() throws {
    let drawn = TextTable(count: 350, seed: 3)
    let file = try scratch.write("release/data.csv", drawn.csv)
    for place in [file, scratch.path + "/release", scratch.path + "/release/"] {
      let data = try report(command(place))
      let document = data.document(for: InternalReport.self)
      #expect(data.subtitle == "350 synthetic rows, 3 columns")
      let metrics = try JSONDecoder().decode(ReportMetrics.self, from: document.json()).metrics
      let measured = try #require(metrics["table_one_way_distance"]?.value)
      #expect(abs(measured - drawn.meanDistance(to: train)) < 1e-9)
      #expect(metrics["table_accuracy.sex"]?.value != nil)
      let text = ReportText(document).text
      #expect(!text.contains("real images") && !text.contains("Synthetic images"))
      #expect(
        data.document(for: ReleaseReport.self).subject == .rows && document.subject == .rows)
    }
  }

  @Test func aTableAndItsDeclarationBelongTogether() throws {
    let file = try scratch.write("release/data.csv", train.csv)
    func message(_ command: EvaluateCommand) -> String {
      do {
        _ = try report(command)
        return "no error"
      } catch { return ControlError(error).message }
    }
    #expect(
      message(try command(file, ["--quick"])).hasPrefix(
        "--columns: missing, and --synthetic is a table"))
    let other = try scratch.write("other.yaml", "height: {minimum: 0, maximum: 2, bins: 4}\n")
    #expect(
      message(try command(file, ["--columns", other])).contains("has no column 'height'"))
    #expect(message(try command(scratch.path + "/none")).contains("is missing"))
    let text = try scratch.write("release/data.txt", train.csv)
    #expect(message(try command(text)).contains("*.csv or *.jsonl expected"))
    let lines = try scratch.write("lines.jsonl", #"{"sex": "f", "age": 3}"# + "\n")
    #expect(message(try command(lines)).contains("no row has a column 'site'"))
    let folder = scratch.path + "/images"
    try GlyphGenerator(seed: 1).write(count: 16, to: folder)
    let place = try SyntheticPlace(folder)
    #expect(place.images == folder && place.table == nil)
    let sets = try images(folder)
    let error = #expect(throws: ControlError.self) {
      try TableSets(
        beside: sets, place, train: folder, test: folder, columns: TextTable.columns, say: { _ in })
    }
    #expect(error?.message.hasPrefix("--columns: given, and there is no table") == true)
  }

  @Test func rowsOfImagesComeFromTheTableBesideThem() throws {
    let release = scratch.path + "/release"
    let real = scratch.path + "/real"
    try GlyphGenerator(seed: 1).write(count: 16, to: release + "/data")
    try GlyphGenerator(seed: 2).write(count: 24, to: real)
    let drawn = try FolderScan(root: release + "/data").files
    let known = try FolderScan(root: real).files
    // One image has no row, one an age outside the domain, and a row names no image.
    try scratch.write(
      "release/metadata.jsonl",
      drawn.dropFirst().enumerated().map { number, file in
        #"{"file_name": "data/\#(file)", "sex": "m", "site": "-east", "age": \#(number == 0 ? 400 : 45)}"#
      }.joined(separator: "\n"))
    try scratch.write(
      "real/metadata.csv",
      "file_name,sex,site,age\nnone.png,f,north,3\n"
        + known.map { "\($0),f,north,3\n" }.joined())
    let place = try SyntheticPlace(release + "/data")
    #expect(place.table == .ofImages(folder: release, below: "data"))
    #expect(place.images == release + "/data" && place.release == release)
    try scratch.write("release/manifest.json", "{}")
    #expect(try SyntheticPlace(release).images == release + "/data")
    #expect(try SyntheticPlace(real).table == .ofImages(folder: real, below: ""))

    var said: [String] = []
    let tables = try TableSets(
      beside: ImageSets(
        synthetic: release + "/data", train: real, test: real, as: DatasetRules(),
        on: Machine(threadCount: 1), meter: ProgressMeter(), makeDecoder: { ImageCodec() }),
      place, train: real, test: real, columns: TextTable.columns, say: { said.append($0) })
    // The image without a row lacks its sex, which is required.
    let rows = tables.synthetic.value
    #expect(rows.rowCount == 15)
    #expect(
      (0..<15).map { Array(rows[$0]) } == [[1, 2, 5]] + Array(repeating: [1, 2, 2], count: 14))
    let trained = tables.train.revealed()
    #expect(trained.rowCount == 24 && Set((0..<24).map { Array(trained[$0]) }) == [[0, 0, 0]])
    #expect(said.count == 3 && said[0].hasPrefix("synthetic table: 15 of 15 rows used"))
    #expect(said[0].contains("outside the declared domain: age in 1 row"))
    #expect(said[1].contains("1 row: names a file that is not there"))
  }

  private func images(_ folder: String) throws -> ImageSets {
    try ImageSets(
      synthetic: folder, train: folder, test: folder, as: DatasetRules(),
      on: Machine(threadCount: 1), meter: ProgressMeter(), makeDecoder: { ImageCodec() })
  }
}
