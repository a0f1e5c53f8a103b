import ArgumentParser
import Control
import FoundationEssentials

/// Follows a job with a progress bar.
struct Watch: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Follow a job until it is finished.",
    discussion: "Without a job, follows the one that is running.")

  @Argument(help: "The job, like glyphs-7.", completion: Completions.jobs)
  var job: String?

  @OptionGroup var global: GlobalOptions

  func run() async throws {
    try await global.run { client, console in
      let id: JobID
      if let job {
        var argument = JobArgument()
        argument.job = job
        id = try argument.id()
      } else if let running = try await client.status().running {
        id = running.id
      } else {
        throw ControlError.notFound(
          "job: no job is running (one to follow expected). Name one; 'figment jobs' lists them.")
      }
      try await Follower(client: client, console: console, json: global.json).follow(id)
    }
  }
}

/// Prints the events of a job.
struct Logs: AsyncParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Print the events of a job.")

  @OptionGroup var argument: JobArgument

  @Flag(name: .shortAndLong, help: "Keep printing events until the job is finished.")
  var follow = false

  @OptionGroup var global: GlobalOptions

  func run() async throws {
    try await global.run { client, console in
      if follow { InterruptNotice.begin(about: try argument.id()) }
      defer { InterruptNotice.end() }
      let events = try await client.events(of: argument.id(), after: nil, follow: follow)
      var progress = PlainProgress()
      for try await event in events {
        if global.json {
          try console.jsonLine(event)
        } else if let line = Self.line(of: event, &progress) {
          console.paragraph(line)
        }
      }
    }
  }

  /// Formats an event as a line, or returns nil if it does not need one.
  static func line(of event: JobEvent, _ plain: inout PlainProgress) -> String? {
    let time = event.time.formatted(.iso8601)
    switch event.content {
    case .state(let state, _):
      let outcome = Show.outcomeLines(of: state).first
      return "\(time) \(outcome ?? state.name)"
    case .note(let note): return "\(time) \(note)"
    case .progress(let progress):
      return plain.deservesLine(progress) ? "\(time) \(ProgressLine.plain(progress))" : nil
    }
  }
}

/// Prints a job's progress until the job is finished.
struct Follower {
  let client: ControlClient
  let console: Console
  let json: Bool

  /// Follows a job to its end; the command's exit code is that of the job.
  func follow(_ id: JobID) async throws {
    var plain = PlainProgress()
    var last: JobState?
    var noted: String?
    InterruptNotice.begin(about: id)
    defer { InterruptNotice.end() }
    for try await event in try await client.events(of: id, after: nil, follow: true) {
      if case .state(let state, _) = event.content { last = state }
      if json {
        try console.jsonLine(event)
        continue
      }
      draw(event, &plain)
      if case .state(.queued, _) = event.content,
        let note = await QueueNote.text(for: id, from: client), note != noted
      {
        noted = note
        console.paragraph(note)
      }
    }
    switch last {
    case .finished(.completed): return
    case .finished(.failed(let failure)):
      throw ArgumentParser.ExitCode(failure.exitCode.rawValue)
    default: throw ArgumentParser.ExitCode.failure
    }
  }

  private func draw(_ event: JobEvent, _ plain: inout PlainProgress) {
    switch event.content {
    case .progress(let progress) where console.isTerminal:
      console.redraw { ProgressLine.bar(progress, width: $0) }
    case .progress(let progress):
      if plain.deservesLine(progress) { console.line(ProgressLine.plain(progress)) }
    case .note(let note):
      if console.isTerminal { console.clear() }
      console.paragraph(note)
    case .state(let state, _):
      if console.isTerminal { console.clear() }
      let outcome = Show.outcomeLines(of: state)
      for line in (outcome.isEmpty ? [state.name] : outcome).flatMap(console.paragraphLines) {
        console.line(console.coloured(line, Self.colour(of: state)))
      }
    }
  }

  private static func colour(of state: JobState) -> Console.Colour {
    switch state {
    case .finished(.completed): .green
    case .finished(.failed): .red
    case .finished(.cancelled), .paused, .stopping: .yellow
    case .queued: .grey
    case .running: .blue
    }
  }
}
