import Control
import FoundationEssentials
import Glibc
import Logging
import Testing

@testable import Runs
@testable import figment
@testable import figmentd

/// A daemon in a scratch folder, with a fake engine.
struct TestHouse: Sendable {
  let scratch = ScratchFolder()
  let engine: FakeEngine
  let reader: FakeFolderReader
  let state: StateDirectory
  let daemon: Daemon

  init(
    _ behaviour: FakeEngine.Behaviour = .init(), files: [IndexedFile] = [],
    from earlier: ScratchFolder? = nil, configuration: Configuration = Self.configuration
  ) async throws {
    engine = FakeEngine(behaviour)
    reader = FakeFolderReader(.init(files: files))
    state = try StateDirectory((earlier ?? scratch).path + "/state")
    daemon = try Daemon(
      configuration: configuration, state: state, engine: engine, reader: reader,
      logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    try await daemon.start()
  }

  static let configuration = Configuration(
    datasets: [
      DatasetConfiguration(
        name: "glyphs", root: "/srv/glyphs", settle: .milliseconds(1),
        policy: PrivacyPolicy(epsilonMaximum: 10, delta: 1e-5, allowsNonPrivate: true)),
      DatasetConfiguration(
        name: "strict", root: "/srv/strict", settle: .milliseconds(1),
        policy: PrivacyPolicy(epsilonMaximum: 1, delta: 1e-6)),
    ], output: "/out", recipes: "/recipes")

  static let training = JobRequest.train(
    TrainRequest(dataset: "glyphs", recipe: "dp-gan-28", epsilon: 2))

  /// Waits until a job is in a state.
  func wait(for id: JobID, _ name: String) async throws -> Job {
    try await Self.wait(for: id, name, daemon)
  }

  static func wait(for id: JobID, _ name: String, _ api: any ControlAPI) async throws -> Job {
    let end = ContinuousClock.now + .seconds(300)
    while ContinuousClock.now < end {
      let job = try await api.job(id)
      if job.state.name == name { return job }
      try await Task.sleep(for: .milliseconds(5))
    }
    let job = try await api.job(id)
    throw ControlError.timedOut("job \(id): is \(job.state.name), never \(name)")
  }
}

extension ControlLimits {
  /// No slow caller is disconnected: tests share Swift's threads, and machines are busy.
  static let patient = ControlLimits(
    requestSeconds: 3600, writeSeconds: 3600, replySeconds: 3600)
}

/// The control server of a daemon, on a socket in its scratch folder.
struct TestServer: Sendable {
  let server: ControlServer
  let socket: String

  init(
    _ house: TestHouse, limits: ControlLimits = .patient,
    access: AccessPolicy = AccessPolicy(owner: geteuid(), controlGroup: nil, readGroup: nil)
  ) async throws {
    socket = house.scratch.path + "/control.sock"
    let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    server = try await ControlServer.start(
      on: ControlSocket.make(at: socket, mode: 0o600, group: nil),
      routes: Routes(api: house.daemon, access: access, logger: logger), limits: limits,
      logger: logger)
  }

  var client: ControlClient { ControlClient(socketPath: socket) }

  /// Sends requests until one is answered; throws the last refusal after a minute.
  ///
  /// A server with a short deadline may disconnect this client too when the machine is busy.
  func answersAgain() async throws {
    let end = ContinuousClock.now + .seconds(300)
    while true {
      do {
        _ = try await client.status()
        return
      } catch {
        guard ContinuousClock.now < end else { throw error }
        try await Task.sleep(for: .milliseconds(10))
      }
    }
  }
}

/// A plain socket, for input that our clients would never send.
final class RawSocket: Sendable {
  private let descriptor: Int32

  init(_ path: String) throws {
    let descriptor = try systemCall("socket", path) {
      socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    }
    var patience = timeval(tv_sec: 60, tv_usec: 0)
    setsockopt(
      descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
    self.descriptor = descriptor
    try withAddress(of: path) { address, length in
      _ = try systemCall("connect", path) { connect(descriptor, address, length) }
    }
  }

  deinit { close(descriptor) }

  /// Ends the connection.
  func hangUp() { shutdown(descriptor, Int32(SHUT_RDWR)) }

  /// Sends bytes; false if the other side has closed the connection.
  @discardableResult
  func send(_ bytes: some Sequence<UInt8>) -> Bool {
    let bytes = Array(bytes)
    var sent = 0
    while sent < bytes.count {
      let count = Glibc.send(
        descriptor, Array(bytes[sent...]), bytes.count - sent, Int32(MSG_NOSIGNAL))
      if count <= 0 { return false }
      sent += count
    }
    return true
  }

  @discardableResult
  func send(_ text: String) -> Bool { send(Array(text.utf8)) }

  /// Everything that arrives until the other side closes the connection.
  ///
  /// Waits on a separate thread, because the server uses the threads of tasks.
  func readAll() async -> String {
    (try? await SerialThread(named: "test").run { self.readBlocking() }) ?? ""
  }

  /// The first bytes that arrive, at most `count`.
  func read(atMost count: Int) async -> String {
    let bytes = try? await SerialThread(named: "test").run {
      var buffer = [UInt8](repeating: 0, count: count)
      let received = recv(self.descriptor, &buffer, count, 0)
      return Array(buffer.prefix(max(0, received)))
    }
    return String(decoding: bytes ?? [], as: UTF8.self)
  }

  private func readBlocking() -> String {
    var text: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65536)
    while true {
      let count = recv(descriptor, &buffer, buffer.count, 0)
      if count <= 0 { return String(decoding: text, as: UTF8.self) }
      text += buffer[..<count]
    }
  }
}
