import Glibc
import Logging
import UnixSignals

/// Settings of the daemon's process as a whole.
enum Process {
  /// Applies the settings that must precede everything else.
  static func prepare() {
    // A caller that closes its connection must not kill the daemon.
    signal(SIGPIPE, SIG_IGN)
    // A write beyond a file size limit must return an error, like a full disk.
    signal(SIGXFSZ, SIG_IGN)
    // A core dump would contain decoded images.
    var none = rlimit(rlim_cur: 0, rlim_max: 0)
    setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &none)
    // Releases get their permissions explicitly.
    umask(0o077)
  }

  /// The nice value of work that may take hours (nice(2)).
  private static let niceness: Int32 = 10

  /// Lowers the priority of the calling thread, and of all threads and processes that it starts.
  ///
  /// The priority is set per thread, not for the whole unit, because threads that answer requests must not
  /// wait for training. It cannot be raised again without privileges.
  static func yieldToOthers() {
    let thread = __priority_which_t(PRIO_PROCESS.rawValue)
    // Keep a higher nice value that a user has set. -1 may be an error or a value; both are lower.
    guard getpriority(thread, 0) < niceness else { return }
    setpriority(thread, 0, niceness)
  }

  /// Exits at once on a second stop signal.
  ///
  /// Only the steps since the last checkpoint are lost; they are already charged.
  static func exitOnSecondSignal(_ logger: Logger) {
    Task.detached {
      var count = 0
      for await _ in await UnixSignalsSequence(trapping: .sigterm, .sigint) {
        count += 1
        if count == 2 {
          logger.warning(
            "second stop signal: exiting at once; the running job will continue from its last checkpoint"
          )
          exit(1)
        }
      }
    }
  }
}
