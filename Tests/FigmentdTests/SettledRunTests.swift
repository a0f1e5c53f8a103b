import Datasets
import FoundationEssentials
import Glibc
import Synchronization
import Testing

@testable import figmentd

/// A run reads files only when they are written.
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
    let start = ContinuousClock.now
    #expect(try bench.run().isFinished)
    #expect(ContinuousClock.now - start >= .milliseconds(300))
    let lines = try verdicts(bench)
    #expect(lines.count == 64 && lines.allSatisfy { $0.verdict == "accepted" })
  }

  @Test func aFileThatIsWrittenAllTheTimeIsNotRead() async throws {
    var bench = try RunBench(steps: 4)
    bench.order.settle = .milliseconds(600)
    let (root, isOver) = (bench.order.root, Atomic<Bool>(false))
    // A whole image, to which somebody still adds.
    let first = try #require(try FolderTree.files(in: root).first)
    let growing = root + "/" + first
    await withTaskGroup(of: Void.self) { group in
      group.addTask {
        try? await SerialThread(named: "test-writer").run {
          while !isOver.load(ordering: .relaxed) {
            try? AppendedFile.append(Data([0]), to: growing)
            usleep(20_000)
          }
        }
      }
      let finished = try? bench.run().isFinished
      isOver.store(true, ordering: .relaxed)
      #expect(finished == true)
    }
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
