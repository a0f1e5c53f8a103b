import Glibc

/// Threads of our own that share a loop by a static split.
///
/// Training never runs on Swift's cooperative pool: kernels of microseconds cannot pay task hops,
/// and a fixed split makes results equal for any thread count as long as an iteration computes an
/// output alone.
public final class ThreadPool: @unchecked Sendable {
  /// The number of threads that work, the caller included.
  public let threadCount: Int

  private var mutex = pthread_mutex_t()
  private var started = pthread_cond_t()
  private var finished = pthread_cond_t()
  private var threads: [pthread_t] = []
  private var body: ((Int) -> Void)?
  private var round = 0
  private var running = 0
  private var closing = false

  /// Creates a pool of `threadCount` threads, at least one; the caller counts as the first.
  public init(threadCount: Int = ThreadPool.availableProcessors) {
    self.threadCount = max(1, threadCount)
    pthread_mutex_init(&mutex, nil)
    pthread_cond_init(&started, nil)
    pthread_cond_init(&finished, nil)
    for worker in 1..<max(2, self.threadCount) where worker < self.threadCount {
      threads.append(spawn(worker))
    }
  }

  deinit {
    close()
    pthread_cond_destroy(&finished)
    pthread_cond_destroy(&started)
    pthread_mutex_destroy(&mutex)
  }

  /// The processors that are online.
  public static var availableProcessors: Int {
    max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
  }

  /// Runs `body` for each index below `count` and returns when all are done.
  ///
  /// `worker` is below `threadCount` and names the thread, for scratch memory. Iterations must
  /// write to different places; reductions across iterations belong to the caller.
  public func forEach(_ count: Int, _ body: (_ index: Int, _ worker: Int) -> Void) {
    guard threadCount > 1, count > 1 else {
      for index in 0..<max(0, count) { body(index, 0) }
      return
    }
    let parts = threadCount
    withoutActuallyEscaping(body) { body in
      run { worker in
        for index in (count * worker / parts)..<(count * (worker + 1) / parts) {
          body(index, worker)
        }
      }
    }
  }

  private func run(_ share: @escaping (Int) -> Void) {
    pthread_mutex_lock(&mutex)
    body = share
    running = threadCount - 1
    round += 1
    pthread_cond_broadcast(&started)
    pthread_mutex_unlock(&mutex)
    share(0)
    pthread_mutex_lock(&mutex)
    while running > 0 { pthread_cond_wait(&finished, &mutex) }
    body = nil
    pthread_mutex_unlock(&mutex)
  }

  fileprivate func work(as worker: Int) {
    var seen = 0
    while true {
      pthread_mutex_lock(&mutex)
      while round == seen, !closing { pthread_cond_wait(&started, &mutex) }
      if closing {
        pthread_mutex_unlock(&mutex)
        return
      }
      seen = round
      var share = body
      pthread_mutex_unlock(&mutex)
      share?(worker)
      // Let go before the caller is told: it checks that its closure has not escaped.
      share = nil
      pthread_mutex_lock(&mutex)
      running -= 1
      if running == 0 { pthread_cond_signal(&finished) }
      pthread_mutex_unlock(&mutex)
    }
  }

  private func close() {
    pthread_mutex_lock(&mutex)
    closing = true
    pthread_cond_broadcast(&started)
    pthread_mutex_unlock(&mutex)
    for thread in threads { pthread_join(thread, nil) }
  }

  private func spawn(_ worker: Int) -> pthread_t {
    // The pool joins its threads while it goes, and a thread may start as late as that: an unowned
    // reference would trap then, so it is an unchecked one.
    let seat = Unmanaged.passRetained(Seat(pool: self, worker: worker))
    var thread = pthread_t()
    let status = pthread_create(
      &thread, nil,
      { argument in
        guard let argument else { return nil }
        let seat = Unmanaged<Seat>.fromOpaque(argument).takeRetainedValue()
        seat.pool.work(as: seat.worker)
        return nil
      }, seat.toOpaque())
    precondition(status == 0, "cannot start a thread: error \(status)")
    return thread
  }
}

/// What a new thread is told: whose it is and its number.
private final class Seat {
  unowned(unsafe) let pool: ThreadPool
  let worker: Int

  init(pool: ThreadPool, worker: Int) {
    self.pool = pool
    self.worker = worker
  }
}
