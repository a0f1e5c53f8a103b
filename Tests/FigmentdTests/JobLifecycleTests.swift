import Control
import Testing

@testable import Runs
@testable import figmentd

@Suite struct JobLifecycleTests {
  static let results = JobResults(steps: 10)
  static let failure = JobFailure(message: "why")
  static let progress = JobProgress(phase: .train, done: 5, total: 10, checkpoint: 4)

  static let states: [JobState] = [
    .queued, .running, .stopping(.cancelled), .stopping(.paused), .stopping(.shutdown), .paused,
    .finished(.completed(results)), .finished(.cancelled), .finished(.failed(failure)),
  ]

  static let events: [JobLifecycle.Event] = [
    .started, .reached(progress), .stopRequested(.cancelled), .stopRequested(.paused),
    .stopRequested(.shutdown), .resumeRequested, .ended(.completed(results)), .ended(.stopped),
    .ended(.failed(failure)), .daemonRestarted, .ended(.crashed("why")),
  ]

  /// The effect of every event in every state, in the order of `events`: the state's name, `=` when nothing
  /// changes, `!` when the request is refused.
  static let table: [String: [String]] = [
    "queued": ["running", "=", "cancelled", "paused", "=", "=", "=", "=", "=", "=", "="],
    "running": [
      "=", "=", "stopping cancelled", "stopping paused", "stopping shutdown", "=", "completed",
      "failed", "failed", "queued", "queued",
    ],
    "stopping cancelled": [
      "=", "=", "=", "!", "=", "!", "completed", "cancelled", "cancelled", "cancelled",
      "cancelled",
    ],
    "stopping paused": [
      "=", "=", "stopping cancelled", "=", "=", "!", "completed", "paused", "failed", "paused",
      "paused",
    ],
    "stopping shutdown": [
      "=", "=", "stopping cancelled", "stopping paused", "=", "!", "completed", "queued",
      "failed", "queued", "queued",
    ],
    "paused": ["=", "=", "cancelled", "=", "=", "queued", "=", "=", "=", "=", "="],
    "completed": ["=", "=", "!", "!", "=", "!", "=", "=", "=", "=", "="],
    "cancelled": ["=", "=", "=", "!", "=", "!", "=", "=", "=", "=", "="],
    "failed": ["=", "=", "!", "!", "=", "queued", "=", "=", "=", "=", "="],
  ]

  static func name(_ state: JobState) -> String {
    if case .stopping(let reason) = state { "stopping \(reason.rawValue)" } else { state.name }
  }

  @Test(arguments: states) func everyEventInEveryState(_ state: JobState) throws {
    let row = try #require(Self.table[Self.name(state)])
    #expect(row.count == Self.events.count)
    for (event, expected) in zip(Self.events, row) {
      var lifecycle = JobLifecycle(state: state)
      var outcome: String
      do {
        _ = try lifecycle.handle(event)
        outcome = lifecycle.state == state ? "=" : Self.name(lifecycle.state)
      } catch {
        outcome = "!"
        #expect(lifecycle.state == state, "a refused request changes nothing")
      }
      #expect(outcome == expected, "\(Self.name(state)) on \(event)")
    }
  }

  @Test(arguments: states) func aNewStateIsPublishedOnceAndFirst(_ state: JobState) {
    for event in Self.events {
      var lifecycle = JobLifecycle(state: state)
      guard let effects = try? lifecycle.handle(event) else { continue }
      let published = effects.filter { if case .publishState = $0 { true } else { false } }
      if lifecycle.state == state {
        #expect(published.isEmpty, "\(state.name) on \(event)")
      } else {
        #expect(published == [.publishState(lifecycle.state)])
        #expect(effects.first == published.first)
      }
    }
  }

  @Test func effectsOfTheUsualWay() throws {
    var job = JobLifecycle(state: .queued)
    #expect(try job.handle(.daemonRestarted) == [.enqueue])
    #expect(try job.handle(.started) == [.publishState(.running)])
    #expect(try job.handle(.reached(Self.progress)) == [.publishProgress(Self.progress)])
    #expect(job.progress == Self.progress)
    #expect(
      try job.handle(.stopRequested(.paused))
        == [.publishState(.stopping(.paused)), .askToStop])
    #expect(try job.handle(.stopRequested(.cancelled)) == [.publishState(.stopping(.cancelled))])
    #expect(try job.handle(.ended(.stopped)) == [.publishState(.finished(.cancelled))])
  }

  @Test func aWaitingJobIsTakenOutOfTheQueue() throws {
    var job = JobLifecycle(state: .queued)
    #expect(try job.handle(.stopRequested(.paused)) == [.publishState(.paused), .dequeue])
    #expect(try job.handle(.resumeRequested) == [.publishState(.queued), .enqueue])
  }

  @Test func aCleanStopIsTakenUpByTheNextDaemon() throws {
    var job = JobLifecycle(state: .running)
    _ = try job.handle(.stopRequested(.shutdown))
    #expect(try job.handle(.ended(.stopped)) == [.publishState(.queued)])
    #expect(try job.handle(.daemonRestarted) == [.enqueue])
    #expect(job.crashes == nil)
  }

  @Test func threeCrashesAtTheSameCheckpointEndTheJob() throws {
    var job = JobLifecycle(state: .queued)
    for _ in 1...2 {
      _ = try job.handle(.started)
      _ = try job.handle(.reached(Self.progress))
      _ = try job.handle(.daemonRestarted)
      #expect(job.state == .queued)
    }
    _ = try job.handle(.started)
    _ = try job.handle(.daemonRestarted)
    #expect(job.state.name == "failed")
    _ = try job.handle(.resumeRequested)
    #expect(job.state == .queued)
    #expect(job.crashes == nil, "a person who resumes it has dealt with the reason")
  }

  @Test func aNewCheckpointForgivesCrashes() throws {
    var job = JobLifecycle(state: .queued)
    for checkpoint in 1...10 {
      _ = try job.handle(.started)
      _ = try job.handle(
        .reached(JobProgress(phase: .train, done: 5, total: 10, checkpoint: checkpoint)))
      _ = try job.handle(.daemonRestarted)
      #expect(job.state == .queued)
      #expect(job.crashes == CrashRecord(checkpoint: checkpoint, count: 1))
    }
  }

  @Test func stoppingOverACrashIsNoCrash() throws {
    var job = JobLifecycle(state: .stopping(.shutdown), progress: Self.progress)
    #expect(try job.handle(.daemonRestarted) == [.publishState(.queued), .enqueue])
    #expect(job.crashes == nil)
  }
}
