import ArgumentParser
import Control

/// Reports what the daemon is doing.
struct Status: AsyncParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Show what the daemon is doing.")

  @OptionGroup var global: GlobalOptions

  func run() async throws {
    try await global.run { client, console in
      let status = try await client.status()
      if global.json { return try console.json(status) }
      for line in Self.lines(of: status, console) { console.line(line) }
    }
  }

  /// Formats a status.
  static func lines(of status: DaemonStatus, _ console: Console) -> [String] {
    let threads = status.threads == 1 ? "1 thread" : "\(status.threads) threads"
    var lines = [
      "figmentd \(status.version), process \(status.process), \(threads), \(status.instructionSet)"
    ]
    let waiting = status.queued > 0 ? ", \(status.queued) waiting" : ""
    if let job = status.running {
      let progress = job.progress.map { ": " + ProgressLine.plain($0) } ?? ""
      lines.append("running \(job.id)\(progress)\(waiting)")
    } else {
      lines.append("idle\(waiting)")
    }
    return lines.flatMap(console.paragraphLines)
      + status.remarks.flatMap { console.paragraphLines("note: \($0)") }
      .map { console.coloured($0, .yellow) }
  }
}
