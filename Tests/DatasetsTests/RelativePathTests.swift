import Datasets
import Foundation
import Testing

@Suite struct RelativePathTests {
  @Test(arguments: [
    "3/12.png", "a b/ü✓.png", "back\\slash", "tab\tline\n.png", "\u{202e}gnp.exe",
  ])
  func textIsReadableAndReversible(name: String) {
    let path = RelativePath(bytes: Array(name.utf8))
    #expect(RelativePath(path.description) == path)
    #expect(!path.description.contains { $0.isNewline || $0 == "\t" || $0 == "\u{202e}" })
  }

  @Test func bytesThatAreNotTextSurvive() throws {
    let path = RelativePath(bytes: [0x61, 0xff, 0xc3, 0x28, 0x2f, 0x80, 0x5c, 0x78, 0x41, 0x41])
    #expect(path.description == "a\\xff\\xc3(/\\x80\\\\xAA")
    let json = try JSONEncoder().encode([path])
    #expect(try JSONDecoder().decode([RelativePath].self, from: json) == [path])
  }

  @Test func belowMeansAWholeComponent() {
    #expect(RelativePath("cats/1.png").isBelow(RelativePath("cats")))
    #expect(!RelativePath("cats2/1.png").isBelow(RelativePath("cats")))
    #expect(!RelativePath("cats").isBelow(RelativePath("cats")))
    #expect(RelativePath("cats").isBelow(RelativePath("")))
  }

  @Test func everyVerdictSurvivesJSONAndHasADescription() throws {
    let verdicts: [ImageVerdict] =
      [
        .accepted, .waiting, .duplicate(of: RelativePath("a/b")),
        .contradictoryClass(with: RelativePath("c")), .tooSmall,
        .notRegularFile, .forbidden, .otherFileSystem, .unknownClass, .noClass, .noUnit,
        .vanished, .readError, .tooLarge(.sideTooLong),
      ] + DecodeFailure.allCases.map { .unreadable($0) }
      + PassedOverName.allCases.map { .ignored($0) }
    let json = try JSONEncoder().encode(verdicts)
    #expect(try JSONDecoder().decode([ImageVerdict].self, from: json) == verdicts)
    for verdict in verdicts { #expect(verdict.description.hasSuffix("."), "\(verdict.code)") }
    #expect(throws: DecodingError.self) {
      try JSONDecoder().decode(ImageVerdict.self, from: Data(#"{"code":"odd"}"#.utf8))
    }
  }
}
