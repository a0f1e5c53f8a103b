import Control
import Datasets
import FoundationEssentials
import Glibc
import Synchronization
import Testing

@testable import Runs
@testable import figmentd

/// Decodes no file.
private final class BrokenDecoder: ImageDecoder {
  func decode(
    _ files: EncodedImages, with transform: ImageTransform,
    into pixels: UnsafeMutableBufferPointer<UInt8>
  ) throws -> [DecodeOutcome] {
    Array(repeating: .failed(.notAnImage), count: files.count)
  }
}

@Suite struct ImageIndexTests {
  private let scratch = ScratchFolder()
  private var path: String { scratch.path + "/index.sqlite" }

  private func file(
    _ path: String, _ verdict: String = "ok", className: String? = "a", bytes: Int = 10
  ) -> IndexedFile {
    IndexedFile(
      row: FileRow(
        path: path, className: className, bytes: bytes, verdict: verdict,
        reason: verdict == "ok" ? nil : "because", width: 28, height: 30),
      signature: FileSignature(
        device: 1, inode: .max, size: Int64(bytes), modified: 1_700_000_000_000_000_001, changed: 5
      ),
      contentHash: Data([1, 2, 3]))
  }

  @Test func filesSurviveTheIndex() throws {
    let files = [
      file("a/1.png"), file("a/2.png", "truncated"), file("x\n'ü\".png", className: nil),
    ]
    try ImageIndex(path: path).replace(files, of: "glyphs")
    let found = try ImageIndex(path: path).files(of: "glyphs")
    #expect(Set(found.values) == Set(files))
    #expect(try ImageIndex(path: path).files(of: "other").isEmpty)
  }

  @Test func aScanReplacesWhatWasKnown() throws {
    let index = try ImageIndex(path: path)
    try index.replace([file("1"), file("2"), file("3")], of: "glyphs")
    try index.replace([file("1")], of: "faces")
    try index.replace([file("2", "truncated"), file("3"), file("4")], of: "glyphs")
    let found = try index.files(of: "glyphs")
    #expect(found.keys.sorted() == ["2", "3", "4"])
    #expect(found["2"]?.row.verdict == "truncated")
    #expect(try index.files(of: "faces").count == 1)
  }

  @Test func whatTheIndexTellsAfterARestartSparesReadingTheFiles() throws {
    let images = scratch.path + "/images"
    try GlyphGenerator(seed: 3).write(count: 12, to: images)
    let builder = SnapshotBuilder(
      root: images,
      transform: ImageTransform(height: 8, width: 8, channels: .grey, maximumEnlargement: 32))
    let found = try builder.inspect()
    let index = try ImageIndex(path: path)
    try index.replace(found.map(IndexedFile.init), of: "glyphs")
    let restored = InspectedFile.restored(
      from: try ImageIndex(path: path).files(of: "glyphs").values)
    let usable = found.filter { $0.verdict == .accepted }
    #expect(usable.count == 12)
    #expect(usable.allSatisfy { $0.brightest != nil })
    #expect(Set(restored.values) == Set(usable))
    // Decoding would fail, but nothing needs decoding.
    var second = builder
    second.makeDecoder = { BrokenDecoder() }
    #expect(try second.inspect(known: restored) == found)
    #expect(try second.inspect().allSatisfy { $0.verdict != .accepted })
  }

  @Test func pagesCoverAllFilesOnce() throws {
    let index = try ImageIndex(path: path)
    let names = (0..<25).map { "\($0).png" }.sorted()
    try index.replace(names.map { file($0, $0 < "2" ? "ok" : "truncated") }, of: "glyphs")
    var query = FileQuery(limit: 10)
    var seen: [String] = []
    var pages = 0
    repeat {
      let page = try index.page(of: "glyphs", query)
      seen += page.files.map(\.path)
      query.after = page.next
      pages += 1
    } while query.after != nil
    #expect(seen == names)
    #expect(pages == 3)
    let rejected = try index.page(of: "glyphs", FileQuery(verdict: "rejected"))
    #expect(rejected.files.map(\.path) == names.filter { $0 >= "2" })
    #expect(rejected.next == nil)
    let none = try index.page(of: "glyphs", FileQuery(verdict: "animated' OR 1=1 --"))
    #expect(none.files.isEmpty)
  }

  @Test func countsPerClassAndVerdict() throws {
    let index = try ImageIndex(path: path)
    try index.replace(
      [
        file("1", className: "a", bytes: 5), file("2", className: "b", bytes: 6),
        file("3", className: "b", bytes: 7), file("4", "truncated", className: "b"),
        file("5", "duplicate"), file("6", "ignored"),
      ], of: "glyphs")
    #expect(
      try index.counts(of: "glyphs")
        == FileCounts(
          usable: 3, rejected: 1, duplicates: 1, bytes: 18,
          classes: [ClassCount(name: "a", usable: 1), ClassCount(name: "b", usable: 2)]))
    #expect(try index.counts(of: "none") == FileCounts())
  }

  /// Six people with one to three images in two classes; one person has only a broken file.
  private func people() throws -> String {
    let images = scratch.path + "/people"
    try GlyphGenerator(seed: 3).write(count: 24, to: scratch.path + "/drawn")
    var drawn = try scratch.names(in: "drawn").flatMap { name in
      try scratch.names(in: "drawn/" + name).map { scratch.path + "/drawn/\(name)/" + $0 }
    }
    for person in 0..<5 {
      for number in 0...(person % 3) {
        let folder = "\(images)/\(number == 1 ? "b" : "a")/p\(person) \\ü"
        try FileManager.default.createDirectory(
          atPath: folder, withIntermediateDirectories: true)
        try FileManager.default.moveItem(
          atPath: drawn.removeLast(), toPath: "\(folder)/\(number).png")
      }
    }
    try scratch.write("people/b/p5/0.png", "no image")
    return images
  }

  @Test(arguments: [nil, 2, 1])
  func unitsAreCountedAsARunOverTheSameFilesCountsThem(_ limit: Int?) throws {
    let images = try people()
    let index = try ImageIndex(path: path)
    for unit in [Control.PrivacyUnit.folder, .file] {
      let dataset = DatasetConfiguration(
        name: "people", root: images,
        policy: PrivacyPolicy(
          epsilonMaximum: 8, delta: 1e-5, unit: unit,
          maximumPerUnit: unit == .folder ? limit : nil))
      let builder = SnapshotBuilder(
        root: images, rules: dataset.rules,
        transform: ImageTransform(height: 8, width: 8, channels: .grey, maximumEnlargement: 32))
      try index.replace(builder.inspect().map(IndexedFile.init), of: "people")
      let run = try builder.build(in: scratch.path + "/pack-\(unit)").snapshot
      let counted = try index.usableUnits(of: "people", unit: unit)
      #expect(counted == run.unitCount)
      #expect(counted == (unit == .folder ? 5 : 9))
      let state = try StateDirectory(scratch.path + "/state")
      try ImageIndex(path: state.paths.index).replace(
        Array(index.files(of: "people").values), of: "people")
      let recipes = scratch.path + "/recipes"
      try scratch.write("recipes/tiny.yaml", RunBench.recipe(side: 8, steps: 4, batchSize: 3))
      let counts = try ImageIndex(path: state.paths.index)
      let engine = LocalEngine(recipes: recipes, threads: 1, state: state.paths) {
        try counts.use(of: $0, under: $1)
      }
      let report = try engine.plan(
        PlanRequest(dataset: "people", recipe: "tiny", epsilon: 8), dataset: dataset)
      #expect(report.privacy?.samplingProbability == 3 / Double(run.unitCount))
    }
  }

  @Test func damagedPagesAreFoundWhenTheIndexIsOpened() throws {
    try IndexDamage.fill(try ImageIndex(path: path), "glyphs")
    for suffix in ["-wal", "-shm"] { unlink(path + suffix) }
    try IndexDamage.overwritePages(of: path)
    let index = try ImageIndex(path: path)
    #expect(try index.counts(of: "glyphs") == FileCounts())
    #expect(index.remark?.contains("set aside as index.sqlite.damaged") == true)
    try index.replace([file("1")], of: "glyphs")
    #expect(try ImageIndex(path: path).counts(of: "glyphs").usable == 1)
    #expect(try scratch.names(in: "").contains("index.sqlite.damaged"))
  }

  @Test func damagedPagesAreFoundByAQuery() throws {
    let index = try ImageIndex(path: path)
    let losses = Atomic<Int>(0)
    index.whenLost { losses.add(1, ordering: .relaxed) }
    try IndexDamage.fill(index, "glyphs")
    try IndexDamage.overwritePages(of: path)
    #expect(try index.counts(of: "glyphs") == FileCounts())
    #expect(try index.page(of: "glyphs", FileQuery()).files.isEmpty)
    #expect(index.generation == 1)
    #expect(losses.load(ordering: .relaxed) == 1)
    try index.replace([file("1")], of: "glyphs")
    #expect(try index.usableUnits(of: "glyphs", unit: .file) == 1)
  }

  @Test func anIndexThatCannotBeWrittenIsKeptInMemory() throws {
    // A folder in place of the file acts like a full disk.
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    let index = try ImageIndex(path: path)
    try index.replace([file("1")], of: "glyphs")
    #expect(try index.counts(of: "glyphs").usable == 1)
    #expect(index.remark?.contains("kept in memory") == true)
  }

  @Test func filesOfAnotherRootAreForgotten() throws {
    let index = try ImageIndex(path: path)
    try index.adopt(root: "/srv/a", of: "glyphs")
    try index.replace([file("1")], of: "glyphs")
    try index.adopt(root: "/srv/a", of: "glyphs")
    #expect(try index.counts(of: "glyphs").usable == 1)
    try index.adopt(root: "/srv/b", of: "glyphs")
    #expect(try index.counts(of: "glyphs").usable == 0)
    try index.replace([file("1")], of: "glyphs")
    try index.keepOnly(["faces"])
    #expect(try index.counts(of: "glyphs").usable == 0)
  }

  @Test func aBrokenIndexIsMadeAnew() throws {
    try scratch.write("index.sqlite", String(repeating: "no database ", count: 1000))
    let index = try ImageIndex(path: path)
    try index.replace([file("1")], of: "glyphs")
    #expect(try index.counts(of: "glyphs").usable == 1)
  }
}
