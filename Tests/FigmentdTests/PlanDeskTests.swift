import Control
import Glibc
import Runs
import Synchronization
import Testing

@testable import figmentd

/// The line of those who wait for a long answer, and what becomes of an answer that nobody waits for.
@Suite struct PlanDeskTests {
  /// Work that lasts until it is let go or abandoned.
  private final class Work: Sendable {
    private let begun = Mutex(0), abandoned = Mutex(0)
    private let isLetGo = StopSignal()

    var beginnings: Int { begun.withLock { $0 } }
    var abandonments: Int { abandoned.withLock { $0 } }
    func letGo() { isLetGo.raise() }

    func run() throws -> Int {
      begun.withLock { $0 += 1 }
      let abandonment = try #require(PlanDesk.abandonment)
      while !isLetGo.isRaised {
        guard !abandonment.isRaised else {
          abandoned.withLock { $0 += 1 }
          throw CancellationError()
        }
        usleep(1000)
      }
      return 5
    }
  }

  private func wait(until isReached: () async -> Bool) async throws {
    let end = ContinuousClock.now + .seconds(300)
    while await !isReached(), ContinuousClock.now < end {
      try await Task.sleep(for: .milliseconds(2))
    }
    #expect(await isReached())
  }

  private func call(_ desk: PlanDesk, _ work: Work) -> Task<Int, any Error> {
    Task { try await desk.run { try work.run() } }
  }

  /// A desk of one place, on which `holder` is computed and for which `waiter` waits.
  private func occupied(
    by holder: Work, before waiter: Work
  ) async throws -> (desk: PlanDesk, holder: Task<Int, any Error>, waiter: Task<Int, any Error>) {
    let desk = PlanDesk(of: "counts", places: 1)
    let holding = call(desk, holder)
    try await wait { holder.beginnings == 1 }
    let waiting = call(desk, waiter)
    try await wait { await desk.waitingCount == 1 }
    return (desk, holding, waiting)
  }

  @Test func whoLeavesStopsTheComputationAndTheNextOneBegins() async throws {
    let (left, next) = (Work(), Work())
    let (desk, leaver, waiter) = try await occupied(by: left, before: next)
    #expect(next.beginnings == 0)
    leaver.cancel()
    await #expect(throws: CancellationError.self) { try await leaver.value }
    #expect(left.abandonments == 1)
    try await wait { next.beginnings == 1 }
    next.letGo()
    #expect(try await waiter.value == 5)
    // The place is free again.
    #expect(try await desk.run { 7 } == 7)
  }

  @Test func whoLeavesTheLineIsNotComputedFor() async throws {
    let (first, left) = (Work(), Work())
    let (desk, holder, leaver) = try await occupied(by: first, before: left)
    leaver.cancel()
    // At once, not when the turn comes.
    await #expect(throws: CancellationError.self) { try await leaver.value }
    #expect(await desk.waitingCount == 0)
    first.letGo()
    #expect(try await holder.value == 5)
    #expect(left.beginnings == 0 && first.abandonments == 0)
    #expect(try await desk.run { 7 } == 7)
  }

  @Test func theLineHasAnEnd() async throws {
    let desk = PlanDesk(of: "counts of rows", places: 1)
    let work = Work()
    let callers = (0...PlanDesk.longestQueue).map { _ in call(desk, work) }
    try await wait { await desk.waitingCount == PlanDesk.longestQueue }
    let error = await #expect(throws: ControlError.self) { try await desk.run { 1 } }
    #expect(error?.message.contains("daemon: 17 counts of rows are pending") == true)
    work.letGo()
    for caller in callers { #expect(try await caller.value == 5) }
  }
}
