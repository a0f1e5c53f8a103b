import CKernels
import Glibc
import Synchronization

/// The shared state of a pool's threads.
///
/// The threads reference the crew and not the pool. When the last reference to the pool goes away,
/// the pool is deallocated and ends its threads.
///
/// A loop ends when its iterations are done. A thread enters a loop through the gate, which counts
/// the threads inside. The caller shuts the gate when every iteration is taken, and waits only for
/// the threads inside. A thread that arrives late, because others use its processor, finds the gate
/// shut or a later loop, and never sees the loop that it missed.
final class Crew: @unchecked Sendable {
  let threadCount: Int

  /// One loop: the body and the number of iterations.
  private struct Loop {
    let body: (_ index: Int, _ worker: Int) -> Void
    let count: Int
  }

  /// Each cursor has its own cache line, eight words.
  private static let cursorStride = 8

  private var callers = pthread_mutex_t()
  private var mutex = pthread_mutex_t()
  private var started = pthread_cond_t()
  private var finished = pthread_cond_t()
  private var threads: [SystemThread] = []
  /// Written by the caller while the gate is shut and nobody is inside; read inside.
  private var loop: UnsafePointer<Loop>?
  /// Each thread's position in its part of the loop; changed only inside the gate.
  private let cursors: UnsafeMutablePointer<Atomic<Int>>
  private let gate = Atomic<UInt64>(0)
  /// Threads that sleep, or are about to, until a loop begins.
  private let sleepers = Atomic<Int>(0)
  /// Whether the caller sleeps, or is about to, until nobody is inside.
  private let callerWaits = Atomic<Bool>(false)
  private let closing = Atomic<Bool>(false)
  /// How often a waiting thread polls before it sleeps; zero if threads outnumber processors.
  private let patience: Int
  /// Where the threads run; nil if they outnumber processors.
  private let places: ThreadPlaces?
  /// Called by a thread that has seen a loop and is about to enter it, so that tests can delay it.
  private let beforeEntering: (@Sendable (_ worker: Int) -> Void)?

  init(threadCount: Int, beforeEntering: (@Sendable (_ worker: Int) -> Void)? = nil) {
    self.threadCount = threadCount
    self.beforeEntering = beforeEntering
    patience = threadCount <= ThreadPool.availableProcessors ? 2000 : 0
    places = patience > 0 ? ThreadPlaces(threadCount: threadCount) : nil
    cursors = .allocate(capacity: threadCount * Self.cursorStride)
    for index in 0..<threadCount * Self.cursorStride {
      (cursors + index).initialize(to: Atomic(0))
    }
    var attributes = pthread_mutexattr_t()
    pthread_mutexattr_init(&attributes)
    pthread_mutexattr_settype(&attributes, Int32(PTHREAD_MUTEX_RECURSIVE))
    pthread_mutex_init(&callers, &attributes)
    pthread_mutexattr_destroy(&attributes)
    pthread_mutex_init(&mutex, nil)
    pthread_cond_init(&started, nil)
    pthread_cond_init(&finished, nil)
  }

  deinit {
    pthread_cond_destroy(&finished)
    pthread_cond_destroy(&started)
    pthread_mutex_destroy(&mutex)
    pthread_mutex_destroy(&callers)
    cursors.deinitialize(count: threadCount * Self.cursorStride)
    cursors.deallocate()
  }

  /// Starts the threads other than the caller's.
  func start() {
    for worker in 1..<max(2, threadCount) where worker < threadCount {
      threads.append(spawn(worker))
    }
  }

  func forEach(_ count: Int, _ body: (_ index: Int, _ worker: Int) -> Void) {
    pthread_mutex_lock(&callers)
    defer { pthread_mutex_unlock(&callers) }
    guard threadCount > 1, count > 1 else {
      for index in 0..<max(0, count) { body(index, 0) }
      return
    }
    withoutActuallyEscaping(body) { body in
      withUnsafePointer(to: Loop(body: body, count: count)) { run($0) }
    }
  }

  private func run(_ loop: UnsafePointer<Loop>) {
    precondition(self.loop == nil, "a body of forEach called forEach")
    self.loop = loop
    for worker in 0..<threadCount {
      cursors[worker * Self.cursorStride].store(
        loop.pointee.count * worker / threadCount, ordering: .relaxed)
    }
    let last = Gate(bits: gate.load(ordering: .relaxed))
    // Sequentially consistent with `sleep`, so that either the caller sees the sleeper or the
    // sleeper sees the loop; the same holds for `leave` and `waitForThoseInside`.
    gate.store(last.next.bits, ordering: .sequentiallyConsistent)
    if sleepers.load(ordering: .sequentiallyConsistent) > 0 {
      pthread_mutex_lock(&mutex)
      pthread_mutex_unlock(&mutex)
      pthread_cond_broadcast(&started)
    }
    share(loop, as: 0)
    let shut = gate.bitwiseAnd(Gate.shutMask, ordering: .acquiringAndReleasing).newValue
    if Gate(bits: shut).inside > 0 { waitForThoseInside() }
    self.loop = nil
  }

  /// Returns when no thread is inside the gate, which is shut.
  private func waitForThoseInside() {
    var looks = patience
    while looks > 0 {
      if Gate(bits: gate.load(ordering: .acquiring)).inside == 0 { return }
      ck_pause()
      looks -= 1
    }
    pthread_mutex_lock(&mutex)
    callerWaits.store(true, ordering: .sequentiallyConsistent)
    while Gate(bits: gate.load(ordering: .sequentiallyConsistent)).inside > 0 {
      pthread_cond_wait(&finished, &mutex)
    }
    callerWaits.store(false, ordering: .relaxed)
    pthread_mutex_unlock(&mutex)
  }

  /// Takes iterations of the thread's own part, then of the other parts, until all are taken.
  ///
  /// Never inlined, so that no reference to the body outlives the call.
  @inline(never)
  private func share(_ loop: UnsafePointer<Loop>, as worker: Int) {
    places?.settle(worker)
    let count = loop.pointee.count
    for distance in 0..<threadCount {
      let part = (worker + distance) % threadCount
      let end = count * (part + 1) / threadCount
      while cursors[part * Self.cursorStride].load(ordering: .relaxed) < end {
        let index = cursors[part * Self.cursorStride].wrappingAdd(1, ordering: .relaxed).oldValue
        guard index < end else { break }
        loop.pointee.body(index, worker)
      }
    }
  }

  func work(as worker: Int) {
    var seen = Gate(bits: 0).round
    while let open = nextLoop(after: seen) {
      beforeEntering?(worker)
      // Fails if the gate was shut or other threads entered or left in the meantime.
      guard
        gate.compareExchange(
          expected: open.bits, desired: open.bits + 1, ordering: .acquiringAndReleasing
        ).exchanged
      else { continue }
      if let loop { share(loop, as: worker) }
      leave()
      seen = open.round
    }
  }

  /// Leaves the gate and wakes the caller if it waits for this thread.
  private func leave() {
    let left = Gate(bits: gate.wrappingSubtract(1, ordering: .sequentiallyConsistent).newValue)
    guard !left.isOpen, left.inside == 0,
      callerWaits.load(ordering: .sequentiallyConsistent)
    else { return }
    pthread_mutex_lock(&mutex)
    pthread_mutex_unlock(&mutex)
    pthread_cond_signal(&finished)
  }

  /// Waits until the gate is open for a loop other than `round`; returns nil when the pool closes.
  private func nextLoop(after round: UInt64) -> Gate? {
    var looks = patience
    while looks > 0 {
      let gate = Gate(bits: gate.load(ordering: .acquiring))
      if gate.isOpen, gate.round != round { return gate }
      ck_pause()
      looks -= 1
    }
    return sleep(after: round)
  }

  /// Like `nextLoop`, but sleeps while it waits.
  private func sleep(after round: UInt64) -> Gate? {
    pthread_mutex_lock(&mutex)
    sleepers.add(1, ordering: .sequentiallyConsistent)
    defer {
      sleepers.subtract(1, ordering: .relaxed)
      pthread_mutex_unlock(&mutex)
    }
    while true {
      if closing.load(ordering: .acquiring) { return nil }
      let gate = Gate(bits: gate.load(ordering: .sequentiallyConsistent))
      if gate.isOpen, gate.round != round { return gate }
      pthread_cond_wait(&started, &mutex)
    }
  }

  /// Ends the threads and waits until they have ended.
  func close() {
    pthread_mutex_lock(&mutex)
    closing.store(true, ordering: .releasing)
    pthread_cond_broadcast(&started)
    pthread_mutex_unlock(&mutex)
    for thread in threads { thread.join() }
  }

  private func spawn(_ worker: Int) -> SystemThread {
    do {
      return try SystemThread.start { self.work(as: worker) }
    } catch {
      preconditionFailure("\(error)")
    }
  }
}

/// The state of the gate in one word: the number of the loop, whether it may be entered, and how many
/// threads are inside.
private struct Gate {
  let bits: UInt64

  private static let openBit: UInt64 = 1 << 31
  /// Clears the open bit: the state of a shut gate.
  static let shutMask = ~openBit

  var round: UInt64 { bits >> 32 }
  var isOpen: Bool { bits & Self.openBit != 0 }
  var inside: UInt64 { bits & (Self.openBit - 1) }

  /// Open for the next loop, with nobody inside.
  var next: Gate { Gate(bits: (round &+ 1) << 32 | Self.openBit) }
}
