import Control
import Datasets
import FoundationEssentials
import Glibc
import Privacy
import Testing

@testable import Runs
@testable import figmentd

/// Changed ledgers and marks: damage, which the hashes reveal, and changes with recomputed hashes, whose
/// numbers must at least be possible.
@Suite struct HostileLedgerTests {
  private static let rounds =
    (getenv("FIGMENT_FUZZ_ROUNDS").flatMap { Int(String(cString: $0)) } ?? 2_000) / 10

  private func finished() throws -> (bench: RunBench, location: LedgerFile.Location) {
    let bench = try RunBench(steps: 6, answers: ["class-counts": 1])
    #expect(try bench.run().isFinished)
    let location = RootLedger.location(
      try RootLedger.identity(of: bench.order.root), ledgers: bench.places.ledgers,
      marks: bench.places.ledgerMarks)
    return (bench, location)
  }

  /// After any change of the file or its mark, the ledger never reports less than was spent.
  @Test(arguments: ["ledger.jsonl", "ledger.mark"])
  func aChangedLedgerIsRefusedOrTellsAllThatWasSpent(_ name: String) throws {
    let (bench, location) = try finished()
    let folder = name == "ledger.mark" ? location.markDirectory : location.directory
    let path = "\(folder)/\(name)"
    let (whole, spent) = (try DurableFile.read(path), try bench.history().spent)
    let others = try [location.path, "\(location.markDirectory)/ledger.mark"].map {
      try DurableFile.read($0)
    }
    var damage = FileDamage(seed: 3)
    for round in 0..<Self.rounds * 5 {
      let changed = damage.changed(whole, others: others)
      try Data(changed).write(to: URL(filePath: path))
      do {
        let history = try bench.history()
        #expect(history.spent == spent, "round \(round)")
      } catch {
        let message = ControlError(error).message
        #expect(message.contains(location.path) && message.utf8.count < 2_000, "\(message)")
      }
      let verification = LedgerFileVerification(of: location, delta: 1e-5)
      #expect(!verification.isIntact || verification.spent == spent.event, "round \(round)")
      _ = verification.text
    }
  }

  /// The bytes of a ledger with one changed line and recomputed hashes from there on.
  private func chained(_ lines: [Data], changing place: Int, _ damage: inout FileDamage) -> Data {
    let suffixCount = #","hash":""}"#.utf8.count + 64
    var (ledger, last) = (Data(), LedgerFileLine.beginning)
    for (number, line) in lines.enumerated() {
      var body = Data(line.dropLast(suffixCount))
      if number == place { body = damage.otherToken(body) }
      let previous = Data(#""previous":""#.utf8)
      if let found = body.firstRange(of: previous), body.count >= found.upperBound + 64 {
        body.replaceSubrange(found.upperBound..<(found.upperBound + 64), with: last.utf8)
      }
      last = body.withUnsafeBytes { "\(ContentHash(of: $0))" }
      ledger += body + Data(#","hash":"\#(last)"}"#.utf8) + [0x0A]
    }
    return ledger
  }

  @Test func aLedgerWhoseHashesWereMadeAnewEndsNothing() throws {
    let (bench, location) = try finished()
    let lines = try DurableFile.read(location.path).split(separator: 0x0A).map { Data($0) }
    var damage = FileDamage(seed: 8)
    // A check of the method: unchanged lines come out unchanged, and can be read.
    let (original, unchanged) = (
      try DurableFile.read(location.path), chained(lines, changing: -1, &damage)
    )
    #expect(unchanged == original)
    try FolderTree.remove(location.markDirectory)
    var read = 0
    for round in 0..<Self.rounds {
      let ledger = chained(lines, changing: round % lines.count, &damage)
      try ledger.write(to: URL(filePath: location.path))
      let last = ledger.split(separator: 0x0A).last.map { Data($0).suffix(66).prefix(64) } ?? Data()
      let mark = #"{"line":\#(lines.count - 1),"hash":"\#(String(decoding: last, as: UTF8.self))"}"#
      try DurableFile.makeFolder(location.markDirectory)
      try Data(mark.utf8).write(to: URL(filePath: location.markDirectory + "/ledger.mark"))
      let verification = LedgerFileVerification(of: location, delta: 1e-5)
      _ = verification.text
      do {
        let history = try bench.history()
        read += 1
        _ = (
          try history.committed(), try? history.cost(atDelta: 1e-5), history.nextAttempt(of: "run")
        )
      } catch {
        #expect(ControlError(error).message.utf8.count < 3_000)
      }
    }
    #expect(read > 0)
  }

  @Test func whatIsNoFileInALedgersPlaceIsRefusedAtOnce() throws {
    let (bench, location) = try finished()
    for path in [location.path, location.markDirectory + "/ledger.mark"] {
      let whole = try DurableFile.read(path)
      let makers: [(String) throws -> Void] = [
        { try DurableFile.makeFolder($0 + "/x") }, { mkfifo($0, 0o600) },
        { try makeLink(at: $0, to: "/dev/zero") },
        {
          try Data().write(to: URL(filePath: $0))
          truncate($0, 1 << 40)
        },
      ]
      for make in makers {
        try FolderTree.remove(path)
        try make(path)
        #expect(throws: LedgerError.self) { try bench.history() }
        #expect(!LedgerFileVerification(of: location, delta: 1e-5).isIntact)
      }
      try FolderTree.remove(path)
      try whole.write(to: URL(filePath: path))
    }
    #expect(try bench.history().spent.total > 0)
  }
}
