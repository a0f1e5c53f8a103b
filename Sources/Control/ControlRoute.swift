/// The requests over HTTP: the one table of routes, which the client writes and the server reads.
///
/// ```
/// GET  /v1/status
/// GET  /v1/datasets
/// POST /v1/datasets/{dataset}/rescan   ?forget_missing=true
/// GET  /v1/datasets/{dataset}/files    ?verdict= &recipe= &after= &limit=
/// GET  /v1/datasets/{dataset}/preview  ?recipe=
/// GET  /v1/datasets/{dataset}/rows
/// GET  /v1/datasets/{dataset}/ledger   ?line= &hash=   a line that it must hold
/// GET  /v1/recipes
/// POST /v1/plan                        body: TrainRequest
/// POST /v1/recommend                   body: RecommendRequest
/// GET  /v1/jobs                        ?dataset= &state=
/// POST /v1/jobs                        body: JobRequest; header Idempotency-Key
/// GET  /v1/jobs/{job}
/// GET  /v1/jobs/{job}/events           ?after= &follow=false   NDJSON until the job is finished
/// GET  /v1/jobs/{job}/report           ?internal=true
/// POST /v1/jobs/{job}/pause
/// POST /v1/jobs/{job}/cancel
/// POST /v1/jobs/{job}/resume           ?allow_fewer_steps=true
/// POST /v1/jobs/{job}/remove           ?release=true
/// POST /v1/prune                       ?dry_run=true
/// ```
public enum ControlRoute: Hashable, Sendable {
  /// `ControlAPI.status()`
  case status
  /// `ControlAPI.datasets()`
  case datasets
  /// `ControlAPI.rescan(_:forgetsMissing:)`
  case rescan(dataset: String, forgetsMissing: Bool)
  /// `ControlAPI.files(of:_:)`
  case files(dataset: String, FileQuery)
  /// `ControlAPI.preview(of:recipe:)`
  case preview(dataset: String, recipe: String?)
  /// `ControlAPI.rows(of:)`
  case rows(dataset: String)
  /// `ControlAPI.ledger(of:witness:)`
  case ledger(dataset: String, witness: LedgerWitness?)
  /// `ControlAPI.recipes()`
  case recipes
  /// `ControlAPI.plan(_:)`
  case plan
  /// `ControlAPI.recommend(_:)`
  case recommend
  /// `ControlAPI.jobs(_:)`
  case jobs(JobFilter)
  /// `ControlAPI.submit(_:token:)`
  case submit
  /// `ControlAPI.job(_:)`
  case job(JobID)
  /// `ControlAPI.events(of:after:follow:)`
  case events(JobID, after: JobEvent.ID?, follow: Bool)
  /// `ControlAPI.report(of:isInternal:)`
  case report(JobID, isInternal: Bool)
  /// `ControlAPI.stop(_:reason:)` with `.paused`
  case pause(JobID)
  /// `ControlAPI.stop(_:reason:)` with `.cancelled`
  case cancel(JobID)
  /// `ControlAPI.resume(_:allowFewerSteps:)`
  case resume(JobID, allowFewerSteps: Bool)
  /// `ControlAPI.remove(_:withRelease:)`
  case remove(JobID, withRelease: Bool)
  /// `ControlAPI.prune(dryRun:)`
  case prune(dryRun: Bool)

  /// The header that carries the token of a submission.
  public static let tokenHeader = "Idempotency-Key"

  /// The HTTP method.
  public var method: String {
    changesSomething || self == .plan || self == .recommend ? "POST" : "GET"
  }

  /// Whether the caller needs more than read access: to make changes, to see numbers and pictures of real
  /// images, or to see the names of files, which are personal data.
  public var needsControl: Bool {
    switch self {
    case .report(_, let isInternal): isInternal
    case .files, .preview, .rows: true
    default: changesSomething
    }
  }

  /// Whether the request changes something.
  public var changesSomething: Bool {
    switch self {
    case .status, .datasets, .files, .preview, .rows, .ledger, .recipes, .plan, .recommend, .jobs,
      .job, .events, .report:
      false
    case .rescan, .submit, .pause, .cancel, .resume, .remove, .prune: true
    }
  }

  /// The path and query of the request.
  public var target: String {
    switch self {
    case .status: "/v1/status"
    case .datasets: "/v1/datasets"
    case .rescan(let dataset, let forgetsMissing):
      "/v1/datasets/\(dataset)/rescan" + (forgetsMissing ? "?forget_missing=true" : "")
    case .files(let dataset, let query):
      "/v1/datasets/\(dataset)/files"
        + Self.queryText([
          ("verdict", query.verdict), ("recipe", query.recipe), ("after", query.after),
          ("limit", query.limit == FileQuery.maximumLimit ? nil : String(query.limit)),
        ])
    case .preview(let dataset, let recipe):
      "/v1/datasets/\(dataset)/preview" + Self.queryText([("recipe", recipe)])
    case .rows(let dataset): "/v1/datasets/\(dataset)/rows"
    case .ledger(let dataset, let witness):
      "/v1/datasets/\(dataset)/ledger"
        + Self.queryText([
          ("line", witness?.line.map { String($0) }), ("hash", witness.map(\.hash)),
        ])
    case .recipes: "/v1/recipes"
    case .plan: "/v1/plan"
    case .recommend: "/v1/recommend"
    case .jobs(let filter):
      "/v1/jobs" + Self.queryText([("dataset", filter.dataset), ("state", filter.state)])
    case .submit: "/v1/jobs"
    case .job(let job): "/v1/jobs/\(job)"
    case .events(let job, let after, let follow):
      "/v1/jobs/\(job)/events"
        + Self.queryText([
          ("after", after.map { String($0) }), ("follow", follow ? nil : "false"),
        ])
    case .report(let job, let isInternal):
      "/v1/jobs/\(job)/report" + (isInternal ? "?internal=true" : "")
    case .pause(let job): "/v1/jobs/\(job)/pause"
    case .cancel(let job): "/v1/jobs/\(job)/cancel"
    case .resume(let job, let allowFewerSteps):
      "/v1/jobs/\(job)/resume" + (allowFewerSteps ? "?allow_fewer_steps=true" : "")
    case .remove(let job, let withRelease):
      "/v1/jobs/\(job)/remove" + (withRelease ? "?release=true" : "")
    case .prune(let dryRun): "/v1/prune" + (dryRun ? "?dry_run=true" : "")
    }
  }

  /// Parses a request.
  ///
  /// - Throws: `ControlError.notFound` for an unknown path, `.invalid` for a wrong method, an impossible
  ///   name, or a query that the route does not have.
  public init(method: String, target: String) throws(ControlError) {
    let parts = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
    let path = String(parts.first ?? "")
    var query = try QueryItems(parts.count > 1 ? String(parts[1]) : "")
    let words = path.split(separator: "/", omittingEmptySubsequences: false).map { String($0) }
    guard words.count >= 3, words[0].isEmpty, words[1] == "v1" else {
      throw Self.unknown(path)
    }
    let route = try Self.route(method, words.dropFirst(2).map { $0 }, &query, path)
    try query.refuseRest()
    guard route.method == method else {
      throw .invalid("\(method) \(path): not allowed (\(route.method) expected).")
    }
    self = route
  }

  private static func route(
    _ method: String, _ words: [String], _ query: inout QueryItems, _ path: String
  ) throws(ControlError) -> ControlRoute {
    switch (words[0], words.count) {
    case ("status", 1): return .status
    case ("recipes", 1): return .recipes
    case ("plan", 1): return .plan
    case ("recommend", 1): return .recommend
    case ("prune", 1): return .prune(dryRun: try query.takeFlag("dry_run") ?? false)
    case ("datasets", 1): return .datasets
    case ("datasets", 3): return try datasetRoute(words[1], words[2], &query, path)
    case ("jobs", 1) where method == "POST": return .submit
    case ("jobs", 1):
      let filter = JobFilter(dataset: query.take("dataset"), state: query.take("state"))
      if let state = filter.state, !JobState.names.contains(state) {
        throw ControlError.misspelt("state", state, among: JobState.names)
      }
      return .jobs(filter)
    case ("jobs", 2): return .job(try job(words[1]))
    case ("jobs", 3): return try jobRoute(try job(words[1]), words[2], &query, path)
    default: throw unknown(path)
    }
  }

  private static func datasetRoute(
    _ dataset: String, _ verb: String, _ query: inout QueryItems, _ path: String
  ) throws(ControlError) -> ControlRoute {
    guard Name.isValid(dataset) else {
      throw .invalid("dataset '\(dataset)': not a dataset's name.")
    }
    switch verb {
    case "rescan":
      return .rescan(
        dataset: dataset, forgetsMissing: try query.takeFlag("forget_missing") ?? false)
    case "ledger":
      return .ledger(dataset: dataset, witness: try witness(&query))
    case "files":
      let limit = try query.takeNumber("limit") ?? FileQuery.maximumLimit
      guard (1...FileQuery.maximumLimit).contains(limit) else {
        throw .invalid("limit \(limit): out of range (1 to \(FileQuery.maximumLimit) expected).")
      }
      return .files(
        dataset: dataset,
        FileQuery(
          verdict: query.take("verdict"), recipe: query.take("recipe"),
          after: query.take("after"), limit: limit))
    case "preview":
      return .preview(dataset: dataset, recipe: query.take("recipe"))
    case "rows": return .rows(dataset: dataset)
    default: throw unknown(path)
    }
  }

  private static func jobRoute(
    _ job: JobID, _ verb: String, _ query: inout QueryItems, _ path: String
  ) throws(ControlError) -> ControlRoute {
    switch verb {
    case "events":
      return .events(
        job, after: try query.takeNumber("after"), follow: try query.takeFlag("follow") ?? true)
    case "report":
      return .report(job, isInternal: try query.takeFlag("internal") ?? false)
    case "pause": return .pause(job)
    case "cancel": return .cancel(job)
    case "resume":
      return .resume(job, allowFewerSteps: try query.takeFlag("allow_fewer_steps") ?? false)
    case "remove":
      return .remove(job, withRelease: try query.takeFlag("release") ?? false)
    default: throw unknown(path)
    }
  }

  private static func witness(_ query: inout QueryItems) throws(ControlError) -> LedgerWitness? {
    switch (try query.takeNumber("line"), query.take("hash")) {
    case (nil, nil): return nil
    case (let line, let hash?): return LedgerWitness(line: line, hash: hash)
    case (_?, nil):
      throw .invalid("query of a ledger: line= without hash= (hash= expected, line= if known).")
    }
  }

  private static func job(_ name: String) throws(ControlError) -> JobID {
    guard let job = JobID(name) else {
      throw .invalid("job '\(name)': not a job's name (like glyphs-7 expected).")
    }
    return job
  }

  private static func unknown(_ path: String) -> ControlError {
    .notFound("path '\(path)': unknown. Paths start with /v1/, for instance /v1/status.")
  }

  private static func queryText(_ items: [(name: String, value: String?)]) -> String {
    let written = items.compactMap { item in
      item.value.map { "\(item.name)=\(PercentCoding.encode($0))" }
    }
    return written.isEmpty ? "" : "?" + written.joined(separator: "&")
  }
}

/// The items of a query, each to be taken once.
private struct QueryItems {
  private var items: [(name: String, value: String)] = []

  init(_ text: String) throws(ControlError) {
    for item in text.split(separator: "&") {
      let parts = item.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard let name = PercentCoding.decode(String(parts[0])),
        let value = PercentCoding.decode(parts.count > 1 ? String(parts[1]) : "")
      else {
        throw .invalid("query '\(item)': not percent-encoded UTF-8.")
      }
      items.append((name, value))
    }
  }

  mutating func take(_ name: String) -> String? {
    guard let index = items.firstIndex(where: { $0.name == name }) else { return nil }
    return items.remove(at: index).value
  }

  mutating func takeNumber(_ name: String) throws(ControlError) -> Int? {
    guard let text = take(name) else { return nil }
    guard let number = Int(text), number >= 0 else {
      throw .invalid("query \(name)='\(text)': not a number (0 or more expected).")
    }
    return number
  }

  mutating func takeFlag(_ name: String) throws(ControlError) -> Bool? {
    guard let text = take(name) else { return nil }
    guard let flag = ["true": true, "false": false][text] else {
      throw .invalid("query \(name)='\(text)': not a flag (true or false expected).")
    }
    return flag
  }

  func refuseRest() throws(ControlError) {
    guard let item = items.first else { return }
    throw .invalid("query '\(item.name)': unknown here, or given twice.")
  }
}
