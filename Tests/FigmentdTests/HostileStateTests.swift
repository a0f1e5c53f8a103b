import Compute
import Control
import Datasets
import Evaluation
import FoundationEssentials
import Glibc
import Models
import Privacy
import Testing

@testable import Runs
@testable import figment
@testable import figmentd

/// Files of the state that a disk, a hand or somebody else changed: each is read as one of ours or refused in
/// words that name it, whatever it holds.
@Suite struct HostileStateTests {
  private static let machine = Machine(threadCount: 1)

  /// More with `FIGMENT_FUZZ_ROUNDS`.
  private static let rounds =
    (getenv("FIGMENT_FUZZ_ROUNDS").flatMap { Int(String(cString: $0)) } ?? 2_000) / 5

  /// A kind of file, and all that is made of what it says.
  struct Kind: CustomTestStringConvertible, Sendable {
    let name: String
    let read: @Sendable (RunPlaces) throws -> Void
    var testDescription: String { name }
  }

  private static let kinds = [
    Kind(name: "internal/design.json") { places in
      guard let design = try ResolvedPlan.saved(in: places.internalFiles) else { return }
      _ = try ControlError.translating { try EventTally(design.event) }
      _ = TrainingPreviews(in: places.internalFiles, design)
    },
    Kind(name: "internal/images.json") { try openImages($0) },
    Kind(name: "internal/images.pack") { try openImages($0) },
    Kind(name: "internal/results.json") { places in
      guard let results = try ResultsFile.read(in: places.internalFiles, count: 12) else {
        return
      }
      _ = results.privacyText
    },
    Kind(name: "internal/published.json") { places in
      let place = SetPlace(
        places.release + "-new", internalFiles: places.internalFiles)
      _ = try place.recordedManifests()
      try place.begin()
      place.discard()
    },
    Kind(name: "internal/metrics.jsonl") { places in
      _ = try TrainingCurves(in: places.internalFiles, steps: 40, family: DPGAN.self)
      try MetricsFile.forget(after: 7, in: places.internalFiles)
    },
    Kind(name: "internal/class_counts.json") { try readAnswers($0) },
    Kind(name: "internal/accuracy.json") { try readAnswers($0) },
    Kind(name: "internal/run-name") { places in
      let name = try RunName.ofRun("run", at: "/out", in: places.internalFiles)
      #expect(name.hasPrefix("run-") && !name.contains("/") && name.count < 120)
    },
    Kind(name: "internal/previews/step-40.png") { places in
      let design = try ResolvedPlan.saved(in: places.internalFiles)
      _ = try TrainingPreviews(
        in: places.internalFiles, try #require(design)
      ).sheets()
    },
    Kind(name: "release/run/manifest.json") { places in
      let place = SetPlace(places.release, internalFiles: places.internalFiles)
      let isOwn = try place.isOwn(places.release)
      #expect(!isOwn)
    },
    Kind(name: "release/run/privacy.json") { places in
      let file = places.release + "/privacy.json"
      _ = DrawnSetReadme.Guarantee(statement: try DurableFile.read(file))
      _ = try ReleasedPosition(places.release)
      _ = try StateFormat.read(PrivacyStatement.self, at: file).markdown
    },
  ]

  private static func openImages(_ places: RunPlaces) throws {
    let folder = places.internalFiles
    let design = try #require(try ResolvedPlan.saved(in: folder))
    let images = try FrozenImages.open(named: design.snapshot, in: folder, run: "run").snapshot
    try design.requireForm(of: images, run: "run")
    for index in 0..<images.count {
      _ = (images.label(of: index), images.unit(of: index), images.pixels(of: index).last)
    }
  }

  private static func readAnswers(_ places: RunPlaces) throws {
    var answers = PaidAnswers()
    for kind in PaidAnswers.kinds { answers.add(try saved(kind, places.internalFiles)) }
    _ = (answers.words, answers.contents, answers.tables, answers.accuracyForVerdict)
  }

  private static func saved<Answer: PaidAnswer>(
    _ kind: Answer.Type, _ folder: String
  ) throws -> Releasable<any PaidAnswer>? {
    try kind.saved(in: folder).map { $0.map { $0 as any PaidAnswer } }
  }

  /// A finished run with all its files; trained once, since reading is what is tested.
  private static let trained = Result {
    let bench = try RunBench(answers: ["class-counts": 1, "accuracy": 1])
    #expect(try bench.run().isFinished)
    try RunName.keep("run-0123456789ab", in: bench.places.internalFiles)
    return bench
  }

  /// A copy of the files of a finished run, in a folder that is gone after the test.
  private func finished() throws -> (folder: ScratchFolder, places: RunPlaces) {
    let (bench, copy) = (try Self.trained.get(), ScratchFolder())
    for name in ["internal", "release"] {
      try FileManager.default.copyItem(
        atPath: "\(bench.scratch.path)/\(name)", toPath: "\(copy.path)/\(name)")
    }
    return (
      copy,
      RunPlaces(
        internalFiles: copy.path + "/internal", checkpoints: copy.path + "/checkpoints",
        release: copy.path + "/release/run", unprotected: copy.path + "/unprotected/run",
        ledgers: copy.path + "/ledgers", ledgerMarks: copy.path + "/marks")
    )
  }

  /// What is wrong with a refusal; nil for nothing.
  private func problem(of error: any Error, naming file: String) -> String? {
    let message = ControlError(error).message
    for raw in ["unexpected error", "Error.", "(operation:", "Optional(", "Context("]
    where message.contains(raw) { return "raw: \(message.prefix(300))" }
    let name = file.split(separator: "/").last ?? ""
    if !message.contains(name) { return "names no file: \(message.prefix(300))" }
    return message.utf8.count > 2_000 ? "\(message.utf8.count) bytes" : nil
  }

  @Test(arguments: kinds) func aChangedFileIsReadOrRefusedByName(_ kind: Kind) throws {
    let (folder, places) = try finished()
    defer { withExtendedLifetime(folder) {} }
    let path = "\(folder.path)/\(kind.name)"
    let whole = try DurableFile.read(path)
    let others = try Self.kinds.map { try DurableFile.read("\(folder.path)/\($0.name)") }
    var damage = FileDamage(seed: UInt64(kind.name.utf8.count))
    var (refused, problems) = (0, Set<String>())
    for round in 0..<Self.rounds {
      // Without its checksum a file is one of an earlier version: its values are believed and must be possible.
      let start = round.isMultiple(of: 2) ? whole : Self.unsealed(whole)
      let changed = damage.changed(start, others: others)
      guard changed != whole else { continue }
      try Data(changed).write(to: URL(filePath: path))
      do { try kind.read(places) } catch {
        refused += 1
        if let problem = problem(of: error, naming: path) { problems.insert(problem) }
      }
    }
    #expect(problems.isEmpty, "\(problems.prefix(5).joined(separator: "\n"))")
    #expect(
      refused > 0
        || ["metrics.jsonl", "step-40.png", "manifest.json"].contains { path.hasSuffix($0) })
  }

  /// A record as an earlier version would have written it.
  static func unsealed(_ record: Data) -> Data {
    let text = String(decoding: record, as: UTF8.self)
    guard text.contains("\"checksum\"") else { return record }
    return Data(text.replacing("\"checksum\"", with: "\"former\"").utf8)
  }

  @Test(arguments: kinds) func whatIsNoFileIsRefusedAtOnce(_ kind: Kind) throws {
    let (folder, places) = try finished()
    defer { withExtendedLifetime(folder) {} }
    let path = "\(folder.path)/\(kind.name)"
    let makers: [(String) throws -> Void] = [
      { try DurableFile.makeFolder($0 + "/within") }, { mkfifo($0, 0o600) },
      { try makeLink(at: $0, to: "/dev/zero") }, { try makeLink(at: $0, to: $0) },
      { try Data().write(to: URL(filePath: $0)) },
      {
        try Data().write(to: URL(filePath: $0))
        truncate($0, 1 << 40)
      },
    ]
    for (place, make) in makers.enumerated() {
      try FolderTree.remove(path)
      try make(path)
      do { try kind.read(places) } catch {
        let problem = problem(of: error, naming: path)
        #expect(problem == nil, "\(place): \(problem ?? "")")
      }
    }
  }

  /// Every digit of a record that people are told of is as it was written, or the record is refused.
  @Test func noChangedDigitIsBelieved() throws {
    let (scratch, places) = try finished()
    defer { withExtendedLifetime(scratch) {} }
    let path = places.internalFiles + "/results.json"
    let (whole, known) = (
      try DurableFile.read(path), try ResultsFile.read(in: places.internalFiles, count: 12)
    )
    for place in whole.indices {
      var changed = whole
      changed[place] ^= 1
      try changed.write(to: URL(filePath: path))
      let read = try? ResultsFile.read(in: places.internalFiles, count: 12)
      #expect(read == nil || read == known, "byte \(place)")
    }
  }

  /// What the checksum cannot tell, since whoever wrote the file could write it, the ledger does.
  @Test func resultsThatTheLedgerDoesNotKnowAreNotAnswered() throws {
    let bench = try RunBench()
    #expect(try bench.run().isFinished)
    let folder = bench.places.internalFiles
    var results = try #require(try ResultsFile.read(in: folder, count: 12))
    #expect(try bench.run().isFinished)
    for change in [\JobResults.epsilon, \JobResults.totalEpsilon, \JobResults.delta] {
      let honest = results[keyPath: change]
      results[keyPath: change] = 1e-3
      try ResultsFile.write(results, in: folder)
      let error = #expect(throws: ControlError.self) { try bench.run() }
      #expect(
        error?.message.contains("results.json: the ledger of the images knows no release") == true)
      results[keyPath: change] = honest
    }
    results.steps = 4_000
    try ResultsFile.write(results, in: folder)
    #expect(throws: ControlError.self) { try bench.run() }
  }
}
