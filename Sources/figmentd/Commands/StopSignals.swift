import Glibc
import Runs

/// Turns the signals by which batch schedulers end a job into a stop request.
enum StopSignals {
  /// Raises `stop` on SIGTERM, SIGINT or SIGUSR1; a second one ends the process at once.
  ///
  /// - Throws: `SystemCallError` if the thread that waits for them cannot be started.
  static func raise(_ stop: StopSignal) throws {
    signal(SIGPIPE, SIG_IGN)
    var set = sigset_t()
    sigemptyset(&set)
    for number in [SIGTERM, SIGINT, SIGUSR1] { sigaddset(&set, number) }
    // Block the signals before any other thread starts, and wait for them on a separate thread,
    // because a signal handler may do hardly anything.
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
