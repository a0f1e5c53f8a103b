import Compute
import Control
import Datasets
import Foundation
import Glibc
import Models
import Privacy
import Synchronization
import Testing

@testable import Runs
@testable import figmentd

/// Runs that learn rows of a table, alone and beside images.
@Suite struct TableRunTests {
  private static let columns = [
    ColumnDomain(name: "site", values: .categories(["north", "=south"]), allowsMissing: false),
    ColumnDomain(
      name: "age", values: .numbers(minimum: 0, maximum: 99, bins: 5, areIntegers: true)),
    ColumnDomain(name: "finding", values: .categories(["none", "some"]), allowsMissing: false),
  ]

  /// Writes a table of 200 rows in which findings depend on the age; `isOther` changes nothing that is declared.
  private static func write(to folder: String, isOther: Bool = false) throws {
    try DurableFile.makeFolder(folder)
    var rows = (0..<200).map { number -> String in
      let age = (number * 37) % 100
      let text = number % 20 == 0 ? (isOther ? "unknown" : "-5") : "\(age)"
      let site = number % 3 == 0 ? "north" : "=south"
      return isOther
        ? "\(age > 50 ? "some" : "none"),\"\(text)\",person \(number), \(site)"
        : "\(site),\(text),\(age > 50 ? "some" : "none")"
    }
    if isOther { rows.reverse() }
    let header = isOther ? "finding,age,name,site" : "site,age,finding"
    let text = ([header] + rows).joined(separator: "\r\n") + "\r\n"
    try DurableFile.write(Data(text.utf8), to: folder + "/rows.csv")
  }

  private static func bench(
    _ mode: String = "correlated", count: Int = 300, answers: [String: Double] = [:],
    columns: [ColumnDomain] = Self.columns
  ) throws -> RunBench {
    var bench = try RunBench(
      drawn: 0, count: count, answers: answers, rules: DatasetRules(columns: columns),
      recipe: RunBench.tableRecipe(mode: mode))
    let root = bench.scratch.path + "/table"
    try write(to: root)
    bench.order = bench.order.on(root)
    return bench
  }

  /// What the owner is told during a run, which must finish.
  private static func told(by bench: RunBench) throws -> [String] {
    let (told, error) = told(byAny: bench)
    #expect(error == nil)
    return told
  }

  /// What the owner is told during a run, and the error with which it ends.
  private static func told(byAny bench: RunBench) -> ([String], (any Error)?) {
    let told = Mutex<[String]>([])
    let run = TrainingRun(
      bench.order, at: bench.places, on: Machine(threadCount: 1), stop: StopSignal(),
      makeDecoder: { ImageCodec() }, report: { _ in })
    run.tellOwner = { text in told.withLock { $0.append(text) } }
    do {
      #expect(try run.run().isFinished)
      return (told.withLock { $0 }, nil)
    } catch { return (told.withLock { $0 }, error) }
  }

  /// A failure is seen by callers with read access, and a table may have the name of a person.
  @Test func theTableThatStopsARunIsNamedToTheOwnerAlone() throws {
    let bench = try Self.bench()
    try DurableFile.write(Data("site;age\n".utf8), to: bench.order.root + "/mary.csv")
    let (told, error) = Self.told(byAny: bench)
    #expect(told == ["stopped at table mary.csv"])
    let message = try #require(error as? ControlError).message
    #expect(message.contains("separated by semicolons") && !message.contains("mary"), "\(message)")
  }

  @Test func aTableAloneIsLearntAndReleased() throws {
    let bench = try Self.bench()
    #expect(try bench.run().isFinished)
    #expect(try bench.charges() == ["one-way marginals": 1, "rounds": 6])
    #expect(try bench.history().cost(atDelta: 1e-5).epsilon <= 4)
    let lines = try bench.text(bench.places.release + "/data.csv").split(separator: "\r\n")
    #expect(lines.count == 301 && lines[0] == "site,age,finding")
    // A spreadsheet would run a text that begins with an equals sign.
    #expect(lines.contains { $0.hasPrefix("\"'=south\",") })
    for line in lines.dropFirst() {
      let fields = line.split(separator: ",", omittingEmptySubsequences: false)
      #expect(
        ["north", "\"'=south\""].contains(fields[0]) && ["none", "some"].contains(fields[2]))
      #expect(fields[1].isEmpty || Int(fields[1]).map((0...99).contains) == true)
    }
    // Old people have findings: a network of pairs learns it even from 200 rows.
    let old = lines.dropFirst().filter {
      Int($0.split(separator: ",", omittingEmptySubsequences: false)[1]).map { $0 >= 60 } == true
    }
    #expect(Double(old.count { $0.hasSuffix("some") }) > 0.7 * Double(old.count))
    let statement = try bench.text(bench.places.release + "/privacy.json")
    #expect(statement.contains("\"row\"") && statement.contains("choice_epsilon"))
    let page = try bench.text(bench.places.release + "/PRIVACY.md")
    #expect(page.contains("one row of a table") && page.contains("the names and domains"))
    #expect(try bench.text(bench.places.release + "/README.md").contains("300 synthetic rows"))
    let names = try FolderTree.files(in: bench.places.release)
    #expect(!names.contains { $0.hasSuffix(".png") || $0 == "metadata.jsonl" })
    #expect(names.contains("report.html") && names.contains("model/generator.safetensors"))
  }

  /// What is not declared decides nothing: other columns, the order of rows and columns, quotes, and which value
  /// outside its domain it was.
  @Test func tablesThatDifferInNothingDeclaredGiveTheSameRelease() throws {
    let releases = try [false, true].map { isOther in
      let bench = try Self.bench(count: 40)
      try Self.write(to: bench.order.root, isOther: isOther)
      let conditions = SharedConditions(seed: 3).make()
      #expect(try bench.run(under: conditions).isFinished)
      return try ["data.csv", "model/generator.safetensors"].map {
        try DurableFile.read("\(bench.places.release)/\($0)")
      }
    }
    #expect(releases[0] == releases[1])
  }

  /// Persons named by another column are other persons: one of the former may be many of the latter.
  @Test func theColumnThatNamesPersonsCannotChange() throws {
    var bench = try Self.bench("independent", count: 20)
    let lines = (0..<60).map { "\($0 % 20),\($0),north,\($0),none" }
    try DurableFile.write(
      Data((["patient,visit,site,age,finding"] + lines).joined(separator: "\n").utf8),
      to: bench.order.root + "/rows.csv")
    let rules = { (column: String) in
      DatasetRules(
        privacyUnit: .folder, maximumPerUnit: 3, columns: Self.columns, personColumn: column)
    }
    bench.order.rules = rules("patient")
    #expect(try bench.run().isFinished)
    let page = try bench.text(bench.places.release + "/PRIVACY.md")
    #expect(page.contains("all rows of one person (column 'patient'), at most 3"))
    // The same command with another column is another run, also after the end.
    var repeated = bench
    repeated.order.rules = rules("visit")
    let error = #expect(throws: (any Error).self) { try repeated.run() }
    let refusal = String(describing: error)
    #expect(refusal.contains("a ledger's unit cannot change"))
    #expect(refusal.contains("(column 'patient')") && refusal.contains("(column 'visit')"))
    // A second run on the folder would add up persons and visits.
    let foreign = #expect(throws: (any Error).self) {
      try bench.next(named: "second", rules: rules("visit")).run()
    }
    #expect("\(String(describing: foreign))".contains("a ledger's unit cannot change"))
    #expect(try bench.next(named: "third", rules: rules("patient")).run().isFinished)
  }

  @Test func aRunThatIsStoppedBetweenRoundsEndsWithAnExactLedger() throws {
    let bench = try Self.bench()
    let stop = StopSignal()
    _ = try bench.run(stop: stop) { report in
      if case .progress(let progress) = report, progress.name == "rounds", progress.done == 3 {
        stop.raise()
      }
    }
    #expect(stop.isRaised, "the place was never reached")
    #expect(try bench.run().isFinished)
    #expect(try bench.charges() == ["one-way marginals": 1, "rounds": 6])
    let history = try bench.history()
    #expect(history.openReservationCount == 0 && !history.isAdaptive)
  }

  @Test func imagesWhoseTableHasNoDeclaredColumnAreRefusedBeforeAnythingIsSpent() throws {
    let bench = try RunBench(recipe: RunBench.attributedRecipe(steps: 4))
    let error = #expect(throws: ControlError.self) { try bench.run() }
    #expect(error?.message.contains("learns the columns of a table, and none is declared") == true)
    #expect(throws: ControlError.self) {
      try bench.order.requirePossible(units: nil) { LedgerHistory() }
    }
    #expect(try bench.history().spent.total == 0)
  }

  /// A domain that does not fit makes every value missing: the owner must see it before the budget is spent.
  @Test func theOwnerIsToldWhichValuesAreMissing() throws {
    let bench = try Self.bench("independent", count: 5)
    let told = try Self.told(by: bench)
    #expect(told.first == "200 of 200 rows used")
    let words =
      "missing in used rows: age in 10 rows\nvalues outside the declared domain: age in 10 rows ("
    #expect(told.count == 2 && told.last?.hasPrefix(words) == true)
    #expect(told.last?.hasSuffix("; …)") == true, "the first lines of many")
  }

  @Test func aTableWithoutDeclaredColumnsIsRefusedBeforeAnythingIsRead() throws {
    var bench = try RunBench(drawn: 0, recipe: RunBench.tableRecipe())
    let root = bench.scratch.path + "/table"
    try Self.write(to: root)
    bench.order = bench.order.on(root)
    let error = #expect(throws: ControlError.self) { try bench.run() }
    #expect(error?.message.contains("column") == true, "\(error?.message ?? "")")
    #expect(try DurableFile.names(in: bench.places.ledgers).isEmpty)
  }

  /// A plan reports the memory of its process, and callers who may not see the rows see plans.
  @Test func aPlanOfADeclaredNumberOfRowsReadsNoRow() throws {
    let scratch = ScratchFolder()
    _ = try scratch.write("tiny-table.yaml", RunBench.tableRecipe())
    // The folder is there, and no table in it.
    try DurableFile.makeFolder(scratch.path + "/table")
    let state = try StateDirectory(scratch.path + "/state")
    let engine = LocalEngine(recipes: scratch.path, threads: 1, state: state.paths) { _, _ in
      Issue.record("files are counted")
      return FileUse(units: 0)
    }
    var dataset = DatasetConfiguration(
      name: "visits", root: scratch.path + "/table",
      policy: PrivacyPolicy(epsilonMaximum: 8, delta: 1e-5))
    dataset.columns = Self.columns
    dataset.population = 1_000
    let request = PlanRequest(dataset: "visits", recipe: "tiny-table", epsilon: 2)
    let report = try engine.plan(request, dataset: dataset)
    #expect(report.isTable == true && report.usableImages == nil)
    // One class: no column beside the declared ones.
    #expect(report.phases?.map(\.name) == ["one-way marginals", "rounds", "drawing"])
    #expect(report.privacy?.clipNorm == 3.0.squareRoot())
    #expect(report.privacy?.statement.hasPrefix("All 2 phases with noise together: (") == true)
    dataset.population = nil
    #expect(throws: ControlError.self) { try engine.plan(request, dataset: dataset) }
    try Self.write(to: dataset.root)
    #expect(try engine.plan(request, dataset: dataset).usableImages == 200)
  }

  @Test func aReleasedTableModelDrawsMoreRows() throws {
    let bench = try Self.bench("independent", count: 20)
    #expect(try bench.run().isFinished)
    let released = try ReleasedModel(bench.places.release, on: Machine(threadCount: 1))
    #expect(released.recipe.columns == Self.columns)
    let model = try #require(released.model as? any TableModel)
    let rows = model.rows(for: SampleRequest(labels: [0, 0, 0], seed: 9))
    #expect(rows.count == 3 && rows.allSatisfy { $0.codes.count == 3 })
    #expect(model.rows(for: SampleRequest(labels: [0, 0, 0], seed: 9)) == rows)
  }

  /// Every number and text of the columns in a model file may have any value, since anyone may have written it.
  @Test func noRecipeOfATableModelTraps() throws {
    let bench = try Self.bench("independent", count: 5)
    #expect(try bench.run().isFinished)
    let whole = try Safetensors.decode(
      DurableFile.read(bench.places.release + "/model/generator.safetensors"))
    let text = try #require(whole.metadata["recipe"])
    let numbers = FileDamage.tokens(of: Data(text.utf8)).numbers
    var changed = numbers.flatMap { place in
      (FileDamage.numbers + ["2", "1e300", "-1e300", "0.5"]).map { value in
        var bytes = Data(text.utf8)
        bytes.replaceSubrange(place, with: value.utf8)
        return String(decoding: bytes, as: UTF8.self)
      }
    }
    let refused = ["a\\nb", "label", "../x", "", String(repeating: "long", count: 100_000)].map {
      text.replacingOccurrences(of: "\"age\"", with: "\"\($0)\"")
    }
    changed += refused
    let path = bench.scratch.path + "/generator.safetensors"
    var drawnCount = 0
    for text in changed {
      var checkpoint = whole
      checkpoint.metadata["recipe"] = text
      try Safetensors.encode(checkpoint).write(to: URL(filePath: path))
      do {
        let released = try ReleasedModel(path, on: Machine(threadCount: 1))
        let model = try #require(released.model as? any TableModel)
        let codes = model.rows(for: SampleRequest(labels: [0, 0], seed: 1)).flatMap(\.codes)
        var writer = TableWriter(columns: released.recipe.columns, format: .csv, seed: 1)
        #expect(!writer.lines(codes).isEmpty && !refused.contains(text), "\(text)")
        drawnCount += 1
      } catch {
        let message = ControlError(error).message
        #expect(message.contains(path) && message.count < 800, "\(message)")
      }
    }
    #expect(numbers.count >= 5 && drawnCount > 5 && drawnCount < changed.count / 2)
  }

  /// Rounds choose what the network describes worst; without the tables of columns there is none, and rows would be noise.
  @Test func aRunThatLostItsTablesOfColumnsIsNotPublishedInAnyCase() throws {
    struct Killed: Error {}
    var bench = try Self.bench(count: 5)
    var conditions = RunConditions()
    conditions.writeCheckpoint = { data, path in
      if path.hasSuffix("step-1.safetensors") { throw Killed() }
      try DurableFile.write(data, to: path)
    }
    #expect(throws: Killed.self) { try bench.run(under: conditions) }
    let spent = try bench.history().spent
    for allows in [false, true] {
      bench.order.allowsFewerSteps = allows
      let error = #expect(throws: ControlError.self) { try bench.run() }
      #expect(error?.message.contains("nothing was learnt in this phase") == true)
    }
    #expect(try bench.history().spent == spent)
    #expect(access(bench.places.release, F_OK) != 0)
  }

  /// A misspelt category or a range of another unit: the owner sees it before the budget is spent.
  @Test func theOwnerIsWarnedOfADomainThatDoesNotFit() throws {
    let bench = try Self.bench(
      "independent", count: 5,
      columns: [
        ColumnDomain(name: "site", values: .categories(["Nord", "Sued"])),
        ColumnDomain(name: "finding", values: .categories(["none", "some"])),
      ])
    let text = try Self.told(by: bench).joined(separator: "\n")
    #expect(text.contains("outside the declared domain: site in 200 rows"))
    #expect(text.contains("Warning: most values of site lie outside"), "\(text)")
    #expect(!text.contains("most values of site, finding"))
  }

  /// Whoever gets a set that is mostly noise reads it there, too.
  @Test func aReleaseOfNoiseSaysSo() throws {
    var bench = try Self.bench("independent", count: 5)
    bench.order = bench.order.costing(0.05)
    #expect(try bench.run().isFinished)
    let report = try bench.text(bench.places.release + "/report.json")
    #expect(report.contains("rows that show little or nothing but noise"))
    #expect(report.contains("Noise alone changes up to about"))
    let card = try bench.text(bench.places.release + "/README.md")
    #expect(card.contains("Noise alone changes up to about"))
  }

  @Test func answersThatAreComputedFromImagesAreRefusedForATable() throws {
    for answer in ["class-means", "class-counts", "accuracy"] {
      let bench = try Self.bench("independent", count: 5, answers: [answer: 0.5])
      let error = #expect(throws: ControlError.self) { try bench.run() }
      #expect(error?.message.contains("learns a table alone") == true, "\(error?.message ?? "")")
      #expect(try bench.history().spent.total == 0)
    }
  }

  /// As many as a network can have, because a table has no class beside its columns.
  @Test func sixtyFourColumnsAreLearnt() throws {
    let columns = (0..<64).map {
      ColumnDomain(name: "c\($0)", values: .categories(["a", "b"]), allowsMissing: false)
    }
    let bench = try Self.bench("independent", count: 5, columns: columns)
    let row = Array(repeating: "a", count: 64).joined(separator: ",") + "\n"
    let text =
      columns.map(\.name).joined(separator: ",") + "\n" + String(repeating: row, count: 50)
    try DurableFile.write(Data(text.utf8), to: bench.order.root + "/rows.csv")
    #expect(try bench.run().isFinished)
  }

  @Test func aSetOfRowsNeedsTheDiskOfItsText() throws {
    let bench = try Self.bench()
    let need = DiskNeed(recipe: bench.order.recipe, count: 1_000_000, checkpointBytes: 0)
    // Of text at most 60 bytes a row, and the reports.
    #expect((30_000_000...90_000_000).contains(need.setBytes), "\(need.setBytes)")
  }

  /// The row beside an image is the one for which it was drawn.
  @Test func everyImageOfAReleaseHasItsRow() throws {
    var bench = try RunBench(
      drawn: 64, count: 30,
      rules: DatasetRules(columns: Array(Self.columns.prefix(2))),
      recipe: RunBench.attributedRecipe(steps: 4))
    let files = try FolderTree.files(in: bench.order.root).filter { $0.hasSuffix(".png") }.sorted()
    let rows = files.enumerated().map { "\($1),\($0 % 2 == 0 ? "north" : "=south"),\($0)" }
    let table = (["file_name,site,age"] + rows).joined(separator: "\n")
    try DurableFile.write(Data(table.utf8), to: bench.order.root + "/metadata.csv")
    bench.order = bench.order.on(bench.order.root)
    #expect(try bench.run().isFinished)
    #expect(
      try bench.charges().keys.sorted() == ["one-way marginals", "rounds", "training"])
    let released = try ReleasedModel(bench.places.release, on: Machine(threadCount: 1))
    let model = try #require(released.model as? any TableModel)
    let seed = try #require(bench.order.seed) &+ 1
    let labels = model.labels(count: 30, seed: seed)
    let drawn = model.rows(for: SampleRequest(labels: labels, seed: seed))
    let lines = try bench.text(bench.places.release + "/metadata.jsonl").split(separator: "\n")
    #expect(lines.count == 30)
    for (line, row) in zip(lines, drawn) {
      let own = try JSONDecoder().decode(Line.self, from: Data(line.utf8))
      #expect(own.label == released.classes[row.label])
      #expect(own.site == (row.codes[0] == 0 ? "north" : "=south"))
      #expect(own.age.map { $0 / 20 } == (row.codes[1] == 5 ? nil : Int(row.codes[1])))
      #expect(own.file_name.hasPrefix("data/\(own.label)/"))
    }
  }

  private struct Line: Decodable {
    let file_name: String
    let label: String
    let site: String
    let age: Int?
  }
}

extension RunOrder {
  /// The same order with another epsilon.
  fileprivate func costing(_ epsilon: Double) -> RunOrder {
    RunOrder(
      name: name, dataset: dataset, root: root, rules: rules, recipe: recipe,
      loss: .epsilon(epsilon), delta: delta, budget: budget, count: count, seed: seed)
  }

  /// The same order on another root.
  fileprivate func on(_ root: String) -> RunOrder {
    RunOrder(
      name: name, dataset: dataset, root: root, rules: rules, recipe: recipe, loss: loss,
      permission: permission, delta: delta, budget: budget, isHardened: isHardened,
      answers: answers, count: count, seed: seed)
  }
}
