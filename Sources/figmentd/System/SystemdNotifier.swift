import Glibc

/// Notifies systemd of the daemon's state (sd_notify(3)).
///
/// Messages are datagrams to the socket that `NOTIFY_SOCKET` names. Without it, nothing is sent. No method
/// fails, because an unresponsive service manager must not stop the work.
struct SystemdNotifier: Sendable {
  private let socketPath: String?
  /// The watchdog's interval; nil without a watchdog.
  let watchdogInterval: Duration?

  /// Reads the settings that systemd passed to this process.
  init(environment: [String: String], process: pid_t) {
    socketPath = environment["NOTIFY_SOCKET"].flatMap { path in
      path.hasPrefix("/") || path.hasPrefix("@") ? path : nil
    }
    let isForUs = environment["WATCHDOG_PID"].map { $0 == String(process) } ?? true
    watchdogInterval =
      isForUs
      ? environment["WATCHDOG_USEC"].flatMap { Int64($0) }.map { .microseconds($0) } : nil
  }

  /// Reads the environment of this process, and removes the variables so that children do not inherit them.
  static func ofThisProcess() -> SystemdNotifier {
    var environment: [String: String] = [:]
    for name in ["NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC"] {
      environment[name] = getenv(name).map { String(cString: $0) }
      unsetenv(name)
    }
    return SystemdNotifier(environment: environment, process: getpid())
  }

  /// Reports that the socket listens and the state is loaded.
  func ready() { send("READY=1") }

  /// Reports that the configuration is being reloaded; `ready` ends this.
  func reloading() {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    let microseconds = Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000
    send("RELOADING=1\nMONOTONIC_USEC=\(microseconds)")
  }

  /// Reports that the daemon is stopping.
  func stopping() { send("STOPPING=1") }

  /// Sets the line that `systemctl status` prints.
  func status(_ text: String) {
    send("STATUS=\(text.replacing("\n", with: " "))")
  }

  /// Reports progress to the watchdog.
  func watchdog() { send("WATCHDOG=1") }

  /// Requests more time to stop while a checkpoint is written.
  func extendTimeout(by duration: Duration) {
    let seconds = duration.components.seconds
    send("EXTEND_TIMEOUT_USEC=\(seconds * 1_000_000)")
  }

  private func send(_ message: String) {
    guard let socketPath else { return }
    let descriptor = socket(
      AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { return }
    defer { close(descriptor) }
    let bytes = Array(message.utf8)
    withAddress(of: socketPath, isAbstract: socketPath.hasPrefix("@")) { address, length in
      _ = sendto(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL), address, length)
    }
  }
}
