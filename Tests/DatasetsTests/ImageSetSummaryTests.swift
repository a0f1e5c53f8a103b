import Foundation
import Synchronization
import Testing

@testable import Datasets

@Suite struct ImageSetSummaryTests {
  private func inspect(_ folder: TestFolder, _ rules: DatasetRules = DatasetRules()) throws
    -> [InspectedFile]
  {
    try SnapshotBuilder(root: folder.path("root"), rules: rules, transform: .inspection).inspect()
  }

  /// Large and small images in two classes, two of them rotated by 90 degrees.
  private func mixed() throws -> TestFolder {
    let folder = try TestFolder()
    for (number, side) in [40, 40, 40, 5, 5, 5, 2, 7].enumerated() {
      for name in ["a", "b"] {
        let shade = number * 2 + (name == "a" ? 0 : 1)
        try folder.write(tinyPNG(shade, side: side), "root/\(name)/p\(number % 3)/\(number).png")
      }
    }
    return folder
  }

  @Test func aRunUsesTheImagesThatTheInspectionReports() throws {
    let folder = try mixed()
    let forms = [
      ImageTransform(height: 28, width: 28, channels: .grey),
      ImageTransform(height: 16, width: 8, channels: .rgb, fit: .stretch),
      ImageTransform(height: 64, width: 64, channels: .grey), tinyTransform,
    ]
    for rules in [
      DatasetRules(), DatasetRules(classes: ["b", "c"]),
      DatasetRules(privacyUnit: .folder, maximumPerUnit: 2),
    ] {
      let inspected = try inspect(folder, rules)
      #expect(inspected.count { $0.verdict == .accepted } >= 8 / (rules.maximumPerUnit ?? 1))
      for form in forms {
        let told = inspected.verdicts(under: form, rules: rules)
        let run = try SnapshotBuilder(root: folder.path("root"), rules: rules, transform: form)
          .build(in: folder.path("state"))
        #expect(told.map(\.path) == run.files.map(\.path))
        #expect(told.map(\.verdict) == run.files.map(\.verdict), "\(form), \(rules)")
        #expect(
          ImageSetSummary(of: told, classes: rules.classes)
            == ImageSetSummary(of: run.files, classes: rules.classes))
        #expect(ImageSetSummary(of: told).used == run.snapshot.count)
      }
    }
  }

  @Test func sizesDescribeTheUprightImage() throws {
    let folder = try TestFolder()
    let names = [
      "eXIf with SHORT", "eXIf with LONG after Exif", "XMP element in iTXt",
      "Raw profile type APP1 in zTXt, 32 bytes", "JPEG: orientation, LONG", "JPEG: nothing odd",
    ]
    for (number, name) in names.enumerated() {
      try folder.write(try OddImages.file(name).data, "root/a/\(number).png")
    }
    let files = try inspect(folder)
    #expect(files.map { $0.height ?? 0 } == [11, 11, 11, 11, 20, 12])
    #expect(files.map { $0.width ?? 0 } == [9, 9, 9, 9, 12, 20])
    // Upright, 11 × 9 is high enough for 44 rows; rotated, 9 × 11 would not be.
    let form = ImageTransform(height: 44, width: 36, channels: .grey, fit: .stretch)
    #expect(
      files.map { $0.verdict(under: form) == .accepted } == [true, true, true, true, true, true])
    let higher = ImageTransform(height: 46, width: 36, channels: .grey, fit: .stretch)
    #expect(files.map { $0.verdict(under: higher).code }.prefix(4).allSatisfy { $0 == "tooSmall" })
    let run = try SnapshotBuilder(root: folder.path("root"), transform: form)
      .build(in: folder.path("state"))
    #expect(run.snapshot.count == 6)
  }

  @Test func theSummaryStatesWhatIsNotUsedAndWhy() throws {
    let folder = try TestFolder()
    try folder.write(tinyPNG(1), "root/a/x.png")
    for number in 0..<5 {
      try folder.write(Array("GIF89a\u{1}\u{1}\u{1}\u{1}...\(number)".utf8), "root/a/\(number).gif")
      try folder.write([0x53, 0x52, UInt8(number)], "root/b/\(number).raw")
    }
    let summary = ImageSetSummary(of: try inspect(folder))
    #expect(
      "\(summary)"
        == "1 of 11 files used; 5 GIF, 5 of no known format rejected; class b has no image")
    let declared = ImageSetSummary(of: try inspect(folder), classes: ["a", "b", "z"])
    #expect("\(declared)".hasSuffix("classes b, z have no image"))
    #expect("\(ImageSetSummary(of: []))" == "0 of 0 files used")
    let many = FolderRemark.remarks(
      on: try inspect(folder), rules: DatasetRules(), lookedAtWith: .inspection)
    #expect(many.contains(.manyRejected(what: "GIF", count: 5, total: 11)))
    let json = try JSONEncoder().encode(summary)
    #expect(try JSONDecoder().decode(ImageSetSummary.self, from: json) == summary)
  }

  @Test func aRootWithoutFoldersIsNotReportedAsAnEmptyClass() throws {
    let folder = try TestFolder()
    try folder.write([1, 2, 3], "root/notes.txt")
    let files = try inspect(folder)
    #expect("\(ImageSetSummary(of: files))" == "0 of 1 file used; 1 of no known format rejected")
    let remarks = FolderRemark.remarks(
      on: files, rules: DatasetRules(), lookedAtWith: .inspection)
    #expect(remarks.map { "\($0)" } == ["1 of 1 file is not used: of no known format."])
  }

  @Test func everyVerdictHasAShortDescription() {
    let verdicts: [ImageVerdict] =
      [
        .accepted, .waiting, .duplicate(of: RelativePath("a")), .tooSmall, .notRegularFile,
        .contradictoryClass(with: RelativePath("a")), .forbidden, .otherFileSystem, .unknownClass,
        .noClass, .noUnit, .beyondUnitLimit, .ignored(.backup), .vanished, .readError,
        .tooLarge(.sideTooLong),
      ] + ImageFormat.allCases.map { .unsupported($0) }
      + DecodeFailure.allCases.map { .unreadable($0) }
    for verdict in verdicts {
      #expect(!verdict.inFewWords.isEmpty && !verdict.inFewWords.hasSuffix("."), "\(verdict)")
    }
  }

  @Test func verdictsAreReportedEvenIfNoFileIsAccepted() throws {
    let folder = try TestFolder()
    for number in 0..<3 { try folder.write([1, UInt8(number)], "root/a/\(number).png") }
    let heard = Mutex<[InspectedFile]>([])
    var builder = SnapshotBuilder(root: folder.path("root"), transform: tinyTransform)
    builder.onVerdicts = { files in heard.withLock { $0 = files } }
    #expect(throws: DatasetError.noImages(root: folder.path("root"), fileCount: 3)) {
      try builder.build(in: folder.path("state"))
    }
    let files = heard.withLock { $0 }
    #expect(files.count == 3)
    #expect(
      "\(ImageSetSummary(of: files))"
        == "0 of 3 files used; 3 of no known format rejected; class a has no image")
  }
}
