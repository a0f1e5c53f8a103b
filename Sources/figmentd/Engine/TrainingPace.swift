import Glibc

/// How fast a run gets on: sizes its blocks and tells when reports and checkpoints are due.
struct TrainingPace {
  /// Reports are at least this far apart, in seconds.
  private static let reportInterval = 1.0
  /// Blocks are never larger: a crash costs at most this many steps.
  private static let largestBlock = 256

  private let start: Int
  private let began = TrainingPace.now()
  private var step: Int
  private var lastReport = TrainingPace.now()
  private var lastCheckpoint = TrainingPace.now()

  /// Starts the clock at a step.
  init(from step: Int) {
    start = step
    self.step = step
  }

  /// Takes note of a step.
  mutating func stepped(to step: Int) { self.step = step }

  /// Takes note of a report.
  mutating func reported() { lastReport = Self.now() }

  /// Takes note of a checkpoint.
  mutating func checkpointed() { lastCheckpoint = Self.now() }

  /// Whether enough time has passed for another report.
  var isReportDue: Bool { Self.now() - lastReport >= Self.reportInterval }

  /// Seconds since the last checkpoint, or since the start.
  var secondsSinceCheckpoint: Double { Self.now() - lastCheckpoint }

  /// Steps per second since the start; nil before the first step.
  var speed: Double? {
    let seconds = Self.now() - began
    return step > start && seconds > 0 ? Double(step - start) / seconds : nil
  }

  /// Steps that take about `seconds`.
  func steps(in seconds: Double) -> Int {
    guard let speed else { return 4 }
    return max(1, min(Self.largestBlock, Int(speed * seconds)))
  }

  /// Seconds of a clock that nobody sets.
  private static func now() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
  }
}
