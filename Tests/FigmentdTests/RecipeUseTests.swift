import Compute
import Control
import Datasets
import Evaluation
import FoundationEssentials
@_spi(PrivateZone) import Privacy
import Testing

@testable import Runs
@testable import figmentd

/// How plans, lists of files, previews and evaluations treat images before a run reads them.
@Suite struct RecipeUseTests {
  private let scratch = ScratchFolder()

  /// A PNG file of a grey square.
  private func write(_ name: String, side: Int, level: UInt8) throws {
    let image = Image(
      shape: ImageShape(height: side, width: side, channels: 1),
      bytes: (0..<side * side).map { level &+ UInt8($0 % 2) })
    try scratch.write(name, "")
    try Data(PNGEncoder().encode(image)).write(to: URL(filePath: "\(scratch.path)/\(name)"))
  }

  /// Persons with up to four images each, half of them smaller than an eighth of the recipe's side.
  private func people() throws -> String {
    var level: UInt8 = 0
    for person in 0..<6 {
      for image in 0..<(1 + person % 4) {
        level += 9
        try write(
          "images/a/p\(person)/\(image).png", side: (person + image) % 2 == 0 ? 3 : 8, level: level)
      }
    }
    return scratch.path + "/images"
  }

  @Test(arguments: [Control.PrivacyUnit.file, .folder], [nil, 1, 2])
  func aPlanCountsWhatARunWithTheRecipeUses(_ unit: Control.PrivacyUnit, _ limit: Int?) throws {
    let root = try people()
    let dataset = DatasetConfiguration(
      name: "people", root: root, settle: .zero,
      policy: PrivacyPolicy(
        epsilonMaximum: 8, delta: 1e-5, unit: unit,
        maximumPerUnit: unit == .folder ? limit ?? 100 : nil))
    let index = try ImageIndex(path: scratch.path + "/index.sqlite")
    let found = try WatchedFolders(makeDecoder: { ImageCodec() }).scan(
      dataset, known: [:], pulse: Pulse())
    try index.replace(found.files, of: "people")
    // Sixteen is more than four times three.
    let form = ImageTransform(height: 16, width: 16, channels: .grey)
    let built = try SnapshotBuilder(root: root, rules: dataset.rules, transform: form)
      .build(in: scratch.path + "/pack")
    let use = try index.use(of: dataset, under: form)
    #expect(use.units == built.snapshot.unitCount)
    #expect(use.images == built.snapshot.count)
    #expect(use.classCount == built.snapshot.classes.count)
    #expect(use.tooSmall == built.files.count { $0.verdict == .tooSmall })
    #expect(use.tooSmall > 0 && use.images > 0)
    let rows = try index.rows(of: dataset, under: form)
    let verdicts = built.files.map { IndexedFile($0).row.verdict }
    #expect(rows.map(\.path) == built.files.map(\.path.description))
    #expect(rows.map(\.verdict) == verdicts)
    #expect(
      use.enlarged == built.files.count { $0.verdict == .accepted && ($0.height ?? 16) < 16 })
    #expect(use.enlarged == use.images, "none has sixteen rows")
    // Three and eight rows lie far below nine; eight rows are little less than nine.
    let nine = ImageTransform(height: 9, width: 9, channels: .grey)
    let little = try index.use(of: dataset, under: nine)
    #expect(little.enlarged > 0 && little.enlarged < little.images)
    #expect(!nine.enlargesMuch(height: 8, width: 8) && nine.enlargesMuch(height: 7, width: 7))
    // If every image is large enough, no verdict changes.
    let small = ImageTransform(height: 8, width: 8, channels: .grey)
    let all = try index.use(of: dataset, under: small)
    #expect(all.tooSmall == 0)
    #expect(all.enlarged > 0 && all.enlarged < all.images, "some have three rows, some eight")
    #expect(
      all.units
        == (try SnapshotBuilder(root: root, rules: dataset.rules, transform: small)
          .build(in: scratch.path + "/pack-small").snapshot.unitCount))
  }

  @Test func aPreviewShowsThePixelsThatARunWouldRead() throws {
    for (name, level) in [("a", UInt8(40)), ("b", 200)] {
      for number in 0..<3 {
        try write("images/\(name)/\(number).png", side: 16, level: level + UInt8(number * 2))
      }
    }
    try write("images/b/small.png", side: 2, level: 9)
    try scratch.write("images/b/broken.png", "this is no picture")
    let form = ImageTransform(height: 16, width: 16, channels: .grey)
    let drawing = PreviewDrawing(
      builder: SnapshotBuilder(root: scratch.path + "/images", transform: form),
      dataset: "letters", recipe: "tiny", levels: nil)
    let sheet = try drawing.sheet(
      of: PreviewSelection(
        classes: [
          .init(name: "a", paths: (0..<3).map { "a/\($0).png" }),
          .init(
            name: "b",
            paths: ["b/small.png", "b/broken.png"] + (0..<3).map { "b/\($0).png" }),
        ], classCount: 2))
    #expect(sheet.images == 6 && sheet.rowsPerClass == 3)
    #expect(sheet.missing.count == 2 && sheet.missing.allSatisfy { $0.hasPrefix("1 of 8: ") })
    #expect(sheet.png.firstRange(of: Data(PreviewSheet.mark.utf8)) != nil)
    let png = Array(sheet.png)
    let image = try png.withUnsafeBytes { try ImageCodec().decode($0) }.image
    let bytes = try #require(image.bytes)
    // Samples of 16 pixels are shown four times as large, with two pixels in between.
    func level(row: Int, column: Int) -> UInt8 {
      bytes[(2 + row * 66) * image.shape.width + 2 + column * 66]
    }
    #expect((0..<3).map { level(row: 0, column: $0) } == [40, 42, 44])
    #expect((0..<5).map { level(row: 3, column: $0) } == [255, 255, 200, 202, 204])
    #expect(image.shape.height == 6 * 66 + 2)
    // A sheet in a class folder is not used for training.
    try sheet.png.write(to: URL(filePath: scratch.path + "/images/a/sheet.png"))
    let found = try SnapshotBuilder(root: scratch.path + "/images", transform: form).inspect()
    #expect(
      found.first { $0.path == RelativePath("a/sheet.png") }?.verdict == .ignored(.previewSheet))
  }

  @Test func classesWhoseFilesStillChangeAreNotCalledEmpty() throws {
    try write("images/a/1.png", side: 8, level: 9)
    try scratch.write("images/b/broken.png", "this is no picture")
    let reader = WatchedFolders(makeDecoder: { ImageCodec() })
    func remarks(_ settle: Duration) throws -> [FolderRemark] {
      try reader.scan(
        DatasetConfiguration(
          name: "fresh", root: scratch.path + "/images", settle: settle,
          policy: PrivacyPolicy(epsilonMaximum: 1, delta: 1e-5)), known: [:], pulse: Pulse()
      ).remarks
    }
    #expect(try remarks(.zero).contains(.classesWithoutImage(["b"], areDeclared: false)))
    #expect(try remarks(.seconds(3600)).allSatisfy { "\($0)".contains("no image") == false })
  }

  @Test func filesOfAPreviewAreSpreadOverTheirClass() throws {
    let index = try ImageIndex(path: scratch.path + "/index.sqlite")
    try index.replace(
      (0..<720).map { FakeFolderReader.file("a/\(1000 + $0).png") }
        + [FakeFolderReader.file("a/0999.png", "truncated")], of: "glyphs")
    let selection = try index.selection(of: "glyphs")
    #expect(selection.classCount == 1)
    #expect(
      selection.classes == [
        .init(name: "a", paths: (0..<72).map { "a/\(1000 + 10 * $0).png" })
      ])
  }

  @Test func judgingReadsImagesWithTheDeclaredWhiteLevel() throws {
    // Twelve bits kept in sixteen: white is 4,095 of 65,535.
    for folder in ["synthetic", "train", "test"] {
      let isReal = folder != "synthetic"
      let header = "P5\n8 8\n\(isReal ? 65_535 : 255)\n"
      let pixels: [UInt8] =
        isReal
        ? (0..<64).flatMap { _ in [UInt8(4095 >> 8), UInt8(4095 & 255)] }
        : [UInt8](repeating: 255, count: 64)
      try scratch.write("\(folder)/a/1.pgm", "")
      try (Data(header.utf8) + Data(pixels)).write(
        to: URL(filePath: "\(scratch.path)/\(folder)/a/1.pgm"))
    }
    func levels(_ rules: DatasetRules) throws -> [Set<UInt8>] {
      let sets = try ImageSets(
        synthetic: scratch.path + "/synthetic", train: scratch.path + "/train",
        test: scratch.path + "/test", as: rules, on: Machine(threadCount: 1),
        meter: ProgressMeter(), makeDecoder: { ImageCodec() })
      return [sets.synthetic.value, sets.train.revealed(), sets.test.revealed()]
        .map { Set($0.pixels) }
    }
    #expect(try levels(DatasetRules(whiteLevel: 4095)) == [[255], [255], [255]])
    #expect(try levels(DatasetRules()) == [[255], [16], [16]])
  }
}
