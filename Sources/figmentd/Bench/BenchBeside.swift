import Compute
import FoundationEssentials
import Glibc

/// Measures cases alone and beside hogs, in turns, so that other load on the machine affects both.
struct BenchBeside {
  /// The timing of one case: seconds per run, alone and beside the hogs.
  struct Timing {
    let quiet: Double, beside: Double
    /// Processor seconds that all threads need for one run beside the hogs.
    let processorTime: Double
    /// The machine's load average in the quiet turns.
    let load: Double

    /// The remaining share of the quiet speed.
    var speed: Double { quiet / beside }
  }

  let hogs: Int
  /// The length of each turn in seconds.
  let seconds: Double
  /// The number of turns of each kind.
  static let rounds = 3

  /// Computes the mean of each round and returns the median of the rounds.
  ///
  /// Beside hogs the time of a single run varies much; the number of completed runs does not.
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

  /// The load average of the last minute; zero if the system does not report it.
  private static var load: Double {
    guard let text = try? String(contentsOfFile: "/proc/loadavg", encoding: .utf8) else { return 0 }
    return text.split(separator: " ").first.flatMap { Double($0) } ?? 0
  }
}
