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

  /// How much less than others work wants the processor that may take hours (nice(2)).
  private static let niceness: Int32 = 10

  /// Lets others have the processor first: the calling thread, and all threads and processes that it starts.
  ///
  /// Thread by thread and not by the unit: what answers requests must not wait behind training. Cannot be
  /// taken back without privileges.
  static func yieldToOthers() {
    let thread = __priority_which_t(PRIO_PROCESS.rawValue)
    // A number already higher was somebody's wish. -1 may be an error or an answer; both are below it.
    guard getpriority(thread, 0) < niceness else { return }
    setpriority(thread, 0, niceness)
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
