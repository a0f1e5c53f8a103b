import Glibc
import Synchronization

/// Turns the signals with which batch schedulers announce an end into a wish to stop.
enum StopSignals {
  /// Raises `stop` on SIGTERM, SIGINT or SIGUSR1; a second one ends the process at once.
  static func raise(_ stop: StopSignal) {
    signal(SIGPIPE, SIG_IGN)
    var set = sigset_t()
    sigemptyset(&set)
    for number in [SIGTERM, SIGINT, SIGUSR1] { sigaddset(&set, number) }
    // Blocked here, before any other thread starts, and waited for by a thread of its own: a
    // handler may do next to nothing.
    pthread_sigmask(SIG_BLOCK, &set, nil)
    let waiter = Unmanaged.passRetained(Waiter(stop: stop, set: set))
    var thread = pthread_t()
    pthread_create(
      &thread, nil,
      { argument in
        guard let argument else { return nil }
        Unmanaged<Waiter>.fromOpaque(argument).takeRetainedValue().wait()
        return nil
      }, waiter.toOpaque())
    pthread_detach(thread)
  }

  private final class Waiter {
    let stop: StopSignal
    var set: sigset_t

    init(stop: StopSignal, set: sigset_t) {
      self.stop = stop
      self.set = set
    }

    func wait() {
      var number: Int32 = 0
      sigwait(&set, &number)
      stop.raise()
      sigwait(&set, &number)
      _exit(128 + number)
    }
  }
}
