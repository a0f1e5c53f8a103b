import Control
import FoundationEssentials
import NIOCore
import NIOHTTP1
import NIOPosix

/// A client of the daemon: sends every request over the control socket.
struct ControlClient: ControlAPI {
  /// The path of the socket.
  let socketPath: String

  /// The largest reply that the client reads; a page of files is far smaller.
  private static let maximumReplyBytes = 64 << 20

  func status() async throws -> DaemonStatus { try await ask(.status) }

  func datasets() async throws -> [DatasetStatus] { try await ask(.datasets) }

  func rescan(_ dataset: String, forgetsMissing: Bool) async throws -> DatasetStatus {
    try checkName(dataset)
    return try await ask(.rescan(dataset: dataset, forgetsMissing: forgetsMissing))
  }

  func files(of dataset: String, _ query: FileQuery) async throws -> FilePage {
    try checkName(dataset)
    return try await ask(.files(dataset: dataset, query))
  }

  func preview(of dataset: String, recipe: String?) async throws -> PreviewSheet {
    try checkName(dataset)
    return try await ask(.preview(dataset: dataset, recipe: recipe))
  }

  func rows(of dataset: String) async throws -> RowsReport {
    try checkName(dataset)
    return try await ask(.rows(dataset: dataset))
  }

  func recipes() async throws -> [RecipeSummary] { try await ask(.recipes) }

  func plan(_ request: PlanRequest) async throws -> PlanReport {
    try await ask(.plan, ControlCoding.encode(request))
  }

  func recommend(_ request: RecommendRequest) async throws -> Recommendation {
    try await ask(.recommend, ControlCoding.encode(request))
  }

  func submit(_ request: JobRequest, token: String?) async throws -> Job {
    try await ask(.submit, ControlCoding.encode(request), token: token)
  }

  func jobs(_ filter: JobFilter) async throws -> [Job] { try await ask(.jobs(filter)) }

  func job(_ id: JobID) async throws -> Job { try await ask(.job(id)) }

  func stop(_ job: JobID, reason: StopReason) async throws -> Job {
    switch reason {
    case .paused: return try await ask(.pause(job))
    case .cancelled: return try await ask(.cancel(job))
    case .shutdown:
      throw ControlError.invalid(
        "reason 'shutdown': no request may use it (paused or cancelled expected).")
    }
  }

  func report(of job: JobID, isInternal: Bool) async throws -> EvaluationReport {
    try await ask(.report(job, isInternal: isInternal))
  }

  func resume(_ job: JobID, allowFewerSteps: Bool) async throws -> Job {
    try await ask(.resume(job, allowFewerSteps: allowFewerSteps))
  }

  func remove(_ job: JobID, withRelease: Bool) async throws -> JobRemoval {
    try await ask(.remove(job, withRelease: withRelease))
  }

  func prune(dryRun: Bool) async throws -> [JobRemoval] { try await ask(.prune(dryRun: dryRun)) }

  func ledger(of dataset: String, witness: LedgerWitness?) async throws -> LedgerReport {
    try checkName(dataset)
    return try await ask(.ledger(dataset: dataset, witness: witness))
  }

  /// Refuses an invalid name, because the request's path contains it.
  private func checkName(_ dataset: String) throws(ControlError) {
    guard Name.isValid(dataset) else {
      throw .invalid(
        "dataset '\(dataset)': not a valid name (lower-case letters, digits, '.', '-', '_' expected)."
      )
    }
  }

  private func ask<Value: Decodable & Sendable>(
    _ route: ControlRoute, _ body: Data? = nil, token: String? = nil
  ) async throws -> Value {
    var reply = Data()
    try await ControlConnection.open(socketPath).exchange(route, body, token: token) { bytes in
      reply.append(contentsOf: bytes.readableBytesView)
      guard reply.count <= Self.maximumReplyBytes else {
        throw ControlError.failed(
          "daemon: the reply is longer than \(Self.maximumReplyBytes) bytes. Ask for less, or report it."
        )
      }
      return true
    }
    return try ControlCoding.decode(Value.self, from: reply)
  }
}

extension ControlClient {
  func events(
    of job: JobID, after: JobEvent.ID?, follow: Bool
  ) async throws -> AsyncThrowingStream<JobEvent, any Error> {
    let connection = try await ControlConnection.open(socketPath)
    let route = ControlRoute.events(job, after: after, follow: follow)
    let (events, continuation) = AsyncThrowingStream<JobEvent, any Error>.makeStream()
    // Wait for the response head, so that an error reply is thrown here and not from the stream.
    let (opened, opening) = AsyncThrowingStream<Void, any Error>.makeStream()
    let task = Task {
      do {
        try await Self.forward(connection, route, to: continuation) { opening.finish() }
        continuation.finish()
      } catch {
        opening.finish(throwing: error)
        continuation.finish(throwing: error)
      }
    }
    continuation.onTermination = { _ in task.cancel() }
    for try await _ in opened {}
    return events
  }

  private static func forward(
    _ connection: ControlConnection, _ route: ControlRoute,
    to continuation: AsyncThrowingStream<JobEvent, any Error>.Continuation,
    whenOpened: () -> Void
  ) async throws {
    var lines = LineBuffer()
    var hasEnded = false
    try await connection.exchange(route, nil, whenOpened: whenOpened) { bytes in
      for line in lines.append(bytes.readableBytesView) {
        if let end = try? ControlCoding.decode(StreamEnd.self, from: line), end.type == "end" {
          if let problem = end.problem { throw problem.error }
          hasEnded = true
          return false
        }
        continuation.yield(try ControlCoding.decode(JobEvent.self, from: line))
      }
      return true
    }
    guard hasEnded else {
      throw ControlError.unreachable(
        "event stream: it ended early. The job continues; run 'figment watch' again.")
    }
  }
}

/// Splits a stream of bytes into lines.
struct LineBuffer {
  private var rest = Data()

  /// Appends bytes and returns the lines that are now complete.
  mutating func append(_ bytes: some Sequence<UInt8>) -> [Data] {
    rest.append(contentsOf: bytes)
    var lines: [Data] = []
    while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
      lines.append(Data(rest[rest.startIndex..<end]))
      rest = Data(rest[rest.index(after: end)...])
    }
    return lines
  }
}
