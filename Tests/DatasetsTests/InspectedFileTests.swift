import Testing

@testable import Datasets

@Suite struct InspectedFileTests {
  private static let hash = [1, 2, 3].withUnsafeBytes { ContentHash(of: $0) }

  private func file(_ verdict: ImageVerdict, hash: ContentHash? = hash) -> InspectedFile {
    InspectedFile(
      path: RelativePath("a/1.png"), verdict: verdict, className: "a",
      signature: FileSignature(device: 1, inode: 2, size: 3, modified: 4, changed: 5),
      contentHash: hash, height: 6, width: 7, remarks: [], brightest: 8)
  }

  /// Which copy counts may change when other files do.
  @Test(arguments: [
    ImageVerdict.accepted, .duplicate(of: RelativePath("a/0.png")),
    .contradictoryClass(with: RelativePath("b/0.png")), .beyondUnitLimit,
  ])
  func whatComparisonDecidedIsDecidedAnew(_ verdict: ImageVerdict) throws {
    let read = try #require(file(verdict).asRead)
    #expect(read.verdict == .accepted)
    #expect(read.className == nil)
    #expect(read.signature == file(verdict).signature)
    #expect(read.contentHash == Self.hash)
    #expect([read.height, read.width, read.brightest] == [6, 7, 8])
    #expect(file(verdict, hash: nil).asRead == nil)
  }

  @Test(arguments: [
    ImageVerdict.unreadable(.empty), .unsupported(.cameraRaw), .tooLarge(.fileTooLarge), .tooSmall,
  ])
  func aFileThatDidNotDecodeKeepsItsVerdict(_ verdict: ImageVerdict) {
    #expect(file(verdict).asRead?.verdict == verdict)
  }

  @Test(arguments: [
    ImageVerdict.waiting, .notRegularFile, .forbidden, .otherFileSystem, .unknownClass, .noClass,
    .noUnit, .ignored(.hidden), .vanished, .readError,
  ])
  func aFileThatWasNotReadIsReadAgain(_ verdict: ImageVerdict) {
    #expect(file(verdict).asRead == nil)
  }
}
