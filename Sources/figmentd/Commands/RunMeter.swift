import Control
import FoundationEssentials
import Glibc
import Privacy
import Runs
import Synchronization

/// Prints the progress of a foreground run on standard error, and its results on standard output.
final class RunMeter: Sendable {
  private let json: Bool
  private let isTerminal = StandardError.isTerminal
  private let last = Mutex<(stage: String?, time: ContinuousClock.Instant)>((nil, .now))

  /// The time between plain lines in a pipe.
  ///
  /// Lines follow the time and not the share that `PlainProgress` uses: programs that read the JSON, and
  /// people who wait in the foreground, want to see that the run continues.
  private static let interval = Duration.seconds(5)

  /// Creates a meter that prints JSON lines or text.
  init(json: Bool) { self.json = json }

  /// Prints a report, unless the last one was printed a moment ago.
  func show(_ report: JobReport) {
    switch report {
    case .note(let text): say(text.value)
    case .progress(let progress):
      let isDue = last.withLock { last in
        // Phases of the run's plan are told apart by name.
        let stage = "\(progress.phase) \(progress.name ?? "")"
        let isNew = last.stage != stage
        let wait = isTerminal ? .milliseconds(200) : Self.interval
        let isDone = progress.total > 0 && progress.done == progress.total
        guard isNew || isDone || ContinuousClock.now - last.time > wait else { return false }
        last = (stage, .now)
        return true
      }
      if isDue { StandardError.write(line(progress)) }
    }
  }

  /// Prints a line of its own.
  func say(_ text: String) {
    if json, let data = try? ControlCoding.encode(["note": text]) {
      return StandardError.write(String(decoding: data, as: UTF8.self) + "\n")
    }
    StandardError.write((isTerminal ? Terminal.emptyLine : "") + text + "\n")
  }

  /// Prints why a run failed.
  func fail(_ error: ControlError) {
    StandardError.write(
      (isTerminal ? "\n" : "") + error.complaint(of: "figmentd run", asJSON: json) + "\n")
  }

  /// Prints the results.
  func finish(_ results: JobResults) throws {
    if isTerminal { StandardError.write("\n") }
    let privacy = results.privacyText ?? "no privacy guarantee: do not share"
    let meaning =
      results.meaning.map { "\n\($0)\nShare the release alone: the folder internal is private." }
      ?? ""
    try StandardOutput.write(
      results, json: json,
      headline: "\(results.sizeText ?? "no images"), \(privacy)\(meaning)")
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
