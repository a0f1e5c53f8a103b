import FoundationEssentials
import Glibc
import Testing

@testable import Runs
@testable import figmentd

/// The programs themselves, started as people start them.
@Suite struct ProgramTests {
  @Test(arguments: [
    ["figment", "--help"], ["figment", "train", "--help"], ["figment", "help", "train"],
    ["figmentd", "--help"], ["figmentd", "run", "--help"], ["figmentd", "draw-glyphs", "--help"],
  ])
  func helpIsPrintedAndNoError(_ words: [String]) throws {
    let (text, ending) = try Self.output(of: words)
    #expect(ending == .exited(0))
    #expect(text.contains("USAGE:"))
  }

  @Test(arguments: [
    ["figment", "trian"], ["figment", "train"], ["figmentd", "rnu"], ["figmentd", "run"],
    ["figmentd", "generate", "--count", "0"],
  ])
  func aCommandThatIsNoneEndsWithTheCodeOfWrongUse(_ words: [String]) throws {
    let (text, ending) = try Self.output(of: words)
    #expect(ending == .exited(64))
    #expect(!text.contains("nobody foresaw"))
  }

  /// What a program beside the tests prints, and how it ends.
  private static func output(of words: [String]) throws -> (String, ChildProcess.Ending) {
    let own = try #require(realpath("/proc/self/exe", nil).map { String(cString: $0) })
    let folder = own[..<(own.lastIndex(of: "/") ?? own.endIndex)]
    let scratch = ScratchFolder()
    let file = try systemCall("open", scratch.path) {
      open(scratch.path + "/out", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    }
    defer { close(file) }
    let process = try ChildProcess(
      "\(folder)/\(words[0])", words, environment: ["PATH=/usr/bin:/bin", "HOME=/tmp"], input: 0,
      output: file, error: file)
    let ending = process.wait()
    let text = try DurableFile.read(scratch.path + "/out")
    return (String(decoding: text, as: UTF8.self), ending)
  }
}
