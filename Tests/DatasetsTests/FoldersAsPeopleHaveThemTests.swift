import Foundation
import Synchronization
import Testing

@testable import Datasets

@Suite struct FoldersAsPeopleHaveThemTests {
  private func inspect(_ folder: TestFolder, _ rules: DatasetRules = DatasetRules()) throws
    -> [InspectedFile]
  {
    try SnapshotBuilder(root: folder.path("root"), rules: rules, transform: .inspection).inspect()
  }

  private func build(_ folder: TestFolder, _ rules: DatasetRules = DatasetRules()) throws
    -> SnapshotResult
  {
    try SnapshotBuilder(root: folder.path("root"), rules: rules, transform: tinyTransform)
      .build(in: folder.path("state"))
  }

  private func verdicts(_ files: [InspectedFile]) -> [String: ImageVerdict] {
    Dictionary(uniqueKeysWithValues: files.map { ($0.path.description, $0.verdict) })
  }

  private func remarks(_ files: [InspectedFile], _ rules: DatasetRules = DatasetRules())
    -> [FolderRemark]
  {
    FolderRemark.remarks(on: files, rules: rules, lookedAtWith: .inspection)
  }

  // MARK: Other files beside the images

  @Test func systemFoldersAreNotClasses() throws {
    let folder = try TestFolder()
    for number in 0..<4 {
      try folder.write(tinyPNG(number), "root/cats/\(number).png")
      try folder.write(tinyPNG(100 + number), "root/dogs/\(number).png")
      // Images that only the names of their folders exclude from the set.
      try folder.write(tinyPNG(200 + number), "root/__MACOSX/cats/\(number).png")
      try folder.write(tinyPNG(300 + number), "root/cats/@eaDir/\(number).png/SYNO_THUMB_L.png")
      try folder.write(tinyPNG(400 + number), "root/$RECYCLE.BIN/S-1-5/\(number).png")
      try folder.write(tinyPNG(500 + number), "root/.snapshot/cats/\(number).png")
      try folder.write(tinyPNG(600 + number), "root/#snapshot/\(number).png")
    }
    try folder.write([1], "root/System Volume Information/IndexerVolumeGuid")
    try folder.write([1], "root/__pycache__/a.pyc")
    try folder.write([1], "root/cats/Thumbs.db")
    try folder.write(Array("0,1\n".utf8), "root/labels/a.csv")
    try folder.makeFolder("root/empty")
    let result = try build(folder)
    #expect(result.snapshot.classes == ["cats", "dogs"])
    #expect(result.snapshot.countsByClass() == [4, 4])
    let found = verdicts(result.files)
    #expect(found["__MACOSX"] == .ignored(.systemFolder))
    #expect(found["cats/@eaDir"] == .ignored(.systemFolder))
    #expect(found[".snapshot"] == .ignored(.hidden))
    #expect(found["cats/Thumbs.db"] == .ignored(.systemFile))
    #expect(found["labels/a.csv"]?.code == "unreadable")
    let summary = ImageSetSummary(of: result.files)
    #expect(
      summary.description
        == "8 of 9 files used; 1 of no known format rejected; class labels has no image")
    #expect(summary.passedOver == 8)
    #expect(Set(try inspect(folder).map(\.verdict)) == Set(result.files.map(\.verdict)))
  }

  @Test func imagesBesideEmptyAndJunkFoldersAreOneClass() throws {
    let folder = try TestFolder()
    for number in 0..<3 { try folder.write(tinyPNG(number), "root/\(number).png") }
    try folder.write(tinyPNG(9), "root/__MACOSX/._0.png")
    try folder.makeFolder("root/labels")
    let snapshot = try build(folder).snapshot
    #expect(snapshot.classes == ["all"])
    #expect(snapshot.count == 3)
  }

  @Test func aDeclaredClassMayHaveAnyName() throws {
    let folder = try TestFolder()
    try folder.write(tinyPNG(1), "root/lost+found/1.png")
    try folder.write(tinyPNG(2), "root/cats/2.png")
    try folder.write(tinyPNG(3), "root/cats/lost+found/3.png")
    let rules = DatasetRules(classes: ["cats", "lost+found"])
    let result = try build(folder, rules)
    #expect(result.snapshot.countsByClass() == [1, 1])
    #expect(verdicts(result.files)["cats/lost+found"] == .ignored(.systemFolder))
    #expect(try build(folder).snapshot.classes == ["cats"])
  }

  @Test func conflictCopiesAndUnfinishedFilesAreNotImages() throws {
    let folder = try TestFolder()
    try folder.write(tinyPNG(0), "root/a/0.png")
    try folder.write(tinyPNG(9), "root/a/Copy of 9.png")
    for (number, name) in [
      "0.sync-conflict-20240101-101010-ABCDEFG.png", "0 (conflicted copy 2024-01-01).png",
      "1.png.!qB", "2.png.!sync", "3.png.aria2", "4.png.bak", "5.png.icloud",
    ].enumerated() {
      try folder.write(tinyPNG(50 + number), "root/a/\(name)")
    }
    try folder.write(tinyPNG(0), "root/a/0 (1).png")
    let result = try build(folder)
    #expect(result.snapshot.count == 2)
    #expect(
      result.files.countsByCode() == ["accepted": 2, "duplicate": 1, "ignored": 7])
    #expect(
      ImageSetSummary(of: result.files).description == "2 of 3 files used; 1 repeated left out")
  }

  @Test func aNewJunkFolderIsNotEnteredWhileWatching() throws {
    let folder = try TestFolder()
    try folder.write(tinyPNG(1), "root/a/1.png")
    let watcher = try FolderWatcher(
      root: folder.path("root"),
      options: WatchOptions(quiet: .milliseconds(50), rescanInterval: .seconds(600)))
    _ = watcher.poll(timeout: .milliseconds(300))
    try folder.write(tinyPNG(2), "root/a/@eaDir/2.png")
    try folder.write(tinyPNG(3), "root/b/3.png")
    var settled: [RelativePath] = []
    let end = ContinuousClock.now + .seconds(10)
    while ContinuousClock.now < end, !settled.contains(RelativePath("b/3.png")) {
      for case .settled(let path, _) in watcher.poll(timeout: .milliseconds(200)) {
        settled.append(path)
      }
    }
    #expect(settled.contains(RelativePath("b/3.png")))
    #expect(!settled.contains(RelativePath("a/@eaDir/2.png")))
  }

  // MARK: Classes

  @Test func aFoundClassWithoutImagesIsDroppedAndADeclaredOneStays() throws {
    let folder = try TestFolder()
    for number in 0..<6 {
      try folder.write(tinyPNG(number), "root/\(number % 2 == 0 ? "b" : "d")/\(number).png")
    }
    for (name, bytes) in [("a", [1, 2, 3]), ("c", []), ("e", Array("RIFF....WEBPVP8 ".utf8))] {
      try folder.write(bytes, "root/\(name)/x.png")
    }
    let found = try build(folder).snapshot
    #expect(found.classes == ["b", "d"])
    #expect(found.countsByClass() == [3, 3])
    for index in 0..<6 {
      #expect(found.label(of: index) == Int(found.pixels(of: index)[0]) % 2)
    }
    #expect(found.classesWithoutImage.isEmpty)
    let rules = DatasetRules(classes: ["d", "c", "b", "never"])
    let declared = try build(folder, rules)
    #expect(declared.snapshot.classes == ["d", "c", "b", "never"])
    #expect(declared.snapshot.countsByClass() == [3, 0, 3, 0])
    #expect(declared.snapshot.classesWithoutImage == ["c", "never"])
    #expect(
      remarks(declared.files, rules).contains(
        .classesWithoutImage(["c", "never"], areDeclared: true)))
    #expect(
      remarks(try inspect(folder)).contains(
        .classesWithoutImage(["a", "c", "e"], areDeclared: false)))
  }

  @Test func namesThatLookTheSameAreOneClass() throws {
    let folder = try TestFolder()
    let (composed, decomposed) = ("caf\u{e9}", "cafe\u{301}")
    for number in 0..<4 {
      try folder.write(tinyPNG(number), "root/\(number < 2 ? composed : decomposed)/\(number).png")
    }
    try folder.write(tinyPNG(9), "root/tea/9.png")
    let result = try build(folder)
    #expect(
      result.snapshot.classes.map { Array($0.utf8) } == ["caf\u{e9}", "tea"].map { Array($0.utf8) })
    #expect(result.snapshot.countsByClass() == [4, 1])
    #expect(remarks(result.files).contains(.sameNameTwice([composed])))
    // Declared in either form, stored in one form.
    for name in [composed, decomposed] {
      let declared = try build(folder, DatasetRules(classes: [name, "tea"])).snapshot
      #expect(
        declared.classes.map { Array($0.utf8) } == [Array("caf\u{e9}".utf8), Array("tea".utf8)])
      #expect(declared.countsByClass() == [4, 1])
    }
    #expect(throws: DatasetError.self) {
      try build(folder, DatasetRules(classes: [composed, decomposed]))
    }
  }

  @Test func aPersonWhoseNameIsSpeltInTwoWaysIsOneUnit() throws {
    let folder = try TestFolder()
    try folder.write(tinyPNG(0), "root/a/Jos\u{e9}/0.png")
    try folder.write(tinyPNG(1), "root/a/Jose\u{301}/1.png")
    try folder.write(tinyPNG(2), "root/b/Jose\u{301}/2.png")
    try folder.write(tinyPNG(3), "root/b/Anna/3.png")
    let rules = DatasetRules(privacyUnit: .folder, maximumPerUnit: 2)
    let result = try build(folder, rules)
    #expect(result.snapshot.unitCount == 2)
    #expect(result.files.countsByCode() == ["accepted": 3, "beyondUnitLimit": 1])
  }

  @Test func normalFormFollowsUnicode() {
    for (text, expected) in [
      ("e\u{323}\u{302}", "\u{1ec7}"), ("\u{1112}\u{1161}\u{11ab}", "\u{d55c}"),
      ("\u{212b}", "\u{c5}"),
      ("plain", "plain"), ("", ""),
    ] {
      #expect(Array(CanonicalName.text(text).utf8) == Array(expected.utf8))
    }
    #expect(CanonicalName.bytes([0x61, 0xff, 0xcc, 0x81]) == [0x61, 0xff, 0xcc, 0x81])
  }

  // MARK: Splits

  private func remarksOnFolders(_ names: [String]) throws -> [FolderRemark] {
    let folder = try TestFolder()
    for (number, name) in names.enumerated() {
      try folder.write(tinyPNG(number), "root/\(name)/ok/\(number).png")
    }
    return remarks(try inspect(folder))
  }

  @Test(
    arguments: [
      (["train", "test", "masks"], ["masks", "test", "train"]),
      (["Train", "valid"], ["Train", "valid"]),
      (["images", "labels"], ["images", "labels"]), (["train"], ["train"]),
      (["cats", "dogs", "masks"], ["masks"]), (["cats", "holdout"], ["holdout"]),
      (["cats", "dogs"], []), (["train", "plane", "boat"], []), (["mask", "no mask"], []),
    ])
  func splitsAreNotTreatedAsClassesWithoutARemark(folders: [String], expected: [String]) throws {
    let found = try remarksOnFolders(folders)
    #expect(found == (expected.isEmpty ? [] : [.looksLikeSplits(expected)]))
  }

  @Test func theRemarkOnSplitsNamesTheFolderToUse() throws {
    let text = "\(FolderRemark.looksLikeSplits(["masks", "test", "train"]))"
    #expect(text.contains("Point the root at train/"))
    #expect("\(FolderRemark.looksLikeSplits(["images", "labels"]))".contains("images/"))
    let folder = try TestFolder()
    for name in ["train", "test"] {
      try folder.write(tinyPNG(name.count), "root/\(name)/1.png")
    }
    let rules = DatasetRules(classes: ["train", "test"])
    #expect(remarks(try inspect(folder, rules), rules).isEmpty)
  }

  // MARK: Dark sets

  @Test func aNearlyBlackSetIsRemarkedUntilItsLevelIsDeclared() throws {
    let folder = try TestFolder()
    let file = try OddImages.file("12 bits kept in 16, with sBIT")
    try folder.write(file.data, "root/a/1.png")
    let files = try inspect(folder)
    #expect(files.map(\.brightest).allSatisfy { (1...16).contains($0 ?? 0) })
    guard case .nearlyBlack(let brightest)? = remarks(files).first else {
      Issue.record("no remark")
      return
    }
    #expect("\(FolderRemark.nearlyBlack(brightest: brightest))".contains("4095"))
    let rules = DatasetRules(whiteLevel: 4_095)
    // The inspection uses the full scale; a run uses the declared level.
    #expect(remarks(files, rules).isEmpty)
    let run = try build(folder, rules).files
    #expect(
      FolderRemark.remarks(on: run, rules: rules, lookedAtWith: tinyTransform.under(rules)).isEmpty)
    #expect(
      !FolderRemark.remarks(
        on: try build(folder).files, rules: DatasetRules(), lookedAtWith: tinyTransform
      ).isEmpty)
    // One bright image is enough to suppress the remark.
    try folder.write(tinyPNG(1), "root/a/2.png")
    #expect(remarks(try inspect(folder)).isEmpty)
  }

  @Test func masksOfSmallNumbersAreNearlyBlackToo() throws {
    let folder = try TestFolder()
    let shape = ImageShape(height: 8, width: 8, channels: 1)
    for number in 0..<3 {
      let bytes = (0..<64).map { UInt8(($0 + number) % 11) }
      try folder.write(
        PNGEncoder().encode(Image(shape: shape, bytes: bytes)), "root/a/\(number).png")
    }
    let files = try inspect(folder)
    #expect(remarks(files) == [.nearlyBlack(brightest: 10)])
    #expect(remarks(files, DatasetRules(whiteLevel: 10)).isEmpty)
    #expect(remarks(files, DatasetRules(whiteLevel: 200)).count == 1)
  }
}
