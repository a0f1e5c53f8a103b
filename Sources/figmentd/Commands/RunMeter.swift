import Control
import FoundationEssentials
import Glibc
import Privacy
import Runs
import Synchronization

/// Tells on standard error how a run in the foreground gets on, and its results on standard output.
final class RunMeter: Sendable {
  private let json: Bool
  private let isTerminal = StandardError.isTerminal
  private let last = Mutex<(phase: JobPhase?, time: ContinuousClock.Instant)>((nil, .now))

  /// Lines are apart by time, not by share as `PlainProgress` has them: programs that read the JSON, and
  /// people who wait in the foreground, want to see that the run goes on.
  private static let interval = Duration.seconds(5)

  /// Writes JSON lines, or text for people.
  init(json: Bool) { self.json = json }

  /// Shows a report, unless the last one was a moment ago.
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
      if isDue { StandardError.write(line(progress)) }
    }
  }

  /// Says something in a line of its own.
  func say(_ text: String) {
    StandardError.write((isTerminal ? Terminal.emptyLine : "") + text + "\n")
  }

  /// Shows why a run ended early.
  func fail(_ error: ControlError) {
    StandardError.write(
      (isTerminal ? "\n" : "") + error.complaint(of: "figmentd run", asJSON: json) + "\n")
  }

  /// Prints the results.
  func finish(_ results: JobResults) throws {
    if isTerminal { StandardError.write("\n") }
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
    return Terminal.emptyLine
      + ProgressLine.bar(progress, width: Terminal.width(of: STDERR_FILENO))
  }
}
