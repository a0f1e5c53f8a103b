import Control
import FoundationEssentials
import Privacy
import TestSupport
import Testing

@testable import Runs
@testable import figment
@testable import figmentd

/// The comparisons of `figment ledger verify --release`.
@Suite struct LedgerReaderTests {
  private func copy(_ folder: String, to other: String) throws {
    if FileManager.default.fileExists(atPath: other) {
      try FileManager.default.removeItem(atPath: other)
    }
    try FileManager.default.copyItem(atPath: folder, toPath: other)
  }

  @Test func aReleaseKnowsThatALedgerAndItsMarkWereRestoredTogether() throws {
    let first = try RunBench(named: "first", epsilon: 2)
    #expect(try first.run().isFinished)
    let scratch = first.scratch.path
    try copy(first.places.ledgers, to: scratch + "/backup-ledgers")
    try copy(first.places.ledgerMarks, to: scratch + "/backup-marks")
    let second = first.next(named: "second")
    #expect(try second.run().isFinished)

    let state = try StateDirectory(scratch + "/state")
    let dataset = DatasetConfiguration(
      name: "glyphs", root: first.order.root,
      policy: PrivacyPolicy(epsilonMaximum: 100, delta: 1e-5))
    func report(_ release: String?) throws -> LedgerReport {
      let released = try release.map { try ReleasedPosition($0) }
      return try LedgerReader(dataset, state: state.paths, witness: released?.witness).report()
    }
    try copy(first.places.ledgers, to: state.paths.ledgers)
    try copy(first.places.ledgerMarks, to: state.paths.ledgerMarks)
    #expect(try report(nil).verified)
    #expect(try report(first.places.release).verified)
    #expect(try report(second.places.release + "/privacy.json").verified)

    try copy(scratch + "/backup-ledgers", to: state.paths.ledgers)
    try copy(scratch + "/backup-marks", to: state.paths.ledgerMarks)
    #expect(try report(nil).verified, "by itself the old copy is whole")
    #expect(try report(first.places.release).verified)
    let restored = try report(second.places.release)
    #expect(!restored.verified)
    #expect(restored.problem?.contains("restored from an old copy") ?? false)
  }

  /// The service may find files of a run by another user.
  @Test func aLedgerThatMayNotBeOpenedIsReportedInWords() throws {
    let problem = try OrdinaryUser.run {
      let scratch = ScratchFolder()
      let state = try StateDirectory(scratch.path + "/state")
      let root = scratch.path + "/images"
      try DurableFile.makeFolder(root)
      let location = RootLedger.location(
        try RootLedger.identity(of: root), ledgers: state.paths.ledgers,
        marks: state.paths.ledgerMarks)
      try DurableFile.makeFolder(location.directory)
      try DurableFile.write(Data("x".utf8), to: location.path, mode: 0)
      let dataset = DatasetConfiguration(
        name: "glyphs", root: root, policy: PrivacyPolicy(epsilonMaximum: 1, delta: 1e-5))
      return try LedgerReader(dataset, state: state.paths).report().problem ?? "none"
    }
    #expect(problem.contains("Permission denied"))
    #expect(!problem.contains("code"))
  }

  @Test func aFaultSaysWhoseTheFileIs() throws {
    let text = try OrdinaryUser.run {
      let fault = #expect(throws: LedgerFileFault.self) {
        try SystemLedgerFileDisk().content(of: "/etc/shadow")
      }
      return fault.map { "\($0)" } ?? ""
    }
    #expect(text.contains("open /etc/shadow failed: Permission denied (it belongs to user 'root'"))
    #expect(text.contains("chown -R "))
  }

  /// Damage to a ledger's file.
  enum Mishap: String, CaseIterable, Sendable {
    case damaged, deleted, cut, rolledBack, withoutMark, closedAfterAFailure
  }

  /// Damages the ledger of `bench`; `older` is an earlier copy.
  private func spoil(_ bench: RunBench, _ mishap: Mishap, older: [UInt8]) throws {
    let location = RootLedger.location(
      try RootLedger.identity(of: bench.order.root), ledgers: bench.places.ledgers,
      marks: bench.places.ledgerMarks)
    var bytes = Array(try DurableFile.read(location.path))
    switch mishap {
    case .damaged: bytes[bytes.count / 2] ^= 1
    case .deleted:
      try FileManager.default.removeItem(atPath: location.path)
      return
    case .cut:
      let end = try #require(bytes.dropLast().lastIndex(of: UInt8(ascii: "\n")))
      bytes = Array(bytes[...end])
    case .rolledBack: bytes = older
    case .withoutMark:
      try FileManager.default.removeItem(atPath: location.markDirectory + "/ledger.mark")
      return
    case .closedAfterAFailure:
      try Data("fsync: error".utf8).write(
        to: URL(filePath: location.markDirectory + "/ledger.poisoned"))
      return
    }
    try Data(bytes).write(to: URL(filePath: location.path))
  }

  @Test(arguments: Mishap.allCases)
  func nothingIsPlannedOrQueuedOnALedgerThatIsNotIntact(_ mishap: Mishap) throws {
    let first = try RunBench(named: "first", epsilon: 2)
    #expect(try first.run().isFinished)
    let state = try StateDirectory(first.scratch.path + "/state")
    let engine = LocalEngine(recipes: first.scratch.path, threads: 1, state: state.paths) { _, _ in
      FileUse(units: 64)
    }
    let dataset = DatasetConfiguration(
      name: "glyphs", root: first.order.root,
      policy: PrivacyPolicy(epsilonMaximum: 100, delta: 1e-5))
    let request = TrainRequest(dataset: "glyphs", recipe: "tiny", epsilon: 2)
    let path = RootLedger.location(
      try RootLedger.identity(of: first.order.root), ledgers: first.places.ledgers, marks: ""
    ).path
    let older = Array(try DurableFile.read(path))
    #expect(try first.next(named: "second").run().isFinished)
    for isSpoilt in [false, true] {
      if isSpoilt { try spoil(first, mishap, older: older) }
      try copy(first.places.ledgers, to: state.paths.ledgers)
      try copy(first.places.ledgerMarks, to: state.paths.ledgerMarks)
      let shown = try engine.ledger(of: dataset, witness: nil)
      if isSpoilt {
        #expect(throws: ControlError.self) { try engine.plan(request, dataset: dataset) }
        #expect(throws: ControlError.self) {
          try engine.check(request, dataset: dataset, isCounted: true)
        }
        #expect(throws: ControlError.self) { try first.next(named: "third").run() }
        #expect(!shown.verified && shown.budget.problem != nil)
        #expect(shown.budget.epsilonSpent == nil, "no epsilon of a ledger in doubt is shown")
      } else {
        let spent = try #require(shown.budget.epsilonSpent)
        #expect(spent > 2.5)
        #expect(try engine.plan(request, dataset: dataset).privacy?.epsilonAfter ?? 0 > spent)
        try engine.check(request, dataset: dataset, isCounted: true)
      }
    }
  }

  @Test func aPlanForAnotherUnitThanTheLedgersIsRefused() throws {
    let bench = try RunBench(epsilon: 2)
    #expect(try bench.run().isFinished)
    let state = try StateDirectory(bench.scratch.path + "/state")
    try copy(bench.places.ledgers, to: state.paths.ledgers)
    try copy(bench.places.ledgerMarks, to: state.paths.ledgerMarks)
    let engine = LocalEngine(recipes: bench.scratch.path, threads: 1, state: state.paths) { _, _ in
      FileUse(units: 64)
    }
    let dataset = DatasetConfiguration(
      name: "glyphs", root: bench.order.root,
      policy: PrivacyPolicy(
        epsilonMaximum: 100, delta: 1e-5, unit: .folder, maximumPerUnit: 3))
    let error = #expect(throws: ControlError.self) {
      try engine.plan(
        PlanRequest(dataset: "glyphs", recipe: "tiny", epsilon: 2), dataset: dataset)
    }
    #expect(error?.message.contains("unit cannot change") ?? false)
  }

  @Test func theVerdictNamesTheRecordThatAReleaseKnows() throws {
    let bench = try RunBench()
    #expect(try bench.run().isFinished)
    let released = try ReleasedPosition(bench.places.release)
    var report = LedgerReport(
      dataset: "glyphs",
      budget: BudgetStatus(epsilonMaximum: 10, delta: 1e-5, epsilonSpent: 2, unit: .file),
      entries: [], verified: true, head: "ab12")
    #expect(
      Ledger.verdict(on: report, released).hasSuffix(
        "contains the record that \(bench.places.release)/privacy.json names"))
    report.verified = false
    report.problem = "line 3 is not there."
    #expect(Ledger.verdict(on: report).hasSuffix("NOT VERIFIED: line 3 is not there."))
    #expect(
      Ledger.verdict(on: report, released).hasSuffix("/privacy.json belongs to another ledger."))
    #expect(throws: Never.self) { try released.check(isOf: "glyphs") }
    let error = #expect(throws: ControlError.self) { try released.check(isOf: "faces") }
    #expect(error?.message.contains("of dataset glyphs (faces expected)") ?? false)
  }

  @Test func whatIsNoReleaseIsRefusedByName() throws {
    let scratch = ScratchFolder()
    let nowhere = #expect(throws: ControlError.self) { try ReleasedPosition(scratch.path) }
    #expect(nowhere?.message.contains("cannot be read") ?? false)
    try scratch.write("other.json", "{}")
    let other = #expect(throws: ControlError.self) {
      try ReleasedPosition(scratch.path + "/other.json")
    }
    #expect(other?.message.contains("is not a privacy statement") ?? false)
    try scratch.write("empty.json", #"{"dataset": "glyphs"}"#)
    let empty = #expect(throws: ControlError.self) {
      try ReleasedPosition(scratch.path + "/empty.json")
    }
    #expect(empty?.message.contains("names no ledger record") ?? false)
  }
}
