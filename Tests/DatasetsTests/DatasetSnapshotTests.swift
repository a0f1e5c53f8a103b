import Compute
import Foundation
import Synchronization
import Testing

@testable import Datasets

@Suite struct DatasetSnapshotTests {
  /// Twelve images in three classes.
  private func folder(reversed: Bool = false, renamed: Bool = false) throws -> TestFolder {
    let folder = try TestFolder()
    let numbers = reversed ? Array((0..<12).reversed()) : Array(0..<12)
    for number in numbers {
      let name = renamed ? "x\(97 - number)" : "\(number)"
      try folder.write(tinyPNG(number), "root/class\(number % 3)/\(name).png")
    }
    return folder
  }

  private func build(_ folder: TestFolder, rules: DatasetRules = DatasetRules(), threads: Int = 2)
    throws -> SnapshotResult
  {
    try SnapshotBuilder(
      root: folder.path("root"), rules: rules, transform: tinyTransform, threadCount: threads
    ).build(in: folder.path("state"))
  }

  @Test func everyImageIsFoundWithItsClassAndPixels() throws {
    let folder = try folder()
    let result = try build(folder)
    let snapshot = result.snapshot
    #expect(snapshot.classes == ["class0", "class1", "class2"])
    #expect(snapshot.count == 12)
    #expect(snapshot.unitCount == 12)
    #expect(snapshot.shape == ImageShape(height: 8, width: 8, channels: 1))
    #expect(snapshot.countsByClass() == [4, 4, 4])
    var seen: Set<Int> = []
    for index in 0..<12 {
      let number = Int(snapshot.pixels(of: index)[0])
      seen.insert(number)
      #expect(snapshot.label(of: index) == number % 3)
      #expect(snapshot.image(index) == (try ImageCodec().decode(tinyPNG(number)).image))
      let hash = tinyPNG(number).withUnsafeBytes { ContentHash(of: $0) }
      #expect(snapshot.contentHash(of: index) == hash)
      #expect(index == 0 || snapshot.contentHash(of: index - 1) < hash)
    }
    #expect(seen == Set(0..<12))
    #expect(result.files.map(\.path) == result.files.map(\.path).sorted())
    #expect(result.files.allSatisfy { $0.height == 8 && $0.width == 8 && $0.signature != nil })
    #expect(result.files.map(\.className).first == "class0")
  }

  @Test func onlyTheListedFilesArePackedAndTheirChangesAreSeen() throws {
    let folder = try folder()
    let listing = try FolderScan(root: folder.path("root"))
    try folder.write(tinyPNG(90), "root/class0/late.png")
    try FileManager.default.removeItem(atPath: folder.path("root/class1/4.png"))
    let result = try SnapshotBuilder(
      root: folder.path("root"), transform: tinyTransform, threadCount: 2
    ).build(in: folder.path("state"), listing: listing)
    #expect(result.files.countsByCode() == ["accepted": 11, "vanished": 1])
    #expect(result.snapshot.countsByClass() == [4, 3, 4])
  }

  @Test func theSameSetProducesTheSameFileForAllNamesOrdersAndThreads() throws {
    let first = try folder()
    let one = try build(first, threads: 1)
    let second = try folder(reversed: true, renamed: true)
    try second.write(tinyPNG(5), "root/class2/copy.png")
    try second.write([1, 2, 3], "root/class1/bad.png")
    let two = try build(second, threads: 3)
    #expect(two.files.countsByCode() == ["accepted": 12, "duplicate": 1, "unreadable": 1])
    #expect(one.snapshot.digest == two.snapshot.digest)
    #expect(try first.bytes("state/images.pack") == second.bytes("state/images.pack"))
  }

  @Test func anotherImageClassOrTransformHasAnotherDigest() throws {
    let base = try build(folder()).snapshot.digest
    let more = try folder()
    try more.write(tinyPNG(77), "root/class0/more.png")
    #expect(try build(more).snapshot.digest != base)
    let moved = try folder()
    try FileManager.default.moveItem(
      atPath: moved.path("root/class0/0.png"), toPath: moved.path("root/class1/0.png"))
    #expect(try build(moved).snapshot.digest != base)
    let other = try folder()
    let stretched = try SnapshotBuilder(
      root: other.path("root"),
      transform: ImageTransform(height: 8, width: 8, channels: .grey, fit: .stretch)
    ).build(in: other.path("state"))
    #expect(stretched.snapshot.digest != base)
  }

  @Test func theFileIsPrivateAndNothingElseIsLeft() throws {
    let folder = try folder()
    _ = try build(folder)
    let files = FileManager.default
    let state = try files.attributesOfItem(atPath: folder.path("state"))
    #expect((state[.posixPermissions] as? Int) == 0o700)
    let pack = try files.attributesOfItem(atPath: folder.path("state/images.pack"))
    #expect((pack[.posixPermissions] as? Int) == 0o600)
    #expect(try files.contentsOfDirectory(atPath: folder.path("state")) == ["images.pack"])
  }

  /// The group counts as others too, and each single permission bit is too much.
  @Test(arguments: [UInt32(0o755), 0o740, 0o720, 0o710, 0o704, 0o702, 0o701])
  func aDirectoryThatOthersMayEnterIsRefused(_ mode: UInt32) throws {
    let folder = try folder()
    try folder.makeFolder("open")
    try FileManager.default.setAttributes(
      [.posixPermissions: Int(mode)], ofItemAtPath: folder.path("open"))
    #expect(throws: DatasetError.directoryNotPrivate(path: folder.path("open"), mode: mode)) {
      try SnapshotBuilder(root: folder.path("root"), transform: tinyTransform)
        .build(in: folder.path("open"))
    }
  }

  @Test func anyChangedByteIsNoticed() throws {
    let folder = try folder()
    _ = try build(folder)
    let bytes = try folder.bytes("state/images.pack")
    let interesting =
      Array(0..<160) + [2_000, 4_095] + Array(stride(from: 4_096, to: bytes.count, by: 7))
    for index in interesting {
      var damaged = bytes
      damaged[index] ^= 0x20
      try folder.write(damaged, "damaged")
      #expect(throws: DatasetError.self, "byte \(index)") {
        try DatasetSnapshot(opening: folder.path("damaged"))
      }
    }
    for size in [0, 1, 4_095, 4_096, bytes.count - 1] {
      try folder.write(Array(bytes[..<size]), "damaged")
      #expect(throws: DatasetError.self) { try DatasetSnapshot(opening: folder.path("damaged")) }
    }
    try folder.write(bytes + [0], "damaged")
    #expect(throws: DatasetError.self) { try DatasetSnapshot(opening: folder.path("damaged")) }
    try folder.write(bytes, "damaged")
    #expect(try DatasetSnapshot(opening: folder.path("damaged")).count == 12)
  }

  @Test func aLaterFormatIsNamedAsSuch() throws {
    let folder = try folder()
    _ = try build(folder)
    var bytes = try folder.bytes("state/images.pack")
    bytes[8] = 9
    try folder.write(bytes, "later")
    #expect(throws: DatasetError.snapshotTooNew(path: folder.path("later"), version: 9)) {
      try DatasetSnapshot(opening: folder.path("later"))
    }
  }

  @Test func aFolderWithoutAnyImageIsAnError() throws {
    let folder = try TestFolder()
    try folder.write([1, 2, 3], "root/a/x.png")
    #expect(throws: DatasetError.noImages(root: folder.path("root"), fileCount: 1)) {
      try build(folder)
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path("state")).isEmpty)
    #expect(throws: DatasetError.rootUnavailable(path: folder.path("absent"), errno: ENOENT)) {
      try SnapshotBuilder(root: folder.path("absent"), transform: tinyTransform).inspect()
    }
  }

  @Test func stoppingLeavesNothingBehind() throws {
    let folder = try folder()
    var builder = SnapshotBuilder(root: folder.path("root"), transform: tinyTransform)
    builder.isStopped = { true }
    #expect(throws: DatasetError.stopped) { try builder.build(in: folder.path("state")) }
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path("state")).isEmpty)
  }

  @Test func progressReachesTheNumberOfFiles() throws {
    let folder = try TestFolder()
    for number in 0..<200 { try folder.write(tinyPNG(number), "root/\(number).png") }
    var builder = SnapshotBuilder(root: folder.path("root"), transform: tinyTransform)
    let last = Mutex<[SnapshotProgress]>([])
    builder.onProgress = { progress in last.withLock { $0.append(progress) } }
    #expect(try builder.inspect().countsByCode() == ["accepted": 200])
    let reported = last.withLock { $0 }
    #expect(reported.map(\.finished).max() == 200)
    #expect(reported.allSatisfy { $0.total == 200 })
  }

  @Test func peopleAreUnitsAcrossClasses() throws {
    let folder = try TestFolder()
    for (place, number) in [
      ("cat/anna/1", 1), ("cat/anna/2", 2), ("dog/anna/1", 3), ("dog/ben/1", 4), ("dog/ben/2", 1),
    ] {
      try folder.write(tinyPNG(number), "root/\(place).png")
    }
    try folder.write(tinyPNG(9), "root/dog/nobody.png")
    let result = try build(folder, rules: DatasetRules(privacyUnit: .folder))
    #expect(result.files.countsByCode() == ["accepted": 5, "noUnit": 1])
    let snapshot = result.snapshot
    #expect(snapshot.unitCount == 2)
    #expect(snapshot.imagesByUnit().map(\.count) == [3, 2])
    // Anna and Ben have the same bytes; both copies count, because each counts for its owner.
    let shared = tinyPNG(1).withUnsafeBytes { ContentHash(of: $0) }
    #expect((0..<5).filter { snapshot.contentHash(of: $0) == shared }.count == 2)

    var random = SeededStream(seed: 4)
    var sizes: Set<Int> = []
    for _ in 0..<200 {
      let batch = BatchSampler(snapshot).draw(probability: 0.5, using: &random)
      sizes.insert(batch.count)
      let units = try #require(batch.units)
      let groups = units.indices.filter { $0 == 0 || units[$0] != units[$0 - 1] }.map { units[$0] }
      #expect(Set(groups).count == groups.count, "images of one person are adjacent")
    }
    #expect(sizes == [0, 2, 3, 5])
  }

  @Test func aPersonWithManyImagesIsLimitedOnlyByTheirOwnContent() throws {
    let folder = try TestFolder()
    for number in 0..<9 { try folder.write(tinyPNG(number), "root/cat/anna/\(number).png") }
    try folder.write(tinyPNG(20), "root/cat/ben/1.png")
    let rules = DatasetRules(privacyUnit: .folder, maximumPerUnit: 4)
    let result = try build(folder, rules: rules)
    #expect(result.files.countsByCode() == ["accepted": 5, "beyondUnitLimit": 5])
    let kept = Set((0..<5).map { result.snapshot.contentHash(of: $0) })
    let own = (0..<9).map { number in tinyPNG(number).withUnsafeBytes { ContentHash(of: $0) } }
    #expect(own.sorted().prefix(4).allSatisfy { kept.contains($0) })
    #expect(throws: DatasetError.self) {
      try build(folder, rules: DatasetRules(privacyUnit: .folder, maximumPerUnit: 0))
    }
  }

  /// A person is one unit across all classes; otherwise the limits would add up.
  @Test func aPersonsLimitIsForTheImagesOfAllClassesTogether() throws {
    let folder = try TestFolder()
    for number in 0..<9 {
      let place = ["cat", "dog", "fox"][number % 3]
      try folder.write(tinyPNG(number), "root/\(place)/anna/\(number).png")
    }
    try folder.write(tinyPNG(20), "root/dog/ben/1.png")
    let rules = DatasetRules(privacyUnit: .folder, maximumPerUnit: 4)
    let result = try build(folder, rules: rules)
    #expect(result.files.countsByCode() == ["accepted": 5, "beyondUnitLimit": 5])
    #expect(result.snapshot.imagesByUnit().map(\.count) == [4, 1])
  }

  @Test(arguments: [
    DatasetRules(classes: ["cat"]), DatasetRules(privacyUnit: .folder, maximumPerUnit: 4),
    DatasetRules(privacyUnit: .folder),
  ])
  func rulesThatLeaveImagesOutKnowRulesThatLeaveNoneOut(_ rules: DatasetRules) throws {
    let folder = try TestFolder()
    for number in 0..<9 { try folder.write(tinyPNG(number), "root/cat/anna/\(number).png") }
    for number in 9..<12 { try folder.write(tinyPNG(number), "root/dog/\(number).png") }
    #expect(try build(folder, rules: rules).snapshot.count < 12)
    #expect(try build(folder, rules: #require(rules.leavingNoneOut)).snapshot.count == 12)
    #expect(DatasetRules(whiteLevel: 4095, colour: .asStored).leavingNoneOut == nil)
  }

  @Test func unchangedFilesAreNotReadAgain() throws {
    let folder = try folder()
    try folder.write(tinyPNG(3), "root/class0/copy.png")
    try folder.write([1], "root/class0/bad.png")
    final class Counting: ImageDecoder, @unchecked Sendable {
      let codec = ImageCodec()
      var count = 0
      func decode(
        _ files: EncodedImages, with transform: ImageTransform,
        into pixels: UnsafeMutableBufferPointer<UInt8>
      ) throws -> [DecodeOutcome] {
        count += files.count
        return codec.decode(files, with: transform, into: pixels)
      }
    }
    let decoder = Counting()
    var builder = SnapshotBuilder(
      root: folder.path("root"), transform: tinyTransform, threadCount: 1)
    builder.makeDecoder = { decoder }
    let first = try builder.inspect()
    #expect(decoder.count == 14)
    #expect(first.countsByCode() == ["accepted": 12, "duplicate": 1, "unreadable": 1])
    var known = Dictionary(uniqueKeysWithValues: first.map { ($0.path, $0) })
    #expect(try builder.inspect(known: known) == first)
    #expect(decoder.count == 14)
    // The first of two copies is removed, so the other one is accepted without being read.
    unlink(folder.path("root/class0/3.png"))
    try folder.write(tinyPNG(90), "root/class0/0.png")
    let second = try builder.inspect(known: known)
    #expect(second.countsByCode() == ["accepted": 12, "unreadable": 1])
    #expect(decoder.count == 15)
    known[RelativePath("class0/bad.png")] = nil
    _ = try builder.inspect(known: known)
    #expect(decoder.count == 17)
  }

  @Test func declaredClassesDecideLabels() throws {
    let folder = try folder()
    try folder.write(tinyPNG(50), "root/stray/1.png")
    let rules = DatasetRules(classes: ["class2", "class0", "class1", "rare"])
    let result = try build(folder, rules: rules)
    #expect(result.files.countsByCode() == ["accepted": 12, "unknownClass": 1])
    #expect(result.snapshot.classes == ["class2", "class0", "class1", "rare"])
    #expect(result.snapshot.countsByClass() == [4, 4, 4, 0])
    #expect(throws: DatasetError.self) {
      try build(folder, rules: DatasetRules(classes: ["a", "a"]))
    }
  }

  @Test func aBatchIsScaledByConstants() throws {
    let folder = try folder()
    let snapshot = try build(folder).snapshot
    let batch = Batch(snapshot: snapshot, images: [3, 0, 7])
    var numbers = [Float](repeating: .nan, count: 128)
    try numbers.withUnsafeMutableBufferPointer { numbers in
      let start = try #require(numbers.baseAddress)
      let target = Tensor(shape: Shape([2, 8, 8, 1]), base: start)
      batch.fill(target, from: 1..<3)
    }
    let bytes = Array(snapshot.pixels(of: 0)) + Array(snapshot.pixels(of: 7))
    #expect(numbers == bytes.map { (Float($0) - 127.5) / 127.5 })
    #expect(batch.labels(in: 1..<3) == [snapshot.label(of: 0), snapshot.label(of: 7)])
    #expect(batch.units == nil)
    #expect(PixelScale.number(of: 0) == -1)
    #expect(PixelScale.number(of: 255) == 1)
    for byte: UInt8 in 0...255 {
      #expect(PixelScale.byte(of: PixelScale.number(of: byte)) == byte)
    }
    #expect(PixelScale.byte(of: .nan) == 0)
    #expect(PixelScale.byte(of: 7) == 255)
    #expect(PixelScale.byte(of: -.infinity) == 0)
  }
}
