import Synchronization
import Testing

@testable import Compute

@Suite struct ThreadPoolTests {
  @Test(arguments: [1, 2, 3, 8]) func everyIndexRunsOnceOnAWorkerOfThePool(_ threadCount: Int) {
    let pool = ThreadPool(threadCount: threadCount)
    for count in [0, 1, 2, 7, 1000] {
      let runs = (0..<count).map { _ in Counter() }
      pool.forEach(count) { index, worker in
        #expect(worker >= 0 && worker < threadCount)
        runs[index].value.add(1, ordering: .relaxed)
      }
      #expect(runs.allSatisfy { $0.value.load(ordering: .relaxed) == 1 })
    }
  }

  @Test func manyShortLoopsFinish() {
    let pool = ThreadPool(threadCount: 4)
    let sum = Atomic<Int>(0)
    for _ in 0..<20_000 {
      pool.forEach(5) { index, _ in sum.add(index, ordering: .relaxed) }
    }
    #expect(sum.load(ordering: .relaxed) == 200_000)
  }

  @Test func aWorkerRunsOneIterationAtATime() {
    let pool = ThreadPool(threadCount: 3)
    let busy = (0..<3).map { _ in Counter() }
    pool.forEach(3000) { _, worker in
      #expect(busy[worker].value.add(1, ordering: .relaxed).newValue == 1)
      busy[worker].value.subtract(1, ordering: .relaxed)
    }
  }

  @Test func callersOfOnePoolWaitForEachOther() async {
    let pool = ThreadPool(threadCount: 2)
    let total = Counter()
    await withTaskGroup(of: Void.self) { group in
      for _ in 0..<4 {
        group.addTask {
          for _ in 0..<500 {
            pool.forEach(8) { _, _ in total.value.add(1, ordering: .relaxed) }
          }
        }
      }
    }
    #expect(total.value.load(ordering: .relaxed) == 16_000)
  }
}

private final class Counter: Sendable {
  let value = Atomic<Int>(0)
}
