import Control
import Datasets
import FoundationEssentials
import Glibc
import Logging
import Testing

@testable import Runs
@testable import figmentd

/// A keeper over a real folder, as the daemon runs it.
private final class KeeperBench: Sendable {
  let folder: FolderBench
  let keeper: DatasetKeeper
  private let task: Task<Void, Never>

  init(files: Int = 30, settle: Duration = .milliseconds(20)) async throws {
    var folder = try FolderBench(settle: settle)
    folder.dataset.rescan = .seconds(3_600)
    self.folder = folder
    try DurableFile.makeFolder(folder.dataset.root)
    for number in 0..<files {
      try folder.put(number, "\(number % 2 == 0 ? "a" : "b")/\(number).png")
    }
    let keeper = DatasetKeeper(
      folder.dataset, reader: folder.reader, index: folder.index, pulse: Pulse(),
      logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    self.keeper = keeper
    task = Task { await keeper.run() }
    try await wait(.ready, usable: files)
  }

  deinit { task.cancel() }

  func status() async throws -> DatasetStatus {
    try await keeper.status(
      budget: BudgetStatus(epsilonMaximum: 8, delta: 1e-5, epsilonSpent: 0, unit: .file))
  }

  /// Waits for a state and a number of usable files: for less time than until the next periodic scan, but
  /// long enough for a busy machine, where tests share Swift's threads.
  func wait(
    _ state: DatasetState, usable: Int, within limit: Duration = .seconds(300)
  ) async throws {
    let end = ContinuousClock.now + limit
    var found = try await status()
    while found.state != state || found.usable != usable, ContinuousClock.now < end {
      try await Task.sleep(for: .milliseconds(10))
      found = try await status()
    }
    #expect(found.state == state && found.usable == usable, "\(found)")
  }
}

@Suite struct DatasetKeeperTests {
  @Test func aRootThatVanishesIsOfflineAtOnceAndComesBack() async throws {
    let bench = try await KeeperBench()
    let decoded = bench.folder.decoded.value
    let root = bench.folder.dataset.root
    #expect(rename(root, root + ".away") == 0)
    try await bench.wait(.offline, usable: 30)
    #expect(try await bench.status().remark?.contains(root) == true)
    #expect(rename(root + ".away", root) == 0)
    try await bench.wait(.ready, usable: 30)
    #expect(bench.folder.decoded.value == decoded)
    // And it is watched again.
    try bench.folder.put(31, "a/new.png")
    try await bench.wait(.ready, usable: 31)
  }

  @Test func aRootThatEmptiesKeepsWhatWasKnownAndComesBackWithoutDecoding() async throws {
    let bench = try await KeeperBench()
    let decoded = bench.folder.decoded.value
    let (root, away) = (bench.folder.dataset.root, bench.folder.scratch.path + "/away")
    try DurableFile.makeFolder(away)
    for name in ["a", "b"] { #expect(rename("\(root)/\(name)", "\(away)/\(name)") == 0) }
    try await bench.wait(.offline, usable: 30)
    let remark = try await bench.status().remark
    #expect(remark?.contains("figment rescan set --forget-missing") == true)
    // A requested scan does not change that.
    await bench.keeper.scan()
    try await bench.wait(.offline, usable: 30)
    for name in ["a", "b"] { #expect(rename("\(away)/\(name)", "\(root)/\(name)") == 0) }
    try await bench.wait(.ready, usable: 30)
    #expect(try await bench.status().remark == nil)
    #expect(bench.folder.decoded.value == decoded)
  }

  @Test func filesThatAreRemovedOneByOneAreSuspectTogether() async throws {
    let bench = try await KeeperBench()
    for name in try FolderTree.files(in: bench.folder.dataset.root) where name != "a/0.png" {
      unlink(bench.folder.path(name))
      usleep(5_000)
    }
    try await bench.wait(.offline, usable: 30)
    await bench.keeper.scan(forgetsMissing: true)
    try await bench.wait(.ready, usable: 1)
    try bench.folder.put(2, "a/2.png")
    try await bench.wait(.ready, usable: 2)
  }

  /// Whoever declares the columns of a table has not lost the table.
  @Test func tablesThatArePassedOverOnceColumnsAreDeclaredAreNotMissing() async throws {
    let bench = try await KeeperBench(files: 0)
    try DurableFile.write(Data("age\n1\n".utf8), to: bench.folder.path("rows.csv"))
    let end = ContinuousClock.now + .seconds(300)
    while try await bench.status().rejected != 1, ContinuousClock.now < end {
      try await Task.sleep(for: .milliseconds(10))
    }
    var dataset = bench.folder.dataset
    dataset.columns = [ColumnDomain(name: "age", values: .categories(["1"]))]
    await bench.keeper.adopt(dataset)
    await bench.keeper.scan()
    try await bench.wait(.ready, usable: 0)
    #expect(try await bench.status().rejected == 0)
    let remarks = try #require(try await bench.status().folderRemarks)
    #expect(remarks.count == 1 && remarks[0].hasPrefix("1 table and no image"), "\(remarks)")
    // A table of images says nothing of the kind.
    try DurableFile.write(
      Data("file_name,age\na.png,1\n".utf8), to: bench.folder.path("metadata.csv"))
    await bench.keeper.scan()
    #expect(try await bench.status().folderRemarks == nil)
    // No run could read this one, so 'ready' alone would mislead.
    try DurableFile.write(
      Data("file_name,years\na.png,1\n".utf8), to: bench.folder.path("metadata.csv"))
    await bench.keeper.scan()
    let faults = try #require(try await bench.status().folderRemarks)
    #expect(
      faults.count == 1 && faults[0].contains("no column 'age'")
        && faults[0].contains("figment rescan"), "\(faults)")
    // The remark goes into the journal, where names of tables may be names of people.
    #expect(
      !faults[0].contains("metadata.csv") && faults[0].contains("figmentd check"), "\(faults)")
    // Where no single table is at fault, nothing can name it.
    try DurableFile.write(Data("{}\n".utf8), to: bench.folder.path("metadata.jsonl"))
    await bench.keeper.scan()
    let both = try #require(try await bench.status().folderRemarks)
    #expect(
      both.count == 1 && both[0].contains("metadata.csv and metadata.jsonl")
        && !both[0].contains("figmentd check"), "\(both)")
  }

  /// The column is for runs on the tables; the folder is watched as any other.
  @Test func aDatasetWhoseTablesNamePersonsIsReady() async throws {
    let bench = try await KeeperBench(files: 0)
    try DurableFile.write(Data("who,age\na,1\n".utf8), to: bench.folder.path("rows.csv"))
    var dataset = bench.folder.dataset
    dataset.columns = [ColumnDomain(name: "age", values: .categories(["1"]))]
    dataset.personColumn = "who"
    dataset.policy.unit = .folder
    dataset.policy.maximumPerUnit = 3
    await bench.keeper.adopt(dataset)
    await bench.keeper.scan()
    try await bench.wait(.ready, usable: 0)
    #expect(try await bench.status().remark == nil)
  }

  @Test func aFewFilesThatGoAreForgotten() async throws {
    let bench = try await KeeperBench()
    for number in 0..<8 {
      unlink(bench.folder.path("\(number % 2 == 0 ? "a" : "b")/\(number).png"))
    }
    try await bench.wait(.ready, usable: 22)
  }

  @Test func newFilesAreWaitedForInSight() async throws {
    let bench = try await KeeperBench(files: 0, settle: .seconds(900))
    try bench.folder.put(31, "a/new.png")
    try await bench.wait(.settling, usable: 0)
    let status = try await bench.status()
    #expect(status.pending == 1 && status.duplicates == 0 && status.rejected == 0)
  }

  @Test func anIndexThatIsFoundDamagedIsMadeAnewFromTheFolder() async throws {
    let bench = try await KeeperBench()
    let index = bench.folder.index
    try IndexDamage.fill(index, "other")
    try IndexDamage.overwritePages(of: bench.folder.scratch.path + "/index.sqlite")
    #expect(try index.counts(of: "other") == FileCounts(), "no answer is an error for ever")
    #expect(index.generation == 1)
    try await bench.wait(.ready, usable: 30)
  }
}
