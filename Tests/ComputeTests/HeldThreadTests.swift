import Dispatch
import Glibc
import Synchronization
import Testing

@testable import Compute

/// A loop ends when its iterations are done, regardless of which threads ran them.
@Suite(.timeLimit(.minutes(2))) struct HeldThreadTests {
  @Test func aLoopEndsWhileAThreadIsDelayed() {
    let door = Door()
    let pool = ThreadPool(threadCount: 2) { _ in door.pass() }
    let runs = Counts(100)
    for _ in 0..<50 { pool.forEach(100) { index, _ in runs.add(index) } }
    #expect(runs.all(are: 50))
    #expect(door.passed == 0)
    door.open()
  }

  @Test func aDelayedThreadStopsNoOther() {
    let door = Door()
    let pool = ThreadPool(threadCount: 4) { worker in if worker == 2 { door.pass() } }
    let byHeld = Atomic<Int>(0)
    let runs = Counts(64)
    for _ in 0..<200 {
      pool.forEach(64) { index, worker in
        runs.add(index)
        if worker == 2 { byHeld.add(1, ordering: .relaxed) }
      }
    }
    #expect(runs.all(are: 200))
    #expect(byHeld.load(ordering: .relaxed) == 0)
    door.open()
  }

  /// The thread has seen a loop, arrives after its end, and finds later loops with other bodies.
  @Test func aLateThreadNeverRunsTheBodyOfAFinishedLoop() {
    let arrivals = Door(), late = Atomic<Int>(0), wrong = Atomic<Int>(0)
    let current = Atomic<Int>(0)
    for _ in 0..<20 {
      arrivals.close()
      let pool = ThreadPool(threadCount: 2) { _ in arrivals.pass() }
      for number in 0..<200 {
        current.store(number, ordering: .sequentiallyConsistent)
        if number == 100 { arrivals.open() }
        pool.forEach(16) { _, worker in
          if current.load(ordering: .sequentiallyConsistent) != number {
            wrong.add(1, ordering: .relaxed)
          }
          if worker == 1 { late.add(1, ordering: .relaxed) }
          // Long enough that the other thread may arrive in the middle.
          if number >= 100 { usleep(20) }
        }
        current.store(-1, ordering: .sequentiallyConsistent)
      }
    }
    #expect(wrong.load(ordering: .relaxed) == 0)
    #expect(late.load(ordering: .relaxed) > 0)
  }

  /// The caller waits for an iteration that a thread has begun, however long it takes.
  @Test func aLoopWaitsForAnIterationThatAnotherThreadHasBegun() {
    let pool = ThreadPool(threadCount: 2)
    let hasBegun = Atomic<Bool>(false), isDone = Atomic<Bool>(false)
    pool.forEach(2) { _, worker in
      if worker == 1 {
        hasBegun.store(true, ordering: .releasing)
        usleep(20_000)
        isDone.store(true, ordering: .releasing)
      } else {
        while !hasBegun.load(ordering: .acquiring) { usleep(100) }
      }
    }
    let done = isDone.load(ordering: .acquiring)
    #expect(done)
  }

  @Test(arguments: [2, 3, 4, 9])
  func everyIndexRunsOnceInTinyLoopsOfSeveralCallers(_ threadCount: Int) {
    let pool = ThreadPool(threadCount: threadCount)
    let wrong = Atomic<Int>(0)
    DispatchQueue.concurrentPerform(iterations: 3) { caller in
      for round in 0..<2000 {
        let count = 2 + (round + caller) % 7
        let runs = Counts(count)
        pool.forEach(count) { index, _ in runs.add(index) }
        if !runs.all(are: 1) { wrong.add(1, ordering: .relaxed) }
      }
    }
    #expect(wrong.load(ordering: .relaxed) == 0)
  }

  /// Threads arrive at any time: while the pool closes, some sleep, some poll and some are entering.
  @Test func poolsCloseWhileThreadsAreEntering() {
    let sum = Atomic<Int>(0)
    for round in 0..<500 {
      let pool = ThreadPool(threadCount: 3) { worker in
        if (round + worker) % 3 == 0 { usleep(UInt32(round % 200)) }
      }
      for _ in 0..<round % 5 { pool.forEach(4) { _, _ in sum.add(1, ordering: .relaxed) } }
    }
    #expect(sum.load(ordering: .relaxed) == 4 * 100 * (0 + 1 + 2 + 3 + 4))
  }
}

/// A barrier at which threads wait until it opens.
private final class Door: Sendable {
  private let isOpen = Atomic<Bool>(false)
  private let count = Atomic<Int>(0)

  /// The threads that passed the barrier.
  var passed: Int { count.load(ordering: .acquiring) }

  func open() { isOpen.store(true, ordering: .releasing) }
  func close() { isOpen.store(false, ordering: .releasing) }

  func pass() {
    while !isOpen.load(ordering: .acquiring) { usleep(50) }
    count.add(1, ordering: .acquiringAndReleasing)
  }
}

/// The number of runs of each index.
private final class Counts: @unchecked Sendable {
  private let values: UnsafeMutablePointer<Atomic<Int>>
  private let count: Int

  init(_ count: Int) {
    self.count = count
    values = .allocate(capacity: count)
    for index in 0..<count { (values + index).initialize(to: Atomic(0)) }
  }

  deinit {
    values.deinitialize(count: count)
    values.deallocate()
  }

  func add(_ index: Int) { values[index].add(1, ordering: .relaxed) }

  func all(are value: Int) -> Bool {
    (0..<count).allSatisfy { values[$0].load(ordering: .relaxed) == value }
  }
}
