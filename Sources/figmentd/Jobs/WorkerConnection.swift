import Control
import FoundationEssentials
import Glibc
import Privacy
import Runs

/// A working process and the channel to it: one call goes there, reports and an answer come back.
///
/// A job in a process of its own cannot take the daemon with it: not by a trap, not by memory, not by
/// what a library does. When the daemon dies, the worker's input ends, and the worker with it.
final class WorkerConnection {
  /// The hidden verb of `figmentd`.
  static let verb = "engine-worker"
  /// The line that asks a worker to write a checkpoint and stop.
  static let stopLine = "stop\n"
  /// The longest line of an answer.
  private static let longestLine = 64 << 20
  /// How long a wait lasts before the wish to stop is looked at again.
  private static let patience: Int32 = 100
  /// How long a worker that has answered may take to end.
  private static let secondsToEnd = 10

  private let process: ChildProcess
  private let socket: Int32
  private var received: [UInt8] = []

  /// Starts a worker and gives it a call.
  ///
  /// - Parameter executable: the program; the default is the one that runs.
  init(
    _ call: EngineCall, executable: String = "/proc/self/exe",
    arguments: [String] = ["figmentd", WorkerConnection.verb]
  ) throws {
    let (ours, theirs) = try ChildProcess.channel()
    socket = ours
    do {
      defer { close(theirs) }
      process = try ChildProcess(
        executable, arguments, environment: Self.environment, input: theirs, output: theirs,
        error: 2, hasOwnGroup: true)
    } catch {
      close(ours)
      throw error
    }
    var line = try JSONEncoder().encode(call)
    line.append(0x0A)
    // A worker that is gone already is noticed when it is listened to.
    try? DurableFile.writeAll(line, to: socket, of: "a worker")
  }

  deinit { close(socket) }

  /// Lets the worker go without ending it: it ends by itself when its channel does.
  func abandon() { process.abandon() }

  /// The worker's process number.
  var processIdentifier: pid_t { process.identifier }

  /// Listens until the worker has answered.
  ///
  /// - Parameters:
  ///   - stop: the wish that it stops; handed on once.
  ///   - limit: how long it may take; nil for as long as it needs.
  /// - Throws: `WorkerCrash` when it ended without an answer; `ControlError` when the answer is one,
  ///   or when it took too long.
  func answer(
    stop: StopSignal? = nil, within limit: Duration? = nil, report: (JobReport) -> Void = { _ in }
  ) throws -> EngineMessage {
    let end = limit.map { ContinuousClock.now + $0 }
    var isTold = false
    while true {
      if let end, ContinuousClock.now > end {
        process.kill()
        throw ControlError.invalid(
          "this takes more than \(Int((limit ?? .zero) / .seconds(1))) s to work out (less expected). "
            + "Ask for fewer steps, or for a smaller model.")
      }
      if let stop, stop.isRaised, !isTold {
        isTold = true
        try? DurableFile.writeAll(Data(Self.stopLine.utf8), to: socket, of: "a worker")
      }
      switch try nextMessage() {
      case nil: continue
      case .progress(let progress): report(.progress(progress))
      case .note(let text): report(.note(Releasable(text, .chosenBeforehand)))
      case .refused(let problem):
        waitForEnd()
        throw problem.error
      case .some(let last):
        waitForEnd()
        return last
      }
    }
  }

  /// The next line; nil when none came for a moment.
  private func nextMessage() throws -> EngineMessage? {
    while true {
      if let end = received.firstIndex(of: 0x0A) {
        let line = Data(received[..<end])
        received.removeSubrange(...end)
        guard let message = try? JSONDecoder().decode(EngineMessage.self, from: line) else {
          process.kill()
          throw WorkerCrash(ending: nil)
        }
        return message
      }
      guard received.count <= Self.longestLine else {
        process.kill()
        throw WorkerCrash(ending: nil)
      }
      var waiting = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
      guard poll(&waiting, 1, Self.patience) > 0 else { return nil }
      var chunk = [UInt8](repeating: 0, count: 1 << 16)
      let count = read(socket, &chunk, chunk.count)
      if count < 0, errno == EINTR { return nil }
      guard count > 0 else { throw WorkerCrash(ending: process.wait()) }
      received += chunk[..<count]
    }
  }

  /// Waits a while for a worker that has answered, then ends it.
  private func waitForEnd() {
    var waiting = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
    // Its output ends with it.
    _ = poll(&waiting, 1, Int32(Self.secondsToEnd * 1000))
    process.kill()
  }

  /// The daemon's own environment, without the backtraces that would show a training's memory.
  private static var environment: [String] {
    var list: [String] = ["SWIFT_BACKTRACE=enable=no"]
    for name in ["FIGMENT_ISA", "PATH", "HOME", "TMPDIR", "LANG"] {
      if let value = getenv(name) { list.append("\(name)=\(String(cString: value))") }
    }
    return list
  }
}
