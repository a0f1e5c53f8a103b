import ArgumentParser
import Control
import FoundationEssentials

/// Lists jobs.
struct Jobs: AsyncParsableCommand {
  static let configuration = CommandConfiguration(abstract: "List jobs, oldest first.")

  @OptionGroup var global: GlobalOptions

  @Option(help: "List only jobs of this dataset.", completion: Completions.datasets)
  var dataset: String?

  @Option(
    help: "List only jobs in this state: \(JobState.names.joined(separator: ", ")).",
    completion: .list(JobState.names))
  var state: String?

  @Flag(name: .shortAndLong, help: "Print names only.")
  var quiet = false

  func run() async throws {
    try await global.run { client, console in
      let jobs = try await client.jobs(JobFilter(dataset: dataset, state: state))
      if global.json { return try console.json(jobs) }
      if quiet { return jobs.forEach { console.line($0.id.name) } }
      for line in Self.lines(of: jobs, width: console.lineWidth) { console.line(line) }
    }
  }

  /// Formats jobs as lines of at most `width` columns; nil for any width.
  static func lines(of jobs: [Job], width: Int? = nil) -> [String] {
    guard !jobs.isEmpty else { return ["no jobs"] }
    var table = Table(
      ["JOB", "STATE", "DOES", "EPSILON", "SUBMITTED", "PROGRESS"], droppable: [4, 3])
    for job in jobs {
      table.add([
        job.id.name, job.state.name, work(of: job), epsilon(of: job), Moment.text(job.created),
        progress(of: job),
      ])
    }
    return table.lines(width: width)
  }

  /// Describes the work of a job in a few words.
  static func work(of job: Job) -> String {
    switch job.request {
    case .train(let request): "train \(request.recipe)"
    case .generate(let request): generation(request)
    case .evaluate(let request): "evaluate \(request.job)"
    }
  }

  private static func generation(_ request: GenerateRequest) -> String {
    let number =
      request.classCounts.map { $0.values.reduce(0, +) } ?? request.count ?? 0
    return
      "generate \(Rounded.count(number))\(request.perClass == true ? " a class" : "") of \(request.job)"
  }

  private static func epsilon(of job: Job) -> String {
    switch job.request {
    case .train(let request) where request.isNonPrivate: "none"
    case .train(let request):
      (request.epsilon ?? job.progress?.targetEpsilon).map(Rounded.number) ?? "what is left"
    case .generate, .evaluate: "-"
    }
  }

  private static func progress(of job: Job) -> String {
    guard !job.state.isFinished, let progress = job.progress else { return "" }
    return ProgressLine.plain(progress)
  }
}

/// Formats times.
enum Moment {
  /// `2026-11-29 02:10`, in UTC.
  static func text(_ date: Date) -> String {
    // 2026-11-29T02:10:37Z
    let text = date.formatted(.iso8601)
    return "\(text.prefix(10)) \(text.dropFirst(11).prefix(5))"
  }
}

/// Prints one job.
struct Show: AsyncParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Show one job and its results.")

  @OptionGroup var argument: JobArgument
  @OptionGroup var global: GlobalOptions

  func run() async throws {
    try await global.run { client, console in
      let job = try await client.job(argument.id())
      if global.json { return try console.json(job) }
      for line in Self.lines(of: job, width: console.lineWidth) { console.line(line) }
    }
  }

  /// Formats a job as lines of at most `width` columns; nil for any width.
  static func lines(of job: Job, width: Int? = nil) -> [String] {
    var table = Table(["JOB", job.id.name])
    table.add(["state", job.state.name])
    table.add(["dataset", job.dataset])
    table.add(["does", Jobs.work(of: job)])
    table.add(["submitted", Moment.text(job.created) + " UTC"])
    table.add(["changed", Moment.text(job.changed) + " UTC"])
    if job.launches > 1 { table.add(["launches", Rounded.count(job.launches)]) }
    if let progress = job.progress, !job.state.isFinished {
      table.add(["progress", ProgressLine.plain(progress)])
    }
    let remarks = (job.remarks ?? []).map { "note: \($0)" }
    let outcome = remarks + outcomeLines(of: job.state)
    return table.lines(width: width)
      + outcome.flatMap { line in width.map { Terminal.lines(line, width: $0) } ?? [line] }
  }

  /// What of a private release may be shared; nothing for other results.
  private static func sharing(of results: JobResults) -> [String] {
    guard results.epsilon != nil,
      let report = results.outputs.first(where: { $0.kind == "report" })?.path,
      let end = report.lastIndex(of: "/")
    else { return [] }
    return [
      "  Everything in \(report[..<end]) may be shared under its guarantee; PRIVACY.md there explains it. Keep internal "
        + "files private."
    ]
  }

  /// Formats the results of a job.
  static func outcomeLines(of state: JobState) -> [String] {
    switch state {
    case .finished(.completed(let results)):
      var facts: [String] = []
      if let size = results.sizeText { facts.append(size) }
      if let steps = results.stepsText { facts.append(steps) }
      if let privacy = results.privacyText { facts.append(privacy) }
      return ["completed\(facts.isEmpty ? "" : ": ")\(facts.joined(separator: ", "))"]
        + (results.meaning.map { ["  " + $0] } ?? [])
        + results.outputs.map { "  \($0.kind): \($0.path)" } + sharing(of: results)
    case .finished(.failed(let failure)): return ["failed: \(failure.message)"]
    case .finished(.cancelled): return ["cancelled"]
    case .queued, .running, .stopping, .paused: return []
    }
  }
}
