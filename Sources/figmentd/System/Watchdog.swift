import Control
import ServiceLifecycle

/// Reports the daemon's progress and status to systemd.
///
/// The watchdog is notified of progress only. While a job runs, progress means the engine's reports: a
/// process whose training hangs stops notifying and is restarted. While no job runs, a reply of the daemon's
/// actor counts as progress.
struct Watchdog: Service {
  let daemon: Daemon
  let notifier: SystemdNotifier

  /// The interval of status lines.
  static let statusInterval = Duration.seconds(5)

  func run() async throws {
    await cancelWhenGracefulShutdown {
      var listener = PulseListener()
      var line = ""
      while !Task.isCancelled {
        let job = await daemon.runningJob
        if listener.hearsProgress(count: daemon.pulse.count, isBusy: job != nil) {
          notifier.watchdog()
        }
        let newLine = StatusLine.text(running: job, queued: await daemon.queuedCount)
        if newLine != line {
          notifier.status(newLine)
          line = newLine
        }
        try? await Task.sleep(for: interval)
      }
    }
  }

  /// Half of the watchdog's interval, as sd_watchdog_enabled(3) recommends, or less.
  private var interval: Duration {
    notifier.watchdogInterval.map { min($0 / 2, Self.statusInterval) } ?? Self.statusInterval
  }
}

/// Detects progress since the last query.
struct PulseListener {
  private var last: UInt64?
  private var wasBusy = false

  /// Whether the daemon is idle, has just started a job, or has made progress.
  mutating func hearsProgress(count: UInt64, isBusy: Bool) -> Bool {
    defer {
      last = count
      wasBusy = isBusy
    }
    return !isBusy || !wasBusy || count != last
  }
}

/// The status line of `systemctl status`.
enum StatusLine {
  /// A line like `glyphs-7: train, 1200/4000, epsilon 0.83 of 2, 3 h 12 min left`.
  static func text(running job: Job?, queued: Int) -> String {
    let waiting = queued > 0 ? ", \(queued) waiting" : ""
    guard let job else { return "idle\(waiting)" }
    guard let progress = job.progress else { return "\(job.id): starting\(waiting)" }
    var parts = ["\(job.id): \(progress.phase.rawValue)"]
    if progress.total > 0 { parts.append("\(progress.done)/\(progress.total)") }
    if let epsilon = progress.plannedEpsilon, let target = progress.targetEpsilon {
      parts.append("epsilon \(Rounded.text(epsilon)) of \(Rounded.text(target))")
    }
    if let seconds = progress.remainingSeconds {
      parts.append("\(Rounded.duration(seconds)) left")
    }
    return parts.joined(separator: ", ") + waiting
  }
}
