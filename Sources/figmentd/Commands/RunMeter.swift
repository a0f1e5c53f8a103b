import Control
import FoundationEssentials
import Glibc
import Privacy
import Runs
import Synchronization

/// Prints the progress of a foreground run on standard error, and its results on standard output.
final class RunMeter: Sendable {
  private let json: Bool
  private let isTerminal = isatty(2) == 1
  private let last = Mutex<(phase: JobPhase?, time: ContinuousClock.Instant)>((nil, .now))

  /// The time between plain lines in a pipe.
  private static let interval = Duration.seconds(5)

  /// Creates a meter that prints JSON lines or text.
  init(json: Bool) { self.json = json }

  /// Prints a report, unless the last one was printed a moment ago.
  func show(_ report: JobReport) {
    switch report {
    case .note(let text): say(text.value)
    case .progress(let progress):
      let isDue = last.withLock { last in
        let isNew = last.phase != progress.phase
        let wait = isTerminal ? .milliseconds(200) : Self.interval
        let isDone = progress.total > 0 && progress.done == progress.total
        guard isNew || isDone || ContinuousClock.now - last.time > wait else { return false }
        last = (progress.phase, .now)
        return true
      }
      if isDue { write(line(progress)) }
    }
  }

  /// Prints a line of its own.
  func say(_ text: String) { write((isTerminal ? "\r\u{1B}[K" : "") + text + "\n") }

  /// Prints why a run failed.
  func fail(_ error: ControlError) {
    write((isTerminal ? "\n" : "") + error.complaint(of: "figmentd run", asJSON: json) + "\n")
  }

  /// Prints the results.
  func finish(_ results: JobResults) throws {
    if isTerminal { write("\n") }
    let privacy = results.privacyText ?? "no privacy guarantee: do not share"
    let meaning = results.meaning.map { "\n" + $0 } ?? ""
    try StandardOutput.write(
      results, json: json,
      headline: "\(Rounded.count(results.images ?? 0)) images, \(privacy)\(meaning)")
  }

  private func line(_ progress: JobProgress) -> String {
    if json, let data = try? ControlCoding.encode(progress) {
      return String(decoding: data, as: UTF8.self) + "\n"
    }
    guard isTerminal else { return ProgressLine.plain(progress) + "\n" }
    return "\r\u{1B}[K" + ProgressLine.bar(progress, width: Terminal.width(of: 2))
  }

  private func write(_ text: String) {
    // A full disk under the log must not block the run.
    try? DurableFile.writeAll(
      Data(text.utf8), to: 2, of: "standard error", patience: RoomPatience())
  }
}
