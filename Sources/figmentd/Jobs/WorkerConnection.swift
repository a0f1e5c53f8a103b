import Control
import FoundationEssentials
import Glibc
import Privacy
import Runs

/// A worker process and the channel to it: the daemon sends one call and receives reports and an answer.
///
/// A job in a separate process cannot crash the daemon by a trap, by exhausting memory or by a fault of a
/// library. If the daemon ends, the worker's input ends and the worker exits.
final class WorkerConnection {
  /// The hidden command of `figmentd`.
  static let verb = "engine-worker"
  /// The line that requests a worker to write a checkpoint and stop.
  static let stopLine = "stop\n"
  /// The longest line of an answer.
  private static let longestLine = 64 << 20
  /// Milliseconds of a wait before the stop signal is checked again.
  private static let patience: Int32 = 100
  /// Seconds within which a worker must exit after its answer.
  private static let secondsToEnd = 10

  private let process: ChildProcess
  private let socket: Int32
  private var received: [UInt8] = []

  /// Starts a worker and sends it a call.
  ///
  /// - Parameter executable: the program; the default is the current one.
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
    // Reading the answer detects a worker that has already ended.
    try? DurableFile.writeAll(line, to: socket, of: "a worker")
  }

  deinit { close(socket) }

  /// Abandons the worker without killing it; it exits when its channel closes.
  func abandon() { process.abandon() }

  /// The worker's process ID.
  var processIdentifier: pid_t { process.identifier }

  /// What makes most computations shorter.
  static let usualRemedy = "Request fewer steps or a smaller model."

  /// Reads reports until the worker has answered.
  ///
  /// - Parameters:
  ///   - stop: the stop signal, which is passed on once.
  ///   - abandonment: raised when nobody waits for the answer any longer; the worker is killed then.
  ///   - limit: the time limit; nil for none.
  ///   - remedy: what to do if it has passed.
  /// - Throws: `WorkerCrash` if it ended without an answer; `ControlError` if the answer is an error, or if
  ///   the limit has passed; `CancellationError` if it was abandoned.
  func answer(
    stop: StopSignal? = nil, unless abandonment: StopSignal? = nil, within limit: Duration? = nil,
    remedy: String = WorkerConnection.usualRemedy,
    report: (JobReport) -> Void = { _ in }
  ) throws -> EngineMessage {
    let end = limit.map { ContinuousClock.now + $0 }
    var isTold = false
    while true {
      if let end, ContinuousClock.now > end {
        process.kill()
        throw ControlError.invalid(
          "request: the computation takes longer than \(Int((limit ?? .zero) / .seconds(1))) s (less expected). \(remedy)"
        )
      }
      if let abandonment, abandonment.isRaised {
        process.kill()
        throw CancellationError()
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

  /// The next message; nil if none arrived within a short time.
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

  /// Waits a limited time for a worker that has answered, then kills it.
  private func waitForEnd() {
    var waiting = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
    // Its output closes when it exits.
    _ = poll(&waiting, 1, Int32(Self.secondsToEnd * 1000))
    process.kill()
  }

  /// The daemon's environment, without backtraces, which would reveal memory of a training.
  private static var environment: [String] {
    var list: [String] = ["SWIFT_BACKTRACE=enable=no"]
    for name in ["FIGMENT_ISA", "PATH", "HOME", "TMPDIR", "LANG"] {
      if let value = getenv(name) { list.append("\(name)=\(String(cString: value))") }
    }
    return list
  }
}
