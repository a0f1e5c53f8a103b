import CKernels
import Glibc
import Synchronization

/// Threads of our own that share a loop.
///
/// Training never runs on Swift's cooperative pool: kernels of microseconds cannot pay task hops.
/// Each thread begins with a fixed part of the loop, which keeps its examples in its caches from
/// layer to layer, and helps the others when it is done. Results cannot depend on who takes an
/// iteration as long as an iteration computes its outputs alone.
public final class ThreadPool: Sendable {
  private let crew: Crew

  /// Creates a pool of `threadCount` threads, at least one; the caller counts as the first.
  public init(threadCount: Int = ThreadPool.availableProcessors) {
    crew = Crew(threadCount: max(1, threadCount))
    crew.start()
  }

  deinit { crew.close() }

  /// The number of threads that work, the caller included.
  public var threadCount: Int { crew.threadCount }

  /// The processors that this process may run on.
  public static var availableProcessors: Int { max(1, Int(ck_available_processors())) }

  /// Units of work that leave no thread without any where one thread is slowed down.
  var wantedUnits: Int { threadCount > 1 ? 2 * threadCount : 1 }

  /// Runs `body` for each index below `count` and returns when all are done.
  ///
  /// `worker` is below `threadCount` and names the thread, for scratch memory; which thread takes an
  /// index may differ from run to run. Iterations must write to different places; reductions across
  /// iterations belong to the caller. Callers wait for each other; a body must not call `forEach`.
  public func forEach(_ count: Int, _ body: (_ index: Int, _ worker: Int) -> Void) {
    crew.forEach(count, body)
  }
}

/// What the threads of a pool share.
///
/// The threads hold it and not the pool: a pool that nobody holds any more can go, and ends them.
private final class Crew: @unchecked Sendable {
  let threadCount: Int

  /// One loop: an iteration's body, and where each thread's part stands.
  private struct Loop {
    let body: (_ index: Int, _ worker: Int) -> Void
    let count: Int
  }

  /// A cursor has a cache line of its own, eight words.
  private static let cursorStride = 8

  private var callers = pthread_mutex_t()
  private var mutex = pthread_mutex_t()
  private var started = pthread_cond_t()
  private var finished = pthread_cond_t()
  private var threads: [pthread_t] = []
  private var loop: UnsafePointer<Loop>?
  private let cursors: UnsafeMutablePointer<Atomic<Int>>
  private let round = Atomic<Int>(0)
  private let running = Atomic<Int>(0)
  private let closing = Atomic<Bool>(false)
  /// How often a waiting thread looks before it sleeps; never when threads outnumber processors.
  private let patience: Int

  init(threadCount: Int) {
    self.threadCount = threadCount
    patience = threadCount <= ThreadPool.availableProcessors ? 2000 : 0
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
    (cursors).deinitialize(count: threadCount * Self.cursorStride)
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
    pthread_mutex_lock(&mutex)
    precondition(self.loop == nil, "a body of forEach called forEach")
    self.loop = loop
    for worker in 0..<threadCount {
      cursors[worker * Self.cursorStride].store(
        loop.pointee.count * worker / threadCount, ordering: .relaxed)
    }
    running.store(threadCount - 1, ordering: .relaxed)
    round.wrappingAdd(1, ordering: .releasing)
    pthread_cond_broadcast(&started)
    pthread_mutex_unlock(&mutex)
    share(loop, as: 0)
    var looks = patience
    while looks > 0, running.load(ordering: .acquiring) > 0 {
      ck_pause()
      looks -= 1
    }
    pthread_mutex_lock(&mutex)
    while running.load(ordering: .acquiring) > 0 { pthread_cond_wait(&finished, &mutex) }
    self.loop = nil
    pthread_mutex_unlock(&mutex)
  }

  /// Takes iterations of the thread's own part, then of the others'.
  ///
  /// Never inlined, so that no reference to the body outlives the call.
  @inline(never)
  private func share(_ loop: UnsafePointer<Loop>, as worker: Int) {
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
    var seen = 0
    while true {
      var looks = patience
      while looks > 0, round.load(ordering: .acquiring) == seen {
        ck_pause()
        looks -= 1
      }
      pthread_mutex_lock(&mutex)
      while round.load(ordering: .acquiring) == seen, !closing.load(ordering: .acquiring) {
        pthread_cond_wait(&started, &mutex)
      }
      let loop = self.loop
      let isClosing = closing.load(ordering: .acquiring)
      seen = round.load(ordering: .acquiring)
      pthread_mutex_unlock(&mutex)
      if isClosing { return }
      if let loop { share(loop, as: worker) }
      if running.wrappingSubtract(1, ordering: .acquiringAndReleasing).newValue == 0 {
        pthread_mutex_lock(&mutex)
        pthread_cond_signal(&finished)
        pthread_mutex_unlock(&mutex)
      }
    }
  }

  /// Ends the threads and returns when they have ended.
  func close() {
    pthread_mutex_lock(&mutex)
    closing.store(true, ordering: .releasing)
    pthread_cond_broadcast(&started)
    pthread_mutex_unlock(&mutex)
    for thread in threads { pthread_join(thread, nil) }
  }

  private func spawn(_ worker: Int) -> pthread_t {
    let seat = Unmanaged.passRetained(Seat(crew: self, worker: worker))
    var thread = pthread_t()
    let status = pthread_create(
      &thread, nil,
      { argument in
        guard let argument else { return nil }
        let seat = Unmanaged<Seat>.fromOpaque(argument).takeRetainedValue()
        seat.crew.work(as: seat.worker)
        return nil
      }, seat.toOpaque())
    precondition(status == 0, "cannot start a thread: error \(status)")
    return thread
  }
}

/// What a new thread is told: whose it is and its number.
private final class Seat {
  let crew: Crew
  let worker: Int

  init(crew: Crew, worker: Int) {
    self.crew = crew
    self.worker = worker
  }
}
