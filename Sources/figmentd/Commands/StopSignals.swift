import Glibc
import Runs

/// Turns the signals with which batch schedulers announce an end into a wish to stop.
enum StopSignals {
  /// Raises `stop` on SIGTERM, SIGINT or SIGUSR1; a second one ends the process at once.
  ///
  /// - Throws: `SystemCallError` when no thread can be started to wait for them.
  static func raise(_ stop: StopSignal) throws {
    signal(SIGPIPE, SIG_IGN)
    var set = sigset_t()
    sigemptyset(&set)
    for number in [SIGTERM, SIGINT, SIGUSR1] { sigaddset(&set, number) }
    // Blocked here, before any other thread starts, and waited for by a thread of its own: a
    // handler may do next to nothing.
    pthread_sigmask(SIG_BLOCK, &set, nil)
    let signals = set
    try DetachedThread.start(named: "figment-signals") {
      var signals = signals
      var number: Int32 = 0
      sigwait(&signals, &number)
      stop.raise()
      sigwait(&signals, &number)
      _exit(128 + number)
    }
  }
}
