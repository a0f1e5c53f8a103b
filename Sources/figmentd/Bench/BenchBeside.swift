import Compute
import FoundationEssentials
import Glibc

/// Measures cases alone and beside hogs, in turns, so that what else the machine does meets both.
struct BenchBeside {
  /// One case: seconds of a run, alone and beside the hogs.
  struct Timing {
    let quiet: Double, beside: Double
    /// Processor seconds of all threads for one run beside the hogs.
    let processorTime: Double
    /// Processes that wanted a processor in the quiet turns, by the machine's load average.
    let load: Double

    /// The share of the quiet speed that is left.
    var speed: Double { quiet / beside }
  }

  let hogs: Int
  /// Seconds of each turn.
  let seconds: Double
  /// Turns of each kind.
  static let rounds = 3

  /// The means of each round and the median of the rounds: beside hogs a run is now fast and now
  /// slow, and what counts is how many are done.
  func measure(_ body: () -> Void) throws -> Timing {
    body()
    var quiet: [Double] = [], beside: [Double] = [], processor: [Double] = []
    let load = Self.load
    for _ in 0..<Self.rounds {
      quiet.append(turn(body).wall)
      let others = try BenchHogs(hogs)
      let turn = withExtendedLifetime(others) { self.turn(body) }
      beside.append(turn.wall)
      processor.append(turn.processor)
    }
    return Timing(
      quiet: Self.median(quiet), beside: Self.median(beside),
      processorTime: Self.median(processor), load: load)
  }

  private func turn(_ body: () -> Void) -> (wall: Double, processor: Double) {
    let wall = BenchClock.wall, processor = BenchClock.processor(threads: 1)
    let start = wall.now(), startOfProcessor = processor.now()
    var count = 0.0
    while count < 3 || wall.now() < start + seconds {
      body()
      count += 1
    }
    return ((wall.now() - start) / count, (processor.now() - startOfProcessor) / count)
  }

  private static func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }

  /// The load average of the last minute; zero where the system does not say.
  private static var load: Double {
    guard let text = try? String(contentsOfFile: "/proc/loadavg", encoding: .utf8) else { return 0 }
    return text.split(separator: " ").first.flatMap { Double($0) } ?? 0
  }
}
