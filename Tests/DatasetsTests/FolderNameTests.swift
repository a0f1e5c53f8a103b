import Datasets
import Testing

/// Names that become folders.
@Suite struct FolderNameTests {
  @Test(arguments: [
    "", ".", "..", "../x", "a/b", "/etc", ".hidden", "a\0b", "a\nb", "a\u{2028}b", "a\u{7f}",
    String(repeating: "x", count: 201),
  ])
  func namesThatClimbHideOrBreakLinesAreRefused(_ text: String) {
    let error = #expect(throws: InvalidName.self) { try FolderName(text, kind: "class") }
    #expect(error?.description.contains("\n") == false)
    #expect(error?.description.hasPrefix("class '") == true)
  }

  @Test(arguments: ["cat", "0", "Crème brûlée", "a b", "猫", "a..b", "x.", "-x"])
  func plainNamesAreAccepted(_ text: String) throws {
    #expect(try FolderName(text).text == text)
  }

  @Test func classesAreDistinguishedAndCounted() throws {
    #expect(try ClassNames.folders(["b", "a"]).map(\.text) == ["b", "a"])
    #expect(throws: InvalidName.self) { try ClassNames.folders(["a", "a"]) }
    #expect(throws: InvalidName.self) { try ClassNames.folders([]) }
    #expect(throws: InvalidName.self) {
      try ClassNames.folders((0...ClassNames.most).map { "\($0)" })
    }
    #expect(try ClassNames.folders((0..<ClassNames.most).map { "\($0)" }).count == ClassNames.most)
  }
}
