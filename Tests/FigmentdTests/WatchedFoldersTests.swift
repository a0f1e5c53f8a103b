import Control
import Datasets
import FoundationEssentials
import Glibc
import Synchronization
import Testing

@testable import Runs
@testable import figmentd

/// Counts the files that it decodes.
final class CountingDecoder: ImageDecoder {
  final class Count: Sendable {
    private let number = Atomic<Int>(0)
    var value: Int { number.load(ordering: .relaxed) }
    func add(_ files: Int) { number.wrappingAdd(files, ordering: .relaxed) }
  }

  private let codec = ImageCodec()
  private let count: Count

  init(_ count: Count) { self.count = count }

  func decode(
    _ files: EncodedImages, with transform: ImageTransform,
    into pixels: UnsafeMutableBufferPointer<UInt8>
  ) throws -> [DecodeOutcome] {
    count.add(files.count)
    return codec.decode(files, with: transform, into: pixels)
  }
}

/// A root of drawn images, its reader, and its index.
struct FolderBench {
  let scratch = ScratchFolder()
  let decoded = CountingDecoder.Count()
  let reader: WatchedFolders
  let index: ImageIndex
  var dataset: DatasetConfiguration
  /// Files that the test copies into the root.
  let drawn: [String]

  init(
    unit: Control.PrivacyUnit = .file, settle: Duration = .milliseconds(1), drawn count: Int = 40
  ) throws {
    let folder = scratch.path
    reader = WatchedFolders { [decoded] in CountingDecoder(decoded) }
    index = try ImageIndex(path: folder + "/index.sqlite")
    dataset = DatasetConfiguration(
      name: "set", root: folder + "/root", settle: settle,
      policy: PrivacyPolicy(
        epsilonMaximum: 8, delta: 1e-5, unit: unit, maximumPerUnit: unit == .folder ? 2 : nil))
    try GlyphGenerator(seed: 3).write(count: count, to: folder + "/drawn")
    drawn = try FolderTree.files(in: folder + "/drawn").map { folder + "/drawn/" + $0 }
  }

  func path(_ name: String) -> String { "\(dataset.root)/\(name)" }

  /// Copies a drawn image into the root.
  func put(_ number: Int, _ name: String) throws {
    try write(DurableFile.read(drawn[number]), name)
  }

  func write(_ data: Data, _ name: String) throws {
    let folder = path(name).split(separator: "/").dropLast().joined(separator: "/")
    try DurableFile.makeFolder("/" + folder)
    try data.write(to: URL(filePath: path(name)))
  }

  /// Waits until all written files have settled.
  func settle() { usleep(20_000) }

  /// Scans everything.
  func scan() throws {
    try index.replace(
      reader.scan(dataset, known: index.files(of: "set"), pulse: Pulse()).files, of: "set")
  }

  /// Checks some files; false if that requires a full scan.
  func look(at names: [String]) throws -> Bool {
    let hints = FolderHints(touched: Set(names.map { RelativePath($0) }))
    guard let update = try reader.look(dataset, at: hints, index: index, pulse: Pulse()) else {
      return false
    }
    try index.apply(update.files, gone: update.gone, of: "set")
    return true
  }

  /// The result of a first scan of the root.
  func truth() throws -> [String: IndexedFile] {
    let fresh = WatchedFolders { ImageCodec() }
    let files = try fresh.scan(dataset, known: [:], pulse: Pulse()).files
    return Dictionary(uniqueKeysWithValues: files.map { ($0.row.path, $0) })
  }

  func verdict(_ name: String) throws -> String? {
    try index.files(of: "set", at: [name])[name]?.row.verdict
  }
}

/// A check of some files must have the same result as a full scan.
@Suite struct WatchedFoldersTests {
  /// Steps of one random history, from a generator with a fixed sequence.
  private struct Dice: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return state ^ (state >> 29)
    }
  }

  @Test(arguments: [Control.PrivacyUnit.file, .folder], [1, 2, 3, 4])
  func looksAtChangedFilesTellWhatAScanTells(
    _ unit: Control.PrivacyUnit, _ seed: UInt64
  ) throws {
    let bench = try FolderBench(unit: unit)
    var dice = Dice(state: seed)
    var names: [String] = []
    for number in 0..<60 {
      let person = unit == .folder ? "p\(number % 7)/" : ""
      names.append("\(number % 2 == 0 ? "a" : "b")/\(person)\(number).png")
    }
    for (number, name) in names.enumerated() { try bench.put(number % 30, name) }
    bench.settle()
    try bench.scan()
    var wholeLooks = 0
    for _ in 0..<40 {
      var touched: [String] = []
      for _ in 0...Int.random(in: 0...3, using: &dice) {
        guard let name = names.randomElement(using: &dice) else { continue }
        touched.append(name)
        switch Int.random(in: 0..<6, using: &dice) {
        case 0: unlink(bench.path(name))
        case 1: try bench.write(Data("no image".utf8), name)
        case 2:
          guard let other = names.randomElement(using: &dice) else { continue }
          touched.append(other)
          rename(bench.path(other), bench.path(name))
        case 3: chmod(bench.path(name), 0o640)
        default: try bench.put(Int.random(in: 0..<40, using: &dice), name)
        }
      }
      bench.settle()
      if try !bench.look(at: touched) {
        wholeLooks += 1
        try bench.scan()
      }
      let known = try bench.index.files(of: "set").mapValues(\.row)
      let truth = try bench.truth().mapValues(\.row)
      #expect(known == truth, "after \(touched)")
    }
    #expect(wholeLooks == 0)
  }

  @Test func aLookReadsOnlyTheFilesThatItNames() throws {
    let bench = try FolderBench()
    for number in 0..<30 { try bench.put(number, "a/\(number).png") }
    bench.settle()
    try bench.scan()
    let before = bench.decoded.value
    // No hint names these two, so only a full scan would find them.
    try bench.put(31, "a/unseen.png")
    unlink(bench.path("a/7.png"))
    try bench.put(32, "a/new.png")
    bench.settle()
    #expect(try bench.look(at: ["a/new.png"]))
    #expect(bench.decoded.value == before + 1)
    #expect(try bench.verdict("a/new.png") == "ok")
    #expect(try bench.verdict("a/unseen.png") == nil)
    #expect(try bench.verdict("a/7.png") == "ok")
  }

  @Test func aFolderThatComesOrEmptiesNeedsAScan() throws {
    let bench = try FolderBench()
    try bench.put(1, "a/1.png")
    try bench.put(2, "b/2.png")
    bench.settle()
    try bench.scan()
    try bench.put(3, "c/3.png")
    bench.settle()
    #expect(try !bench.look(at: ["c/3.png"]))
    try bench.scan()
    #expect(try bench.verdict("c/3.png") == "ok")
    unlink(bench.path("b/2.png"))
    #expect(try !bench.look(at: ["b/2.png"]), "the classes may be others now")
  }

  @Test func aClassThatLosesItsLastImageOrGainsItsFirstIsSeenByALook() throws {
    let bench = try FolderBench()
    for (number, name) in ["a/1.png", "b/2.png", "b/3.png"].enumerated() {
      try bench.put(number, name)
    }
    bench.settle()
    try bench.scan()
    func expectTruth(_ names: String...) throws {
      bench.settle()
      #expect(try bench.look(at: names))
      #expect(
        try bench.index.files(of: "set").mapValues(\.row) == bench.truth().mapValues(\.row))
    }
    try bench.write(Data("no image".utf8), "a/1.png")
    try expectTruth("a/1.png")
    #expect(try bench.index.counts(of: "set").classes.map(\.name) == ["b"])
    try bench.put(5, "a/1.png")
    // Ignored for its name, with the reason of a full scan.
    try bench.put(6, "a/6.png.part")
    try expectTruth("a/1.png", "a/6.png.part")
    #expect(try bench.index.counts(of: "set").classes.map(\.name) == ["a", "b"])
    #expect(try bench.verdict("a/6.png.part") == "ignored")
  }

  @Test func remarksAndBrightnessOfAFileAreKeptWithoutDecodingItAgain() throws {
    let bench = try FolderBench()
    let golden = #filePath.split(separator: "/").dropLast(2).joined(separator: "/")
    try bench.put(1, "a/1.png")
    try bench.write(DurableFile.read("/\(golden)/Golden/formats/two-pages.tif"), "a/pages.tif")
    bench.settle()
    try bench.scan()
    let first = try bench.index.files(of: "set")
    #expect(first["a/pages.tif"]?.row.reason?.contains("only the first page") == true)
    #expect(first.values.allSatisfy { $0.brightest != nil })
    let before = bench.decoded.value
    try bench.scan()
    chmod(bench.path("a/pages.tif"), 0o640)
    bench.settle()
    #expect(try bench.look(at: ["a/pages.tif"]))
    #expect(bench.decoded.value == before)
    let later = try bench.index.files(of: "set")
    #expect(later.mapValues(\.row) == first.mapValues(\.row))
    #expect(later.mapValues(\.brightest) == first.mapValues(\.brightest))
  }

  @Test func aFileThatIsBeingWrittenWaitsAndIsNoDuplicate() throws {
    let bench = try FolderBench(settle: .seconds(2))
    let old = timespec(tv_sec: 1_700_000_000, tv_nsec: 0)
    try bench.put(1, "a/1.png")
    // Modification times do not matter: a copy keeps those of its original.
    utimensat(AT_FDCWD, bench.path("a/1.png"), [old, old], 0)
    try bench.scan()
    #expect(try bench.verdict("a/1.png") == "waiting")
    usleep(2_200_000)
    #expect(try bench.look(at: ["a/1.png"]))
    #expect(try bench.verdict("a/1.png") == "ok")
    // The same bytes again, under the same name and under another, while the first file exists.
    try bench.put(1, "a/1.png")
    try bench.put(1, "a/2.png")
    #expect(try bench.look(at: ["a/1.png", "a/2.png"]))
    #expect(try bench.verdict("a/1.png") == "waiting")
    #expect(try bench.verdict("a/2.png") == "waiting")
    let counts = try bench.index.counts(of: "set")
    #expect(counts == FileCounts(pending: 2))
  }

  @Test func aFileThatIsRenamedDuringAScanIsNoDuplicateOfItself() throws {
    let bench = try FolderBench()
    try bench.put(1, "a/1.png")
    try bench.put(2, "b/2.png")
    // A scan sees two names of one file if the file is renamed while it lists.
    #expect(link(bench.path("a/1.png"), bench.path("a/0.png")) == 0)
    bench.settle()
    let contents = try bench.reader.scan(bench.dataset, known: [:], pulse: Pulse())
    try bench.index.replace(contents.files, of: "set")
    #expect(try bench.verdict("a/1.png") == "duplicate")
    unlink(bench.path("a/0.png"))
    bench.settle()
    let update = try #require(
      try bench.reader.look(
        bench.dataset, at: contents.doubtful, index: bench.index, pulse: Pulse()))
    try bench.index.apply(update.files, gone: update.gone, of: "set")
    #expect(try bench.verdict("a/1.png") == "ok")
    #expect(try bench.verdict("a/0.png") == nil)
  }

  @Test func bytesThatAreKnownAreNotDecodedAgain() throws {
    let bench = try FolderBench()
    for number in 0..<20 { try bench.put(number, "a/\(number).png") }
    try bench.write(Data("no image".utf8), "a/broken.png")
    bench.settle()
    try bench.scan()
    let before = bench.decoded.value
    // Moved away and back, copied over themselves, given other permissions.
    for number in 0..<20 {
      try bench.put(number, "a/\(number).png")
      chmod(bench.path("a/\(number).png"), 0o640)
    }
    bench.settle()
    try bench.scan()
    #expect(bench.decoded.value == before)
    #expect(try bench.index.files(of: "set") == bench.truth())
  }
}
