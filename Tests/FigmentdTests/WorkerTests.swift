import Control
import FoundationEssentials
import Glibc
import Privacy
import Synchronization
import Testing

@testable import Runs
@testable import figmentd

@Suite struct ProgressGateTests {
  private func progress(
    _ done: Int, _ phase: JobPhase = .train, checkpoint: Int? = nil
  ) -> JobReport {
    .progress(JobProgress(phase: phase, done: done, total: 100, checkpoint: checkpoint))
  }

  @Test func whatIsTooOftenIsDropped() {
    let gate = ProgressGate()
    let start = ContinuousClock.now
    #expect(gate.lets(progress(1), at: start))
    #expect(!gate.lets(progress(2), at: start + .milliseconds(249)))
    #expect(gate.lets(progress(3), at: start + .milliseconds(250)))
  }

  @Test func whatMattersAlwaysPasses() {
    let gate = ProgressGate()
    let now = ContinuousClock.now
    #expect(gate.lets(progress(1), at: now))
    #expect(gate.lets(.note(Releasable("hello", .chosenBeforehand)), at: now))
    #expect(gate.lets(progress(2, checkpoint: 2), at: now))
    #expect(gate.lets(progress(3, .generate), at: now))
    #expect(gate.lets(progress(100, .generate), at: now), "the end of a phase")
  }
}

@Suite struct SerialThreadTests {
  /// Counts the concurrent callers.
  private final class Counter: Sendable {
    private let inside = Atomic<Int>(0)
    private let greatest = Atomic<Int>(0)
    private let all = Atomic<Int>(0)
    var most: Int { greatest.load(ordering: .relaxed) }
    var total: Int { all.load(ordering: .relaxed) }

    func enter() {
      let now = inside.wrappingAdd(1, ordering: .relaxed).newValue
      greatest.max(now, ordering: .relaxed)
      all.wrappingAdd(1, ordering: .relaxed)
    }

    func leave() { inside.wrappingSubtract(1, ordering: .relaxed) }
  }

  @Test func workRunsOneAtATime() async throws {
    let thread = SerialThread(named: "test")
    let counter = Counter()
    await withTaskGroup(of: Void.self) { group in
      for _ in 0..<20 {
        group.addTask {
          try? await thread.run {
            counter.enter()
            usleep(500)
            counter.leave()
          }
        }
      }
      await group.waitForAll()
    }
    #expect(counter.total == 20)
    #expect(counter.most == 1)
  }

  @Test func errorsComeBack() async throws {
    let thread = SerialThread(named: "test")
    await #expect(throws: ControlError.failed("x")) {
      try await thread.run { throw ControlError.failed("x") }
    }
    #expect(try await thread.run { 7 } == 7, "and the next piece of work runs")
  }
}

@Suite struct EventMailboxTests {
  private let job = JobID(dataset: "glyphs", number: 1)

  private func note(_ id: Int) -> JobEvent {
    JobEvent(id: id, job: job, time: .distantPast, content: .note("\(id)"))
  }

  private func progress(_ done: Int) -> JobEvent {
    JobEvent(
      id: 0, job: job, time: .distantPast,
      content: .progress(JobProgress(phase: .train, done: done, total: 100)))
  }

  @Test func keptEventsWaitAndProgressIsOvertaken() async throws {
    let mailbox = EventMailbox(history: [note(1)])
    mailbox.put(progress(5))
    mailbox.put(note(2))
    mailbox.put(progress(6))
    mailbox.put(progress(7))
    mailbox.end()
    mailbox.put(note(3))
    var seen: [JobEvent] = []
    for try await event in mailbox.events() { seen.append(event) }
    #expect(seen == [note(1), note(2), progress(7)])
  }

  @Test func aWaitingReaderIsWoken() async throws {
    let mailbox = EventMailbox(history: [])
    let reading = Task {
      var ids: [Int] = []
      for try await event in mailbox.events() { ids.append(event.id) }
      return ids
    }
    for id in 1...100 {
      mailbox.put(note(id))
      if id % 10 == 0 { await Task.yield() }
    }
    mailbox.end()
    #expect(try await reading.value == Array(1...100))
  }

  @Test func aCancelledReaderIsNotKept() async throws {
    var mailbox: EventMailbox? = EventMailbox(history: [note(1)])
    weak let kept = mailbox
    let (started, start) = AsyncStream<Void>.makeStream()
    let reading = reader(of: try #require(mailbox)) { start.finish() }
    // It has read everything, and waits.
    for await _ in started {}
    mailbox = nil
    #expect(kept != nil, "the reader holds it")
    reading.cancel()
    #expect(try await reading.value == 1)
    let end = ContinuousClock.now + .seconds(60)
    while kept != nil, ContinuousClock.now < end { try await Task.sleep(for: .milliseconds(5)) }
    #expect(kept == nil)
  }

  /// Counts the events that it reads.
  private func reader(
    of mailbox: EventMailbox, _ tell: @escaping @Sendable () -> Void
  ) -> Task<Int, any Error> {
    let events = mailbox.events()
    return Task {
      var count = 0
      for try await _ in events {
        count += 1
        tell()
      }
      return count
    }
  }

  @Test func aReaderWhoIsFarBehindIsCutOff() async throws {
    let mailbox = EventMailbox(history: [])
    for id in 0...EventMailbox.maximumWaiting { mailbox.put(note(id)) }
    await #expect(throws: ControlError.self) { for try await _ in mailbox.events() {} }
  }
}
