import ArgumentParser
import Control
import FoundationEssentials

/// Lists jobs.
struct Jobs: AsyncParsableCommand {
  static let configuration = CommandConfiguration(abstract: "List jobs, oldest first.")

  @OptionGroup var global: GlobalOptions

  @Option(help: "Only jobs of this dataset.", completion: Completions.datasets)
  var dataset: String?

  @Option(
    help: "Only jobs in this state: \(JobState.names.joined(separator: ", ")).",
    completion: .list(JobState.names))
  var state: String?

  @Flag(name: .shortAndLong, help: "Print names only.")
  var quiet = false

  func run() async throws {
    try await global.run { client, console in
      let jobs = try await client.jobs(JobFilter(dataset: dataset, state: state))
      if global.json { return try console.json(jobs) }
      if quiet { return jobs.forEach { console.line($0.id.name) } }
      for line in Self.lines(of: jobs) { console.line(line) }
    }
  }

  /// Jobs for people.
  static func lines(of jobs: [Job]) -> [String] {
    var table = Table(["JOB", "STATE", "DOES", "EPSILON", "PROGRESS", "SUBMITTED"])
    for job in jobs {
      table.add([
        job.id.name, job.state.name, work(of: job), epsilon(of: job), progress(of: job),
        job.created.formatted(.iso8601),
      ])
    }
    return table.lines
  }

  /// What a job does, in a few words.
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
    return "generate \(number)\(request.perClass == true ? " a class" : "") of \(request.job)"
  }

  private static func epsilon(of job: Job) -> String {
    switch job.request {
    case .train(let request) where request.isNonPrivate: "none"
    case .train(let request):
      (request.epsilon ?? job.progress?.targetEpsilon).map(Rounded.text) ?? "what is left"
    case .generate, .evaluate: "-"
    }
  }

  private static func progress(of job: Job) -> String {
    guard !job.state.isFinished, let progress = job.progress else { return "" }
    return ProgressLine.plain(progress)
  }
}

/// Shows one job.
struct Show: AsyncParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Show one job and what came of it.")

  @OptionGroup var argument: JobArgument
  @OptionGroup var global: GlobalOptions

  func run() async throws {
    try await global.run { client, console in
      let job = try await client.job(argument.id())
      if global.json { return try console.json(job) }
      for line in Self.lines(of: job) { console.line(line) }
    }
  }

  /// A job for people.
  static func lines(of job: Job) -> [String] {
    var table = Table(["JOB", job.id.name])
    table.add(["state", job.state.name])
    table.add(["dataset", job.dataset])
    table.add(["does", Jobs.work(of: job)])
    table.add(["submitted", job.created.formatted(.iso8601)])
    table.add(["changed", job.changed.formatted(.iso8601)])
    table.add(["launches", "\(job.launches)"])
    if let progress = job.progress, !job.state.isFinished {
      table.add(["progress", ProgressLine.plain(progress)])
    }
    return table.lines + outcomeLines(of: job.state)
  }

  /// What came of a job, for people.
  static func outcomeLines(of state: JobState) -> [String] {
    switch state {
    case .finished(.completed(let results)):
      var facts: [String] = []
      if let images = results.images { facts.append("\(images) images") }
      if let steps = results.steps { facts.append("\(steps) steps") }
      if let privacy = results.privacyText { facts.append(privacy) }
      return ["completed\(facts.isEmpty ? "" : ": ")\(facts.joined(separator: ", "))"]
        + (results.meaning.map { ["  " + $0] } ?? [])
        + results.outputs.map { "  \($0.kind): \($0.path)" }
    case .finished(.failed(let failure)): return ["failed: \(failure.message)"]
    case .finished(.cancelled): return ["cancelled"]
    case .queued, .running, .stopping, .paused: return []
    }
  }
}
