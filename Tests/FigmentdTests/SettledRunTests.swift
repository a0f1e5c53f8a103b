import Datasets
import FoundationEssentials
import Glibc
import Privacy
import Synchronization
import Testing

@testable import Runs
@testable import figmentd

/// A run reads only files whose writing has ended.
@Suite struct SettledRunTests {
  private struct Line: Decodable {
    let path: String
    let verdict: String
  }

  private func verdicts(_ bench: RunBench) throws -> [Line] {
    try DurableFile.read(bench.places.internalFiles + "/files.jsonl")
      .split(separator: UInt8(ascii: "\n"))
      .map { try JSONDecoder().decode(Line.self, from: Data($0)) }
  }

  @Test func filesThatHaveJustBeenCopiedAreWaitedFor() throws {
    var bench = try RunBench(steps: 4)
    bench.order.settle = .milliseconds(800)
    for name in try FolderTree.files(in: bench.order.root) {
      chmod("\(bench.order.root)/\(name)", 0o640)
    }
    #expect(try bench.run().isFinished)
    let lines = try verdicts(bench)
    #expect(lines.count == 64 && lines.allSatisfy { $0.verdict == "accepted" })
  }

  /// Appends to a file until it is stopped.
  private final class Writer: Sendable {
    private let isOver = Atomic<Bool>(false)
    private let count = Atomic<Int>(0)

    func start(_ path: String) {
      Task {
        try? await SerialThread(named: "test-writer").run {
          while !self.isOver.load(ordering: .relaxed) {
            try? AppendedFile.append(Data([0]), to: path)
            self.count.wrappingAdd(1, ordering: .relaxed)
            usleep(20_000)
          }
        }
      }
    }

    var hasWritten: Bool { count.load(ordering: .relaxed) > 0 }
    func end() { isOver.store(true, ordering: .relaxed) }
  }

  @Test func aFileThatIsWrittenAllTheTimeIsNotRead() async throws {
    var bench = try RunBench(steps: 4)
    bench.order.settle = .milliseconds(600)
    // A complete image to which a process still appends.
    let first = try #require(try FolderTree.files(in: bench.order.root).first)
    let writer = Writer()
    writer.start(bench.order.root + "/" + first)
    while !writer.hasWritten { try await Task.sleep(for: .milliseconds(5)) }
    let finished = try bench.run().isFinished
    writer.end()
    #expect(finished)
    let waiting = try verdicts(bench).filter { $0.verdict != "accepted" }
    #expect(waiting.map(\.path) == [first])
    #expect(waiting.first?.verdict == "waiting")
  }

  @Test func aStopEndsTheWait() throws {
    var bench = try RunBench(steps: 4)
    bench.order.settle = .seconds(3_600)
    let stop = StopSignal()
    stop.raise()
    guard case .stopped = try bench.run(stop: stop) else {
      Issue.record("it did not stop")
      return
    }
    #expect(try bench.history().lineCount == 0)
  }
}
