import Glibc
import Synchronization
import Testing

@testable import Compute

@Suite struct SystemThreadTests {
  @Test func aThreadHasRunOnceItWasJoined() throws {
    let runs = Atomic<Int>(0)
    let caller = UInt(pthread_self())
    let other = Atomic<UInt>(0)
    let thread = try SystemThread.start {
      runs.add(1, ordering: .relaxed)
      other.store(UInt(pthread_self()), ordering: .relaxed)
    }
    thread.join()
    #expect(runs.load(ordering: .relaxed) == 1)
    #expect(other.load(ordering: .relaxed) != caller)
  }

  /// The system may give more: it keeps the stacks of threads that ended.
  @Test func aDetachedThreadHasTheStackThatWasAskedFor() throws {
    // Swift's overlay of the C library does not declare it.
    typealias Attributes =
      @convention(c) (pthread_t, UnsafeMutablePointer<pthread_attr_t>) -> Int32
    let symbol = try #require(dlsym(nil, "pthread_getattr_np"))
    let attributesOf = unsafeBitCast(symbol, to: Attributes.self)
    let bytes = Atomic<Int>(-1)
    let asked = 48 << 20
    try SystemThread.detach(stackBytes: asked) {
      var attributes = pthread_attr_t()
      var size = 0
      _ = attributesOf(pthread_self(), &attributes)
      pthread_attr_getstacksize(&attributes, &size)
      pthread_attr_destroy(&attributes)
      bytes.store(size, ordering: .releasing)
    }
    while bytes.load(ordering: .acquiring) < 0 { usleep(1_000) }
    #expect(bytes.load(ordering: .relaxed) >= asked)
  }

  @Test func aThreadHasTheSignalMaskOfItsStarter() throws {
    let isBlocked = Atomic<Bool>(false)
    let starter = try SystemThread.start {
      var mask = sigset_t()
      sigemptyset(&mask)
      sigaddset(&mask, SIGUSR2)
      pthread_sigmask(SIG_BLOCK, &mask, nil)
      guard
        let thread = try? SystemThread.start({
          var own = sigset_t()
          pthread_sigmask(SIG_BLOCK, nil, &own)
          isBlocked.store(sigismember(&own, SIGUSR2) == 1, ordering: .relaxed)
        })
      else { return }
      thread.join()
    }
    starter.join()
    let wasBlocked = isBlocked.load(ordering: .relaxed)
    #expect(wasBlocked)
  }

  /// A stack that no machine has.
  @Test func aThreadThatTheSystemRefusesIsAnErrorAndRunsNothing() {
    let runs = Atomic<Int>(0)
    #expect(throws: SystemThread.Refusal.self) {
      try SystemThread.detach(stackBytes: 1 << 60) { runs.add(1, ordering: .relaxed) }
    }
    #expect(runs.load(ordering: .relaxed) == 0)
  }
}
