import Control
import FoundationEssentials
import Logging
import Runs

/// A request as received over the socket.
struct ControlRequest: Sendable {
  var method: String
  var target: String
  /// The value of the `Idempotency-Key` header.
  var token: String?
  var body: Data
}

/// The reply to a request.
enum ControlReply: Sendable {
  /// One JSON value.
  case value(status: Int, Data)
  /// A line of JSON for every event, with or without counts of real files.
  case events(AsyncThrowingStream<JobEvent, any Error>, withCounts: Bool)
  /// An error.
  case problem(Problem)
}

/// Dispatches requests to the daemon: each route of `ControlRoute` is one method of `ControlAPI`.
struct Routes: Sendable {
  /// The API to call.
  let api: any ControlAPI
  /// The access policy.
  let access: AccessPolicy
  /// The logger of requests.
  let logger: Logger

  /// Replies to a request; an error becomes a problem.
  func answer(_ request: ControlRequest, from caller: Caller) async -> ControlReply {
    do {
      let route = try ControlRoute(method: request.method, target: request.target)
      try caller.standing.check(caller.peer, for: route)
      log(route, request, caller.peer)
      return try await call(route, request, caller)
    } catch is CancellationError {
      // The caller has left, and nobody reads this.
      return .problem(ControlError.failed("request: its caller has left.").problem)
    } catch {
      let problem = ControlError(error)
      if !(error is ControlError) { logger.error("request: \(problem)") }
      return .problem(problem.problem)
    }
  }

  /// Calls the method of a route.
  private func call(
    _ route: ControlRoute, _ request: ControlRequest, _ caller: Caller
  ) async throws -> ControlReply {
    if case .events = route { try caller.follow() }
    // Callers with read access only receive no counts of real files.
    if !caller.standing.mayControl, let reply = try await replyWithoutCounts(route) { return reply }
    return switch route {
    case .status: try await value(api.status())
    case .datasets: try await value(api.datasets())
    case .rescan(let dataset, let forgetsMissing):
      try await value(api.rescan(dataset, forgetsMissing: forgetsMissing))
    case .files(let dataset, let query): try await value(api.files(of: dataset, query))
    case .preview(let dataset, let recipe):
      try await value(caller.plan { try await api.preview(of: dataset, recipe: recipe) })
    case .rows(let dataset): try await value(caller.countRows { try await api.rows(of: dataset) })
    case .ledger(let dataset, let witness):
      try await value(api.ledger(of: dataset, witness: witness))
    case .recipes: try await value(api.recipes())
    case .plan:
      try await plan(ControlCoding.decodeStrictly(PlanRequest.self, from: request.body), caller)
    case .recommend:
      try await recommendation(
        ControlCoding.decodeStrictly(RecommendRequest.self, from: request.body), caller)
    case .jobs(let filter): try await value(api.jobs(filter))
    case .submit:
      try await value(
        status: 201,
        api.submit(
          ControlCoding.decodeStrictly(JobRequest.self, from: request.body),
          token: request.token))
    case .job(let job): try await value(api.job(job))
    case .events(let job, let after, let follow):
      .events(try await api.events(of: job, after: after, follow: follow), withCounts: true)
    case .report(let job, let isInternal):
      try await value(api.report(of: job, isInternal: isInternal))
    case .pause(let job): try await value(api.stop(job, reason: .paused))
    case .cancel(let job): try await value(api.stop(job, reason: .cancelled))
    case .resume(let job, let allowFewerSteps):
      try await value(api.resume(job, allowFewerSteps: allowFewerSteps))
    case .remove(let job, let withRelease):
      try await value(api.remove(job, withRelease: withRelease))
    case .prune(let dryRun): try await value(api.prune(dryRun: dryRun))
    }
  }

  /// The reply for callers with read access only, if it differs from the full reply.
  private func replyWithoutCounts(_ route: ControlRoute) async throws -> ControlReply? {
    switch route {
    case .status: try await value(api.status().withoutCounts)
    case .datasets: try await value(api.datasets().map(\.withoutCounts))
    case .jobs(let filter): try await value(api.jobs(filter).map(\.withoutCounts))
    case .job(let job): try await value(api.job(job).withoutCounts)
    case .events(let job, let after, let follow):
      .events(try await api.events(of: job, after: after, follow: follow), withCounts: false)
    // These replies depend only on recipes, plans, the ledger and noise, or require full access.
    case .ledger, .recipes, .plan, .recommend, .report, .files, .preview, .rows, .rescan, .submit,
      .pause, .cancel, .resume, .remove, .prune:
      nil
    }
  }

  /// Computes a plan; plans may take long, so the number of pending plans of a user is limited.
  private func plan(_ request: PlanRequest, _ caller: Caller) async throws -> ControlReply {
    try request.validate()
    let report = try await caller.plan { try await api.plan(request) }
    return try value(caller.standing.mayControl ? report : report.withoutCounts)
  }

  /// Gives advice, within the same limit as plans; for callers with read access only, without looking at images.
  private func recommendation(
    _ request: RecommendRequest, _ caller: Caller
  ) async throws -> ControlReply {
    var request = request
    if !caller.standing.mayControl { request.withoutLooking = true }
    let asked = request
    let advice = try await caller.plan { try await api.recommend(asked) }
    return try value(caller.standing.mayControl ? advice : advice.withoutCounts)
  }

  private func value(status: Int = 200, _ value: some Encodable) throws -> ControlReply {
    .value(status: status, try ControlCoding.encode(value))
  }

  /// Logs who makes a change; omits the query, which may contain names of images.
  private func log(_ route: ControlRoute, _ request: ControlRequest, _ peer: Peer) {
    let path = request.target.prefix { $0 != "?" }
    logger.log(
      level: route.changesSomething ? .info : .debug,
      "request \(route.method) \(path) from user \(peer.user), process \(peer.process)")
  }
}
