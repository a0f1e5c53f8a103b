import FoundationEssentials
import Glibc
import Privacy
import Synchronization
import Testing

@testable import Runs
@testable import figmentd

/// A disk whose n-th call of a kind fails; a failing write leaves the first half of its bytes.
final class FaultyLedgerDisk: LedgerFileDisk {
  enum Call: String, CaseIterable { case write, synchronize, rename, truncate, read, open }

  private let disk = SystemLedgerFileDisk()
  private let failing: (call: Call, number: Int, code: Int32)
  private let count = Mutex(0)

  init(_ call: Call, number: Int, code: Int32) { failing = (call, number, code) }

  /// Whether the fault has happened.
  var hasFailed: Bool { count.withLock { $0 >= failing.number } }

  private func check(_ call: Call, _ operation: String) throws(LedgerFileFault) {
    guard call == failing.call else { return }
    let number = count.withLock { count in
      count += 1
      return count
    }
    // A full or broken device stays so.
    if number >= failing.number { throw LedgerFileFault(operation: operation, code: failing.code) }
  }

  func open(_ path: String, _ flags: Int32) throws(LedgerFileFault) -> Int32 {
    try check(.open, "open \(path)")
    return try disk.open(path, flags)
  }

  func close(_ descriptor: Int32) { disk.close(descriptor) }

  func lock(_ descriptor: Int32) throws(LedgerFileFault) -> Bool { try disk.lock(descriptor) }

  func read(_ descriptor: Int32) throws(LedgerFileFault) -> [UInt8] {
    try check(.read, "read")
    return try disk.read(descriptor)
  }

  func write(_ bytes: [UInt8], to descriptor: Int32) throws(LedgerFileFault) {
    do {
      try check(.write, "write")
    } catch {
      try disk.write(Array(bytes.prefix(bytes.count / 2)), to: descriptor)
      throw error
    }
    try disk.write(bytes, to: descriptor)
  }

  func synchronize(_ descriptor: Int32) throws(LedgerFileFault) {
    try check(.synchronize, "fsync")
    try disk.synchronize(descriptor)
  }

  func truncate(_ descriptor: Int32, to length: Int) throws(LedgerFileFault) {
    try check(.truncate, "truncate")
    try disk.truncate(descriptor, to: length)
  }

  func rename(_ path: String, to target: String) throws(LedgerFileFault) {
    try check(.rename, "rename")
    try disk.rename(path, to: target)
  }

  func makeDirectory(_ path: String) throws(LedgerFileFault) { try disk.makeDirectory(path) }
}

/// A disk that records which descriptors were written and flushed, in order.
final class NotedLedgerDisk: LedgerFileDisk {
  enum Call: Equatable { case write(Int32), synchronize(Int32), rename }

  private let disk = SystemLedgerFileDisk()
  private let noted = Mutex<[Call]>([])

  /// The calls so far.
  var calls: [Call] { noted.withLock { $0 } }

  private func note(_ call: Call) { noted.withLock { $0.append(call) } }

  func open(_ path: String, _ flags: Int32) throws(LedgerFileFault) -> Int32 {
    try disk.open(path, flags)
  }
  func close(_ descriptor: Int32) { disk.close(descriptor) }
  func lock(_ descriptor: Int32) throws(LedgerFileFault) -> Bool { try disk.lock(descriptor) }
  func read(_ descriptor: Int32) throws(LedgerFileFault) -> [UInt8] { try disk.read(descriptor) }
  func write(_ bytes: [UInt8], to descriptor: Int32) throws(LedgerFileFault) {
    note(.write(descriptor))
    try disk.write(bytes, to: descriptor)
  }
  func synchronize(_ descriptor: Int32) throws(LedgerFileFault) {
    note(.synchronize(descriptor))
    try disk.synchronize(descriptor)
  }
  func truncate(_ descriptor: Int32, to length: Int) throws(LedgerFileFault) {
    try disk.truncate(descriptor, to: length)
  }
  func rename(_ path: String, to target: String) throws(LedgerFileFault) {
    note(.rename)
    try disk.rename(path, to: target)
  }
  func makeDirectory(_ path: String) throws(LedgerFileFault) { try disk.makeDirectory(path) }
}

@Suite struct LedgerFileFaultTests {
  /// A line that is only in memory is lost in a power failure.
  @Test func everythingThatIsWrittenIsFlushedBeforeAnythingElseHappens() throws {
    let scratch = try LedgerScratch()
    let disk = NotedLedgerDisk()
    let ledger = try scratch.open(disk: disk)
    let run = try ledger.begin(LedgerScratch.plan("run-1"))
    let before = disk.calls.count
    let reservation = try run.reserve(LedgerScratch.step(), times: 16, for: "block 1")
    // The line and the mark, each flushed, the mark renamed and its folder flushed.
    #expect(disk.calls.count == before + 6)
    try run.settle(reservation, used: 16)
    let calls = disk.calls
    for (index, call) in calls.enumerated() {
      guard case .write(let descriptor) = call else { continue }
      let next = try #require(calls.dropFirst(index + 1).first)
      #expect(next == .synchronize(descriptor), "call \(index)")
    }
    #expect(calls.count { if case .write = $0 { true } else { false } } == 8)
  }

  @Test func everyFlippedByteIsRefused() throws {
    let scratch = try LedgerScratch()
    _ = try scratch.fill()
    let intact = try scratch.read(scratch.location.path)
    let mark = try scratch.read("\(scratch.location.markDirectory)/ledger.mark")
    let marked = try #require(LedgerFileContent(intact, ledger: "").position)
    for index in intact.indices {
      var damaged = intact
      damaged[index] ^= index % 2 == 0 ? 0x01 : 0x80
      // The same checks as on opening, without the disk.
      #expect(throws: LedgerError.self, "byte \(index)") {
        try LedgerFileContent(damaged, ledger: "").check(contains: marked.witness, ledger: "")
      }
      guard index % 97 == 0 || index == intact.count - 1 else { continue }
      try scratch.write(damaged, to: scratch.location.path)
      #expect(throws: LedgerError.self, "byte \(index)") { _ = try scratch.open() }
    }
    for index in mark.indices.dropLast() {
      var damaged = mark
      damaged[index] ^= 0x01
      try scratch.write(intact, to: scratch.location.path)
      try scratch.write(damaged, to: "\(scratch.location.markDirectory)/ledger.mark")
      #expect(throws: LedgerError.self, "byte \(index) of the mark") { _ = try scratch.open() }
    }
  }

  @Test func aLedgerCutAnywhereIsRefusedWhenTheLostLineWasGranted() throws {
    let scratch = try LedgerScratch()
    _ = try scratch.fill()
    let intact = try scratch.read(scratch.location.path)
    let marked = try #require(LedgerFileContent(intact, ledger: "").position)
    for length in stride(from: intact.count - 1, through: 0, by: -1) {
      guard length % 211 == 0 || length > intact.count - 3 else { continue }
      let cut = Array(intact[..<length])
      #expect(throws: LedgerError.self, "\(length) bytes") {
        try LedgerFileContent(cut, ledger: "").check(contains: marked.witness, ledger: "")
      }
      try scratch.write(cut, to: scratch.location.path)
      #expect(throws: LedgerError.self, "\(length) bytes") { _ = try scratch.open() }
    }
  }

  @Test func aTornLineThatWasNeverGrantedIsRemovedAtEveryLength() throws {
    let scratch = try LedgerScratch()
    let spent = try scratch.fill()
    let intact = try scratch.read(scratch.location.path)
    let markPath = "\(scratch.location.markDirectory)/ledger.mark"
    let mark = try scratch.read(markPath)
    do {
      let run = try scratch.open().begin(LedgerScratch.plan("run-1", times: 500))
      _ = run
    }
    let longer = try scratch.read(scratch.location.path)
    for length in (intact.count + 1)..<longer.count {
      let torn = Array(longer[..<length])
      let content = try LedgerFileContent(torn, ledger: "")
      #expect(content.history.spent == spent && content.length == intact.count)
      // The crash came while the line was written: the mark had not moved yet.
      guard length % 53 == 0 || length == longer.count - 1 else { continue }
      try scratch.write(torn, to: scratch.location.path)
      try scratch.write(mark, to: markPath)
      #expect(try scratch.open().history.spent == spent)
      #expect(try scratch.read(scratch.location.path) == intact)
    }
    // The crash came after the line and before the mark: the line counts.
    try scratch.write(longer, to: scratch.location.path)
    try scratch.write(mark, to: markPath)
    #expect(try scratch.open().history.lineCount == 51)
  }

  @Test func anOldCopyOfTheLedgerIsRefused() throws {
    let scratch = try LedgerScratch()
    do {
      let run = try scratch.open().begin(LedgerScratch.plan("run-1"))
      _ = try run.reserve(LedgerScratch.step(), times: 16, for: "block 0")
    }
    let copy = try scratch.read(scratch.location.path)
    let position: PrivacyStatement.LedgerPosition
    do {
      let ledger = try scratch.open()
      let run = try ledger.begin(LedgerScratch.plan("run-1"))
      _ = try run.reserve(LedgerScratch.step(), times: 16, for: "block 1")
      position = try #require(ledger.position)
    }
    try scratch.write(copy, to: scratch.location.path)
    #expect(
      throws: LedgerError.rolledBack(ledger: scratch.location.path, found: 2, expected: 4)
    ) { _ = try scratch.open() }
    #expect(!LedgerFileVerification(of: scratch.location, delta: 1e-5).isIntact)
    // Even if its mark was restored from the same backup, a release witnesses the lost line.
    _ = unlink("\(scratch.location.markDirectory)/ledger.mark")
    #expect(throws: LedgerError.self) { _ = try scratch.open() }
    let kept = try #require(LedgerFileContent(copy, ledger: "").position)
    try LedgerFileMark(
      directory: scratch.location.markDirectory, ledger: "", disk: SystemLedgerFileDisk()
    ).write(kept)
    #expect(throws: LedgerError.self) { _ = try scratch.open(witnesses: [position.witness]) }
    #expect(throws: LedgerError.lacksLine(ledger: scratch.location.path, hash: position.hash)) {
      _ = try scratch.open(witnesses: [.init(hash: position.hash)])
    }
    #expect(try scratch.open(witnesses: [kept.witness]).history.lineCount == 3)
  }

  @Test func aLedgerThatIsIntactButAnotherIsRefused() throws {
    let scratch = try LedgerScratch()
    let other = try LedgerScratch()
    _ = try scratch.fill()
    do {
      let ledger = try other.open()
      for number in 0..<60 {
        try ledger.begin(LedgerScratch.plan("run-\(number)", times: 1)).close(outcome: "cancelled")
      }
    }
    // Longer than the mark, chained, of the same root, and without any spending.
    try scratch.write(other.read(other.location.path), to: scratch.location.path)
    #expect(
      throws: LedgerError.corrupt(
        ledger: scratch.location.path, line: 49,
        reason: "it is not the line that was made durable")
    ) { _ = try scratch.open() }
  }

  @Test(arguments: [FaultyLedgerDisk.Call.write, .synchronize, .rename, .open])
  func noFaultEverLowersTheSpend(_ call: FaultyLedgerDisk.Call) throws {
    for number in 1...60 {
      let scratch = try LedgerScratch()
      let disk = FaultyLedgerDisk(call, number: number, code: call == .write ? ENOSPC : EIO)
      var granted = 0
      var refused = false
      do {
        let ledger = try scratch.open(disk: disk)
        let run = try ledger.begin(LedgerScratch.plan("run-1"))
        for block in 0..<5 {
          let reservation = try run.reserve(LedgerScratch.step(), times: 16, for: "\(block)")
          granted += 16
          try run.settle(reservation, used: 16)
        }
      } catch is LedgerError {
        refused = true
      }
      #expect(refused == disk.hasFailed, "\(call) \(number)")
      let after = LedgerFileVerification(of: scratch.location, delta: 1e-5)
      let spent = try EventTally(after.spent).total
      #expect(spent >= granted, "\(call) \(number): \(spent) of \(granted)")
      if !disk.hasFailed { break }
      #expect(number < 60)
    }
  }

  @Test func afterAFaultNothingMoreIsGranted() throws {
    let scratch = try LedgerScratch()
    // Opening makes five fsyncs: directory, root line, mark, mark's directory; then the plan.
    let disk = FaultyLedgerDisk(.synchronize, number: 8, code: EIO)
    let ledger = try scratch.open(disk: disk)
    let run = try ledger.begin(LedgerScratch.plan("run-1"))
    var failures = 0
    for block in 0..<4 {
      do {
        _ = try run.reserve(LedgerScratch.step(), times: 16, for: "\(block)")
      } catch let error as LedgerError {
        failures += 1
        if failures > 1 {
          guard case .poisoned = error else {
            Issue.record("\(error)")
            return
          }
        }
      }
    }
    #expect(failures >= 2)
  }

  @Test func aFailedFsyncKeepsTheLedgerClosedOverRestartsUntilAnOperatorActs() throws {
    let scratch = try LedgerScratch()
    do {
      let ledger = try scratch.open(disk: OneFailingSync(number: 6))
      _ = try? ledger.begin(LedgerScratch.plan("run-1"))
    }
    #expect(throws: LedgerError.self) { _ = try scratch.open() }
    #expect(!LedgerFileVerification(of: scratch.location, delta: 1e-5).isIntact)
    #expect(unlink("\(scratch.location.markDirectory)/ledger.poisoned") == 0)
    _ = try scratch.open()
  }
}

/// A disk whose n-th fsync fails once.
private final class OneFailingSync: LedgerFileDisk {
  private let disk = SystemLedgerFileDisk()
  private let number: Int
  private let count = Mutex(0)

  init(number: Int) { self.number = number }

  func open(_ path: String, _ flags: Int32) throws(LedgerFileFault) -> Int32 {
    try disk.open(path, flags)
  }
  func close(_ descriptor: Int32) { disk.close(descriptor) }
  func lock(_ descriptor: Int32) throws(LedgerFileFault) -> Bool { try disk.lock(descriptor) }
  func read(_ descriptor: Int32) throws(LedgerFileFault) -> [UInt8] { try disk.read(descriptor) }
  func write(_ bytes: [UInt8], to descriptor: Int32) throws(LedgerFileFault) {
    try disk.write(bytes, to: descriptor)
  }
  func synchronize(_ descriptor: Int32) throws(LedgerFileFault) {
    let current = count.withLock { count in
      count += 1
      return count
    }
    if current == number { throw LedgerFileFault(operation: "fsync", code: EIO) }
    try disk.synchronize(descriptor)
  }
  func truncate(_ descriptor: Int32, to length: Int) throws(LedgerFileFault) {
    try disk.truncate(descriptor, to: length)
  }
  func rename(_ path: String, to target: String) throws(LedgerFileFault) {
    try disk.rename(path, to: target)
  }
  func makeDirectory(_ path: String) throws(LedgerFileFault) { try disk.makeDirectory(path) }
}
