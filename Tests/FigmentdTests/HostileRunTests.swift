import Compute
import Control
import Datasets
import FoundationEssentials
import Glibc
import Models
import Privacy
import Testing

@testable import Runs
@testable import figmentd

/// Runs that continue with files that somebody changed, copied or exchanged in between.
@Suite struct HostileRunTests {
  private static let rounds =
    (getenv("FIGMENT_FUZZ_ROUNDS").flatMap { Int(String(cString: $0)) } ?? 2_000) / 40

  /// The content of a bench's folder.
  private static let known: Set = [
    "images", "tiny.yaml", "internal", "checkpoints", "release", "unprotected", "ledgers", "marks",
  ]

  /// Stops a run at its `step`-th step.
  private func interrupt(_ bench: RunBench, at step: Int = 2) throws {
    let stop = StopSignal()
    let ending = try bench.run(stop: stop) { report in
      if case .progress(let progress) = report, progress.phase == .train, progress.done >= step {
        stop.raise()
      }
    }
    #expect(!ending.isFinished)
  }

  @Test func aRunWritesThroughNoLinkInItsOwnFolder() throws {
    let bench = try RunBench()
    try interrupt(bench)
    let elsewhere = bench.scratch.path + "/elsewhere"
    try DurableFile.makeFolder(elsewhere)
    try DurableFile.write(Data("mine".utf8), to: elsewhere + "/file")
    let curves = bench.places.internalFiles + "/metrics.jsonl"
    for (place, target) in [
      (curves, elsewhere + "/file"), (bench.places.checkpoints, elsewhere),
      (bench.places.internalFiles + "/previews", elsewhere),
    ] {
      let kept = place + "-kept"
      let isThere = rename(place, kept) == 0
      try makeLink(at: place, to: target)
      #expect(throws: (any Error).self, "\(place)") { try bench.run() }
      #expect(try DurableFile.names(in: elsewhere) == ["file"], "\(place)")
      #expect(try DurableFile.read(elsewhere + "/file") == Data("mine".utf8))
      unlink(place)
      if isThere { #expect(rename(kept, place) == 0) }
    }
    #expect(try bench.run().isFinished)
  }

  /// All files of a run except its images, with their content.
  private func files(of bench: RunBench) throws -> [String: Data] {
    try FolderTree.files(in: bench.scratch.path).filter { !$0.hasPrefix("images/") }
      .reduce(into: [:]) { $0[$1] = try DurableFile.read("\(bench.scratch.path)/\($1)") }
  }

  private func restore(_ files: [String: Data], of bench: RunBench) throws {
    for name in try DurableFile.names(in: bench.scratch.path) where name != "images" {
      try FolderTree.remove("\(bench.scratch.path)/\(name)")
    }
    for (name, data) in files {
      let path = "\(bench.scratch.path)/\(name)"
      try DurableFile.makeFolder(path.split(separator: "/").dropLast().reduce("") { "\($0)/\($1)" })
      try data.write(to: URL(filePath: path))
    }
  }

  /// Continues a run with changed files: it ends with an error in words, or with the numbers of its ledger.
  private func goOn(_ bench: RunBench, atLeast spent: Int, _ damage: String) {
    do {
      guard case .finished(let results) = try bench.run() else { return }
      let history = try bench.history()
      let charged = try history.spent(by: bench.order.name).total
      #expect(charged >= spent && results.steps ?? 0 <= charged, "\(damage)")
      #expect(
        try results.epsilon ?? 0 >= history.cost(of: bench.order.name, atDelta: 1e-5).epsilon
          * 0.999_999,
        "\(damage)")
    } catch {
      let message = ControlError(error).message
      #expect(message.count > 20 && !message.contains("unexpected error"), "\(damage): \(message)")
      if let history = try? bench.history() { #expect(history.spent.total >= spent, "\(damage)") }
    }
  }

  @Test(arguments: [RunBench.recipe(side: 8, steps: 6), RunBench.pixelRecipe(steps: 6)])
  func aRunOnChangedFilesEndsInWordsOrAsItsLedgerSays(_ recipe: String) throws {
    let bench = try RunBench(answers: ["class-counts": 1], recipe: recipe)
    try interrupt(bench)
    let (whole, spent) = (try files(of: bench), try bench.history().spent.total)
    #expect(whole.count > 8 && spent >= 3)
    let names = whole.keys.sorted()
    var damage = FileDamage(seed: 5)
    let others = names.compactMap { whole[$0] }
    for round in 0..<Self.rounds {
      try restore(whole, of: bench)
      let name = names[round % names.count]
      let changed = damage.changed(whole[name] ?? Data(), others: others)
      try changed.write(to: URL(filePath: "\(bench.scratch.path)/\(name)"))
      // Losses of marks and ledgers have their own tests; no file of a run may hide them.
      goOn(bench, atLeast: spent, "round \(round), \(name)")
      #expect(
        try Set(DurableFile.names(in: bench.scratch.path)).isSubset(of: Self.known),
        "round \(round)")
    }
  }

  /// Steps continue from the number in a checkpoint: no number may crash the process.
  @Test(arguments: [RunBench.recipe(side: 8, steps: 6), RunBench.pixelRecipe(steps: 6)])
  func noCountOfACheckpointEndsARun(_ recipe: String) throws {
    let bench = try RunBench(recipe: recipe)
    try interrupt(bench)
    let (whole, spent) = (try files(of: bench), try bench.history().spent.total)
    let saved = try #require(try CheckpointFolder(path: bench.places.checkpoints).newest())
    for key in saved.checkpoint.metadata.keys.sorted() {
      for value in [
        "9223372036854775807", "-1", "nan", "inf", "-9223372036854775808", "1e300", "", "0",
      ] {
        try restore(whole, of: bench)
        var checkpoint = saved.checkpoint
        checkpoint.metadata[key] = value
        // With a checksum of its own: what a hand writes is read too.
        try DurableFile.write(try CheckpointSeal.encode(checkpoint), to: saved.path)
        goOn(bench, atLeast: spent, "\(key) \(value)")
      }
    }
  }

  @Test func aCheckpointOfAnotherRunIsNotTakenUp() throws {
    let (bench, other) = (try RunBench(), try RunBench(epsilon: nil))
    try interrupt(bench)
    try interrupt(other)
    try FolderTree.remove(bench.places.checkpoints)
    try DurableFile.makeFolder(bench.places.checkpoints)
    for name in try DurableFile.names(in: other.places.checkpoints) {
      try DurableFile.write(
        try DurableFile.read("\(other.places.checkpoints)/\(name)"),
        to: "\(bench.places.checkpoints)/\(name)")
    }
    let error = #expect(throws: ControlError.self) { try bench.run() }
    #expect(error?.message.contains("a checkpoint of another run") == true)
    #expect(try bench.history().releases.isEmpty)
  }

  /// A run without privacy has no ledger that records its plan.
  @Test(arguments: [
    (#""population":64"#, #""population":0"#), (#""steps":40}"#, #""steps":-1}"#),
    (#""batch_size":16,"population""#, #""batch_size":9223372036854775807,"population""#),
    (#""height":8"#, #""height":9223372036854775807"#), (#""channels":1"#, #""channels":2"#),
    (#""width":8"#, #""width":28"#), (#""arrow","#, ""), (#""arrow""#, #""../arrow""#),
    (#""latent_size":4"#, #""latent_size":-4"#),
  ])
  func aDesignThatNoOrderGivesIsRefused(_ change: (old: String, new: String)) throws {
    let bench = try RunBench(epsilon: nil)
    try interrupt(bench)
    let file = bench.places.internalFiles + "/design.json"
    let changed = try bench.text(file).replacing(change.old, with: change.new)
    #expect(try changed != bench.text(file), "the design has \(change.old)")
    try DurableFile.write(Data(changed.utf8), to: file)
    let error = #expect(throws: ControlError.self) { try bench.run() }
    #expect(error?.message.contains("design.json") == true, "\(error?.message ?? "")")
  }

  @Test func aCopyOfARunsFilesMakesNoSecondSetOfOneName() throws {
    let bench = try RunBench()
    try interrupt(bench)
    var copy = bench
    let place = bench.scratch.path + "/copy"
    try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
    try FileManager.default.copyItem(
      atPath: bench.places.internalFiles, toPath: place + "/internal")
    try FileManager.default.copyItem(
      atPath: bench.places.checkpoints, toPath: place + "/checkpoints")
    copy.places = RunPlaces(
      internalFiles: place + "/internal", checkpoints: place + "/checkpoints",
      release: place + "/release/run", unprotected: place + "/unprotected/run",
      ledgers: bench.places.ledgers, ledgerMarks: bench.places.ledgerMarks)
    #expect(try copy.run().isFinished)
    let error = #expect(throws: ControlError.self) { try bench.run() }
    #expect(error?.message.contains("a release that these files did not make") == true)
    #expect(try bench.history().releases.count == 1)
    #expect(access(bench.places.release, F_OK) != 0)
    // The original may draw again.
    copy.order.count = 20
    #expect(try copy.run().isFinished)
  }

  @Test func aRecordOfUnfinishedSetsNamesNothingElseForRemoval() throws {
    let bench = try RunBench()
    let folder = bench.scratch.path + "/release"
    let others = ["thesis", ".figment-other-0123456789ab.tmp", ".figment-run-notes.tmp"]
    for name in others { try DurableFile.makeFolder("\(folder)/\(name)/pages") }
    let names = (others + ["..", ".", "", "../images"]).map { "\"\($0)\"" }.joined(separator: ",")
    try DurableFile.makeFolder(bench.places.internalFiles)
    try DurableFile.write(
      Data(#"{"manifests":[],"unfinished":[\#(names)]}"#.utf8),
      to: bench.places.internalFiles + "/published.json")
    #expect(try bench.run().isFinished)
    #expect(try DurableFile.names(in: folder) == (others + ["run"]).sorted())
    #expect(try DurableFile.names(in: bench.scratch.path + "/images").count == 8)
  }

  /// A statement covers one model, so neither may belong to another release.
  @Test(arguments: ["privacy.json", "model/generator.safetensors", "manifest.json"])
  func aReleaseWhoseStatementOrModelWasChangedDrawsNothing(_ name: String) throws {
    let bench = try RunBench()
    #expect(try bench.run().isFinished)
    let machine = Machine(threadCount: 1)
    let release = bench.places.release
    #expect(try ReleasedModel(release, on: machine).statement != nil)
    let place = SetPlace(release, internalFiles: bench.places.internalFiles)
    #expect(try place.ownFile("privacy.json") != nil)
    let data = try DurableFile.read("\(release)/\(name)")
    try DurableFile.write(data + Data(" ".utf8), to: "\(release)/\(name)")
    // The release alone cannot reveal a change of its manifest; the run that made it can.
    if name != "manifest.json" {
      let error = #expect(throws: ModelFileError.self) { try ReleasedModel(release, on: machine) }
      #expect(error?.description.contains("generator.safetensors") == true)
    }
    if name != "model/generator.safetensors" {
      let error = #expect(throws: ControlError.self) { try place.ownFile("privacy.json") }
      #expect(error?.message.contains("privacy.json: it is not as its run wrote it") == true)
    }
  }
}
