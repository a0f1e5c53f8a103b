import Datasets
import FoundationEssentials
import Testing

@Suite struct SettledFilesTests {
  private let path = RelativePath("a/1.png")

  private func signature(_ size: Int64, inode: UInt64 = 7) -> FileSignature {
    FileSignature(device: 1, inode: inode, size: size, modified: size, changed: size)
  }

  private func due(_ files: inout SettledFiles, _ now: Duration) -> [RelativePath] {
    files.takeDue(at: now)
  }

  @Test func aFileSettlesOnceItHasBeenQuiet() {
    var files = SettledFiles(quiet: .seconds(5), maximumWait: .seconds(60))
    files.observe(path, signature(1), at: .seconds(100))
    #expect(files.nextDeadline == .seconds(105))
    #expect(due(&files, .seconds(104)).isEmpty)
    #expect(due(&files, .seconds(105)) == [path])
    #expect(files.look(at: path, signature(1), at: .seconds(105)) == .settled)
    #expect(files.count == 0)
    #expect(files.nextDeadline == nil)
  }

  @Test func everyChangeRestartsTheWait() {
    var files = SettledFiles(quiet: .seconds(5), maximumWait: .seconds(60))
    files.observe(path, signature(1), at: .zero)
    files.observe(path, signature(2), at: .seconds(4))
    #expect(due(&files, .seconds(5)).isEmpty)
    // The same report again is not a change.
    files.observe(path, signature(2), at: .seconds(8))
    #expect(due(&files, .seconds(9)) == [path])
    // An unreported change is detected when the file is checked.
    #expect(files.look(at: path, signature(3), at: .seconds(9)) == .waiting)
    #expect(due(&files, .seconds(13)).isEmpty)
    // Another file under the same name is a change too.
    #expect(files.look(at: path, signature(3, inode: 8), at: .seconds(14)) == .waiting)
    #expect(files.look(at: path, signature(3, inode: 8), at: .seconds(19)) == .settled)
  }

  @Test func aFileThatNeverRestsIsOverdueAfterTheLongestWait() {
    var files = SettledFiles(quiet: .seconds(5), maximumWait: .seconds(20))
    for second in 0..<20 {
      files.observe(path, signature(Int64(second)), at: .seconds(second))
      #expect(due(&files, .seconds(second)).isEmpty)
    }
    #expect(due(&files, .seconds(20)) == [path])
    #expect(files.look(at: path, signature(99), at: .seconds(20)) == .overdue)
    // It is not forgotten for ever: the next report starts another wait.
    files.observe(path, signature(100), at: .seconds(21))
    #expect(files.look(at: path, signature(100), at: .seconds(26)) == .settled)
  }

  @Test func aRemovedFileIsNotAFault() {
    var files = SettledFiles(quiet: .zero, maximumWait: .zero)
    files.observe(path, signature(1), at: .zero)
    #expect(files.look(at: path, nil, at: .zero) == .vanished)
    #expect(!files.contains(path))
    files.observe(path, signature(1), at: .zero)
    files.forget(path)
    #expect(files.count == 0)
  }

  @Test func manyFilesSettleInTheirOwnTime() {
    var files = SettledFiles(quiet: .seconds(3), maximumWait: .seconds(100))
    let paths = (0..<5_000).map { RelativePath("a/\($0)") }
    for (index, path) in paths.enumerated() {
      files.observe(path, signature(1), at: .milliseconds(index))
    }
    for path in paths[..<100] { files.observe(path, signature(2), at: .seconds(6)) }
    #expect(due(&files, .milliseconds(2_999)).isEmpty)
    #expect(Set(due(&files, .milliseconds(3_000 + 4_999))) == Set(paths[100...]))
    for path in paths[100...] {
      #expect(files.look(at: path, signature(1), at: .milliseconds(8_000)) == .settled)
    }
    #expect(files.count == 100)
    #expect(files.nextDeadline == .seconds(9))
    #expect(Set(due(&files, .seconds(9))) == Set(paths[..<100]))
  }

  @Test func timesOfAFileCountByTheirDistanceFromNow() {
    func age(_ nanoseconds: Int64) -> FileSignature {
      FileSignature(device: 1, inode: 1, size: 1, modified: 0, changed: nanoseconds)
    }
    #expect(age(0).hasBeenQuiet(for: .seconds(5)))
    let now = Int64(4_000_000_000) * 1_000_000_000  // far ahead of any clock
    #expect(age(now).hasBeenQuiet(for: .seconds(5)))
  }
}

@Suite struct VerdictCodesTests {
  @Test func everyCodeBelongsToAVerdict() throws {
    #expect(Set(ImageVerdict.codes).count == ImageVerdict.codes.count)
    for code in ImageVerdict.codes {
      let text = #"{"code": "\#(code)", "of": "a/b.png", "failure": "corrupt", "format": "GIF"}"#
      let verdict = try JSONDecoder().decode(ImageVerdict.self, from: Data(text.utf8))
      #expect(verdict.code == code)
    }
  }
}
