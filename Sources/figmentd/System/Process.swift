import Glibc
import Logging
import UnixSignals

/// What holds for the daemon's process as a whole.
enum Process {
  /// Settles what must hold before anything else runs.
  static func prepare() {
    // A caller that hangs up must not end the daemon.
    signal(SIGPIPE, SIG_IGN)
    // A write beyond a limit answers with an error, like a full disk.
    signal(SIGXFSZ, SIG_IGN)
    // A core would hold decoded images.
    var none = rlimit(rlim_cur: 0, rlim_max: 0)
    setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &none)
    // What is released is given its permissions explicitly.
    umask(0o077)
  }

  /// Ends the process at once when it is told to stop a second time.
  ///
  /// Nothing is lost but the steps since the last checkpoint: they are charged already.
  static func exitOnSecondSignal(_ logger: Logger) {
    Task.detached {
      var count = 0
      for await _ in await UnixSignalsSequence(trapping: .sigterm, .sigint) {
        count += 1
        if count == 2 {
          logger.warning("told to stop again: the running job goes on from its last checkpoint")
          exit(1)
        }
      }
    }
  }
}
