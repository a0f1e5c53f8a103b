import Glibc
import Runs

/// A program that this process started and waits for.
final class ChildProcess {
  /// How a child ended.
  enum Ending: Hashable {
    /// It exited with this code.
    case exited(Int32)
    /// This signal killed it.
    case killed(Int32)
  }

  /// The child's process ID.
  let identifier: pid_t
  private(set) var ending: Ending?
  private let hasOwnGroup: Bool

  /// Starts `executable`.
  ///
  /// The child starts with no signal blocked or ignored. It inherits the three descriptors as its standard
  /// input, output and error, and no other, because ours close on execution.
  ///
  /// - Parameters:
  ///   - environment: the whole environment, as `NAME=value`.
  ///   - error: nil discards the child's error output.
  ///   - hasOwnGroup: whether it has its own process group, which the terminal's signals do not reach.
  /// - Throws: `SystemCallError`.
  init(
    _ executable: String, _ arguments: [String], environment: [String], input: Int32,
    output: Int32, error: Int32?, hasOwnGroup: Bool = false
  ) throws {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, input, 0)
    posix_spawn_file_actions_adddup2(&actions, output, 1)
    if let error {
      posix_spawn_file_actions_adddup2(&actions, error, 2)
    } else {
      posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)
    }
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var none = sigset_t()
    var all = sigset_t()
    sigemptyset(&none)
    sigfillset(&all)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setsigdefault(&attributes, &all)
    posix_spawnattr_setpgroup(&attributes, 0)
    let flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF
    posix_spawnattr_setflags(
      &attributes, Int16(hasOwnGroup ? flags | POSIX_SPAWN_SETPGROUP : flags))
    let argumentList = arguments.map { strdup($0) } + [nil]
    let environmentList = environment.map { strdup($0) } + [nil]
    defer { for text in argumentList + environmentList { free(text) } }
    var identifier = pid_t()
    let code = posix_spawn(
      &identifier, executable, &actions, &attributes, argumentList, environmentList)
    guard code == 0 else { throw SystemCallError("posix_spawn", executable, code: code) }
    self.identifier = identifier
    self.hasOwnGroup = hasOwnGroup
  }

  /// Creates the two ends of a channel to a child; both close on execution.
  ///
  /// - Throws: `SystemCallError`.
  static func channel() throws -> (Int32, Int32) {
    var ends: [Int32] = [-1, -1]
    let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
    try systemCall("socketpair", "the channel to a process") {
      socketpair(AF_UNIX, kind, 0, &ends)
    }
    return (ends[0], ends[1])
  }

  deinit { if !isAbandoned { kill() } }

  private var isAbandoned = false

  /// Abandons the process: it is neither killed nor waited for.
  func abandon() { isAbandoned = true }

  /// Kills the process, with those in its own group, and waits for it; a process that has already ended
  /// keeps its own exit status.
  func kill() {
    guard ending == nil else { return }
    _ = Glibc.kill(hasOwnGroup ? -identifier : identifier, SIGKILL)
    _ = wait()
  }

  /// Waits for the process to end.
  func wait() -> Ending {
    if let ending { return ending }
    var status: Int32 = 0
    while waitpid(identifier, &status, 0) < 0, errno == EINTR {}
    let signal = status & 0x7f
    let ended = signal == 0 ? Ending.exited((status >> 8) & 0xff) : .killed(signal)
    ending = ended
    return ended
  }
}
