import CKernels

/// Threads of our own that share a loop.
///
/// Training never runs on Swift's cooperative pool: kernels of microseconds cannot afford task
/// switches. Each thread begins with a fixed part of the loop, which keeps its examples in its
/// caches from layer to layer, and helps the others when it is done. Results cannot depend on which
/// thread runs an iteration, as long as an iteration computes only its own outputs.
public final class ThreadPool: Sendable {
  private let crew: Crew

  /// Creates a pool of `threadCount` threads, at least one; the caller counts as the first.
  public init(threadCount: Int = ThreadPool.availableProcessors) {
    crew = Crew(threadCount: max(1, threadCount))
    crew.start()
  }

  /// A pool whose threads call `beforeEntering` when they have seen a loop and are about to enter it.
  init(threadCount: Int, beforeEntering: @escaping @Sendable (_ worker: Int) -> Void) {
    crew = Crew(threadCount: max(1, threadCount), beforeEntering: beforeEntering)
    crew.start()
  }

  deinit { crew.close() }

  /// The number of working threads, including the caller.
  public var threadCount: Int { crew.threadCount }

  /// The processors that this process may run on.
  public static var availableProcessors: Int { max(1, Int(ck_available_processors())) }

  /// The number of work units that keeps all threads busy even if one is slowed down.
  var wantedUnits: Int { threadCount > 1 ? 2 * threadCount : 1 }

  /// Runs `body` for each index below `count` and returns when all are done, even if some threads
  /// have not taken part.
  ///
  /// `worker` is below `threadCount` and identifies the thread, for scratch memory; which thread
  /// takes an index may differ from run to run. Iterations must write to different places;
  /// reductions across iterations are the caller's task. Callers wait for each other; a body must
  /// not call `forEach`.
  public func forEach(_ count: Int, _ body: (_ index: Int, _ worker: Int) -> Void) {
    crew.forEach(count, body)
  }
}
