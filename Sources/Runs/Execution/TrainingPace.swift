import Glibc

/// How fast a run progresses, and when the next report to people is due.
///
/// It reads the clock, so nothing that is stored or released may depend on it; see `TrainingSchedule`.
struct TrainingPace {
  /// The least time between two reports, in seconds.
  private static let reportInterval = 1.0

  /// Speed is measured over the last one to two windows, in seconds: it shows what the machine does now, not
  /// hours ago.
  private static let window = 30.0

  private var step: Int
  private var time = TrainingPace.now()
  /// Where the measurement of speed began, and where the next one will begin.
  ///
  /// Not at the start: the first step prepares memory and kernels for all others.
  private var marks: [(step: Int, time: Double)] = []
  private var lastReport = TrainingPace.now()

  /// Starts the clock at a step.
  init(from step: Int) { self.step = step }

  /// Records a step.
  mutating func stepped(to step: Int, at time: Double = TrainingPace.now()) {
    self.step = step
    self.time = time
    guard let newest = marks.last else { return marks.append((step, time)) }
    guard time - newest.time >= Self.window else { return }
    marks.append((step, time))
    if marks.count > 2 { marks.removeFirst() }
  }

  /// Records a report.
  mutating func reported() { lastReport = Self.now() }

  /// Whether enough time has passed for another report.
  var isReportDue: Bool { Self.now() - lastReport >= Self.reportInterval }

  /// The recent speed in steps per second; nil before the second step.
  var speed: Double? {
    guard let since = marks.first, step > since.step, time > since.time else { return nil }
    return Double(step - since.step) / (time - since.time)
  }

  /// Seconds of the monotonic clock, which is never set.
  static func now() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
  }
}
