import Control
import FoundationEssentials
import Glibc
import Testing

@testable import figment

/// A server that replies as abruptly as the kernel allows: one reply, then it closes the connection.
private final class BluntServer: Sendable {
  /// The moment of its reply.
  enum Manner: Sendable {
    /// As soon as the request's head has arrived.
    case afterTheHead
    /// Before it has read anything: the client's write fails.
    case beforeReading
  }

  let path: String
  private let folder: String
  private let descriptor: Int32

  init() throws {
    var template = Array("/tmp/figment-blunt-XXXXXX".utf8CString)
    let made = try #require(mkdtemp(&template))
    folder = String(cString: made)
    path = folder + "/socket"
    descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
    let bound = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    try #require(bound == 0 && listen(descriptor, 64) == 0)
  }

  deinit {
    close(descriptor)
    unlink(path)
    rmdir(folder)
  }

  /// Serves one caller, on the calling thread.
  func answer(_ reply: String, _ manner: Manner) {
    let connection = accept(descriptor, nil, nil)
    guard connection >= 0 else { return }
    if manner == .afterTheHead {
      var text: [UInt8] = []
      var buffer = [UInt8](repeating: 0, count: 4096)
      while !String(decoding: text, as: UTF8.self).contains("\r\n\r\n") {
        let count = recv(connection, &buffer, buffer.count, 0)
        if count <= 0 { break }
        text += buffer[..<count]
      }
    }
    let bytes = Array(reply.utf8)
    _ = send(connection, bytes, bytes.count, Int32(MSG_NOSIGNAL))
    close(connection)
  }

  /// Serves a number of callers on a separate thread.
  func answerOnThread(_ reply: String, _ manner: Manner, times: Int) -> Thread {
    Thread { [self] in for _ in 0..<times { answer(reply, manner) } }
  }
}

/// A thread that can be joined.
private final class Thread: Sendable {
  private let handle: pthread_t

  init(_ body: @escaping @Sendable () -> Void) {
    var thread = pthread_t()
    let box = Unmanaged.passRetained(Body(body))
    pthread_create(
      &thread, nil,
      { pointer in
        pointer.map { Unmanaged<Body>.fromOpaque($0).takeRetainedValue().run() }
        return nil
      }, box.toOpaque())
    handle = thread
  }

  func join() { pthread_join(handle, nil) }

  private final class Body: Sendable {
    let run: @Sendable () -> Void
    init(_ run: @escaping @Sendable () -> Void) { self.run = run }
  }
}

@Suite struct ControlConnectionTests {
  private static func reply(_ status: String, _ body: String) -> String {
    "HTTP/1.1 \(status)\r\nContent-Type: application/json\r\nContent-Length: \(body.utf8.count)\r\n"
      + "Connection: close\r\n\r\n\(body)"
  }

  @Test func aReplyThatArrivedCountsHoweverSoonTheServerCloses() async throws {
    let server = try BluntServer()
    let times = 500
    let thread = server.answerOnThread(
      Self.reply("200 OK", #"[{"name":"r"}]"#), .afterTheHead, times: times)
    var hangUps = 0
    for _ in 0..<times {
      do {
        var pieces = 0
        try await ControlConnection.open(server.path).exchange(.recipes, nil) { _ in
          pieces += 1
          return true
        }
        #expect(pieces > 0)
      } catch { hangUps += 1 }
    }
    thread.join()
    #expect(hangUps == 0, "of \(times)")
  }

  /// The client writes to a connection that the server has answered and closed: its write must fail.
  @Test(arguments: [nil, Data(repeating: UInt8(ascii: " "), count: 300_000)] as [Data?])
  func aWriteThatFailsDoesNotHideTheReply(_ body: Data?) async throws {
    let server = try BluntServer()
    for _ in 0..<50 {
      let connection = try await ControlConnection.open(server.path)
      let text = Self.reply("503 Service Unavailable", Self.busy)
      server.answerOnThread(text, .beforeReading, times: 1).join()
      let error = await #expect(throws: ControlError.self) {
        try await connection.exchange(body == nil ? .recipes : .plan, body) { _ in true }
      }
      #expect(error == .busy("daemon: 64 callers are connected. Try again soon."))
    }
  }

  private static let busy = """
    {"detail":"daemon: 64 callers are connected. Try again soon.","exit_code":1,"status":503,\
    "title":"Too many callers","type":"urn:figment:problem:busy"}
    """

  @Test(arguments: [
    "", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{", "HTTP/1.1 200 OK\r\nContent-",
    "SSH-2.0-OpenSSH_9.2\r\n",
  ]) func aReplyThatIsNotWholeIsNone(_ reply: String) async throws {
    let server = try BluntServer()
    let thread = server.answerOnThread(reply, .afterTheHead, times: 1)
    let error = await #expect(throws: ControlError.self) {
      try await ControlConnection.open(server.path).exchange(.status, nil) { _ in true }
    }
    thread.join()
    #expect(error?.exitCode == .unreachable, "\(String(describing: error))")
    let message = error?.message ?? ""
    #expect(message.contains("closed the connection before its reply was complete"), "\(message)")
    for raw in ["NIO", "Error(", "HTTPParserError", "errno"] { #expect(!message.contains(raw)) }
  }

  @Test func aSocketThatIsNotThereIsExplained() async {
    for (path, words) in [
      ("/nowhere/at/all.sock", "no daemon listens on it"),
      ("/" + String(repeating: "x", count: 200), "201 bytes (1 to 107 expected)"),
    ] {
      let error = await #expect(throws: ControlError.self) {
        _ = try await ControlConnection.open(path)
      }
      #expect(error?.exitCode == .unreachable)
      #expect(error?.message.contains(words) ?? false, "\(error?.message ?? "")")
    }
  }
}
