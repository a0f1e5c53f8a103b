import Control
import FoundationEssentials
import Glibc
import Logging
import ServiceLifecycle
import TestSupport
import Testing

@testable import Runs
@testable import figment
@testable import figmentd

/// Faults that only the wire can cause.
@Suite struct ControlServerTests {
  private func withServer(
    _ behaviour: FakeEngine.Behaviour = .init(), limits: ControlLimits = .patient,
    access: AccessPolicy = AccessPolicy(owner: geteuid(), controlGroup: nil, readGroup: nil),
    _ body: (TestServer, TestHouse) async throws -> Void
  ) async throws {
    let house = try await TestHouse(behaviour)
    let server = try await TestServer(house, limits: limits, access: access)
    do { try await body(server, house) } catch {
      await server.server.stop()
      throw error
    }
    await server.server.stop()
    await house.daemon.stop()
  }

  private func ask(_ server: TestServer, _ request: String) async throws -> String {
    let socket = try RawSocket(server.socket)
    socket.send(request)
    return await socket.readAll()
  }

  @Test func aServerEndsOnAGracefulStop() async throws {
    let house = try await TestHouse()
    let server = try await TestServer(house)
    let group = ServiceGroup(
      services: [server.server], logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    let running = Task { try await group.run() }
    #expect(try await ask(server, "GET /v1/status HTTP/1.1\r\nHost: h\r\n\r\n").contains("200 OK"))
    await group.triggerGracefulShutdown()
    try await running.value
    #expect(access(server.socket, F_OK) != 0)
    await house.daemon.stop()
  }

  @Test func aRequestByHand() async throws {
    try await withServer { server, _ in
      let reply = try await ask(server, "GET /v1/status HTTP/1.1\r\nHost: whatever\r\n\r\n")
      #expect(reply.hasPrefix("HTTP/1.1 200 OK\r\n"))
      #expect(reply.contains("Content-Type: application/json\r\n"))
      #expect(reply.hasSuffix("}\n"))
      #expect(reply.contains(#""instruction_set":"fake""#))
    }
  }

  @Test func problemsAreProblemDetails() async throws {
    try await withServer { server, _ in
      let reply = try await ask(server, "GET /v1/nothing HTTP/1.1\r\nHost: x\r\n\r\n")
      #expect(reply.hasPrefix("HTTP/1.1 404 Not Found\r\n"))
      #expect(reply.contains("Content-Type: application/problem+json\r\n"))
      #expect(reply.contains(#""type":"urn:figment:problem:not-found""#))
      #expect(reply.contains(#""exit_code":5"#))
    }
  }

  @Test func eventStreamsEndWithATerminalLine() async throws {
    try await withServer { server, house in
      let job = try await server.client.submit(TestHouse.training, token: nil)
      _ = try await house.wait(for: job.id, "completed")
      let reply = try await ask(server, "GET /v1/jobs/\(job.id)/events HTTP/1.1\r\nHost: x\r\n\r\n")
      #expect(reply.contains("application/x-ndjson"))
      #expect(reply.contains("{\"type\":\"end\"}\n\r\n0\r\n\r\n"))
    }
  }

  @Test(arguments: [
    "\r\n\r\n", "\0\0\0\0\0\r\n\r\n", "GET\r\n\r\n", "GET /v1/status HTTP/9.9\r\n\r\n",
    "GET /v1/status HTTP/1.1\r\nContent-Length: x\r\n\r\n",
    "POST /v1/plan HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    "POST /v1/plan HTTP/1.1\r\nContent-Length: -5\r\n\r\n",
    "POST /v1/plan HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "\u{16}\u{03}\u{01}\u{02}\0\u{01}\0\u{01}\u{fc}",
  ]) func whatIsNoHTTPIsAnsweredOrCutOff(_ request: String) async throws {
    try await withServer(limits: ControlLimits(requestSeconds: 1)) { server, _ in
      let reply = try await ask(server, request)
      #expect(!reply.contains("HTTP/1.1 200"))
      try await server.answersAgain()
    }
  }

  @Test func randomBytesNeverStopTheDaemon() async throws {
    try await withServer(limits: ControlLimits(connectionsPerUser: 64, requestSeconds: 1)) {
      server, house in
      var generator = SystemRandomNumberGenerator()
      let starts = ["", "POST /v1/jobs HTTP/1.1\r\nContent-Length: 40\r\n\r\n", "GET /v1/jobs/"]
      for round in 0..<60 {
        let socket = try RawSocket(server.socket)
        socket.send(starts[round % starts.count])
        socket.send((0..<200).map { _ in UInt8.random(in: 0...255, using: &generator) })
      }
      try await server.answersAgain()
      #expect(try await house.daemon.jobs(JobFilter()).isEmpty)
      #expect(house.engine.calls.isEmpty)
    }
  }

  @Test func headersHaveALimit() async throws {
    try await withServer { server, _ in
      let name = String(repeating: "x", count: 20_000)
      let whole = try await ask(server, "GET /v1/status HTTP/1.1\r\nX: \(name)\r\n\r\n")
      #expect(whole.hasPrefix("HTTP/1.1 413 "))
      let endless = try RawSocket(server.socket)
      endless.send("GET /v1/status HTTP/1.1\r\n")
      for _ in 0..<40 where !endless.send("X: \(name.prefix(1000))\r\n") { break }
      #expect(await endless.readAll().hasPrefix("HTTP/1.1 413 "))
    }
  }

  @Test func bodiesHaveALimit() async throws {
    let limits = ControlLimits(bodyBytes: 1000, requestSeconds: 3600)
    try await withServer(limits: limits) { server, _ in
      let announced = try await ask(
        server, "POST /v1/plan HTTP/1.1\r\nContent-Length: 1000000000\r\n\r\n")
      #expect(announced.hasPrefix("HTTP/1.1 413 "))
      let chunk = "64\r\n" + String(repeating: " ", count: 100) + "\r\n"
      let chunked = try await ask(
        server,
        "POST /v1/plan HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
          + String(repeating: chunk, count: 20))
      #expect(chunked.hasPrefix("HTTP/1.1 413 "))
    }
  }

  @Test func aTricklingRequestIsCutOff() async throws {
    try await withServer(limits: ControlLimits(requestSeconds: 1)) { server, _ in
      let socket = try RawSocket(server.socket)
      socket.send("POST /v1/plan HTTP/1.1\r\nContent-Length: 10\r\n\r\n{")
      #expect(await socket.readAll().hasPrefix("HTTP/1.1 408 "))
      let silent = try RawSocket(server.socket)
      #expect(await silent.readAll().hasPrefix("HTTP/1.1 408 "))
    }
  }

  @Test func callersHaveALimit() async throws {
    // If a slow one were disconnected, there would be a place for the fourth.
    let limits = ControlLimits(connectionsPerUser: 3, requestSeconds: 3600)
    try await withServer(limits: limits) { server, _ in
      let sockets = try (0..<3).map { _ in try RawSocket(server.socket) }
      let reply = RawReply(try await ask(server, "GET /v1/status HTTP/1.1\r\nHost: x\r\n\r\n"))
      #expect(reply.status == 503)
      #expect(reply.text.contains("urn:figment:problem:busy"))
      // Keep them alive until here: an object's life may end with its last use.
      for socket in sockets { socket.hangUp() }
      try await server.answersAgain()
    }
  }

  private struct RawReply {
    let text: String
    var status: Int? { text.split(separator: " ").dropFirst().first.flatMap { Int($0) } }
    init(_ text: String) { self.text = text }
  }

  @Test func oneRequestPerConnection() async throws {
    try await withServer { server, _ in
      let request = "GET /v1/status HTTP/1.1\r\nHost: x\r\n\r\n"
      let reply = try await ask(server, request + request)
      #expect(reply.components(separatedBy: "HTTP/1.1 ").count == 2)
      #expect(reply.contains("Connection: close"))
    }
  }

  @Test func aFollowerWhoLeavesCostsNothing() async throws {
    try await withServer(.init(isEndless: true)) { server, house in
      let job = try await server.client.submit(TestHouse.training, token: nil)
      for _ in 0..<50 {
        let socket = try RawSocket(server.socket)
        socket.send("GET /v1/jobs/\(job.id)/events HTTP/1.1\r\nHost: x\r\n\r\n")
      }
      // All of them are released again; otherwise the last ones would be refused.
      try await server.answersAgain()
      #expect(try await server.client.job(job.id).state == .running)
      _ = house
    }
  }

  @Test func whoMayOnlyLookFollowsAJobWithoutNumbersOfRealFiles() async throws {
    let owner = geteuid() == 0 ? 0 : geteuid() + 1
    let access = AccessPolicy(owner: owner, controlGroup: nil, readGroup: getegid())
    try await withServer(.init(isEndless: true, phase: .decode), access: access) { server, house in
      chmod(house.scratch.path, 0o711)
      chmod(server.socket, 0o666)
      var reply = ""
      // On a busy machine a job may be cancelled before anyone follows it; then follow another one.
      for patience in 1...20 where !reply.contains(#""type":"progress""#) {
        let job = try await house.daemon.submit(TestHouse.training, token: nil).id
        while try await house.daemon.job(job).progress == nil {
          try await Task.sleep(for: .milliseconds(2))
        }
        let socket = try OrdinaryUser.run { try RawSocket(server.socket) }
        socket.send("GET /v1/jobs/\(job)/events HTTP/1.1\r\nHost: x\r\n\r\n")
        let reading = Task { await socket.readAll() }
        try await Task.sleep(for: .milliseconds(300 * patience))
        _ = try await house.daemon.stop(job, reason: .cancelled)
        reply = await reading.value
      }
      #expect(reply.contains(#""phase":"decode""#))
      #expect(reply.contains(#""total":0"#))
      #expect(!reply.contains(#""total":100"#))
    }
  }

  @Test func strangersAreRefused() async throws {
    // Root is no stranger: if the tests run as root, another user connects. Otherwise the daemon belongs to
    // another user.
    let owner = geteuid() == 0 ? 0 : geteuid() + 1
    let access = AccessPolicy(owner: owner, controlGroup: nil, readGroup: nil)
    try await withServer(access: access) { server, house in
      chmod(house.scratch.path, 0o711)
      chmod(server.socket, 0o666)
      for request in ["GET /v1/status", "POST /v1/jobs/glyphs-1/cancel"] {
        let socket = try OrdinaryUser.run { try RawSocket(server.socket) }
        socket.send("\(request) HTTP/1.1\r\nHost: x\r\n\r\n")
        let reply = await socket.readAll()
        #expect(reply.hasPrefix("HTTP/1.1 403 "))
        #expect(reply.contains("urn:figment:problem:forbidden"))
        let user = geteuid() == 0 ? OrdinaryUser.number : geteuid()
        #expect(reply.contains("user \(user): no "), "the kernel names who asks")
      }
    }
  }
}

@Suite struct AccessPolicyTests {
  private let job = JobID(dataset: "glyphs", number: 1)

  private func may(_ policy: AccessPolicy, _ peer: Peer, _ route: ControlRoute) -> Bool {
    (try? policy.check(peer, for: route)) != nil
  }

  @Test func ownerAndRootMayDoEverything() {
    let policy = AccessPolicy(owner: 990, controlGroup: nil, readGroup: nil)
    for user: UInt32 in [0, 990] {
      #expect(may(policy, Peer(process: 1, user: user, group: 5), .cancel(job)))
    }
    #expect(!may(policy, Peer(process: 1, user: 991, group: 990), .status))
  }

  @Test func groupsDecideForOthers() {
    let policy = AccessPolicy(owner: 990, controlGroup: 800, readGroup: 801)
    // These users do not exist: only the group that the kernel reports counts.
    let operatorPeer = Peer(process: 1, user: 60_001, group: 800)
    let reader = Peer(process: 1, user: 60_002, group: 801)
    let stranger = Peer(process: 1, user: 60_003, group: 802)
    #expect(may(policy, operatorPeer, .cancel(job)))
    #expect(may(policy, reader, .status))
    #expect(!may(policy, reader, .cancel(job)))
    #expect(!may(policy, reader, .submit))
    #expect(!may(policy, stranger, .status))
  }

  @Test func aUsersFurtherGroupsCountToo() throws {
    // Root is in group root on every system.
    #expect(Peer(process: 1, user: 0, group: 4_000_000).isMember(of: 0))
    #expect(!Peer(process: 1, user: 60_001, group: 5).isMember(of: 0))
    #expect(try UserAccount.number(ofGroup: "root", key: "socket.group") == 0)
    let error = #expect(throws: ControlError.self) {
      try UserAccount.number(ofGroup: "no-such-group-here", key: "socket.group")
    }
    #expect(error?.message.contains("groupadd no-such-group-here") == true)
  }
}

@Suite struct ControlSocketTests {
  private let scratch = ScratchFolder()
  private var path: String { scratch.path + "/run/control.sock" }

  private func permissions() -> mode_t {
    var information = stat()
    return stat(path, &information) == 0 ? information.st_mode & 0o777 : 0
  }

  @Test func permissionsAreThoseOfTheConfiguration() throws {
    let socket = try ControlSocket.make(at: path, mode: 0o660, group: getegid())
    #expect(permissions() == 0o660)
    close(socket.descriptor)
    socket.remove()
    #expect(access(path, F_OK) != 0)
  }

  @Test func aSocketThatNobodyAnswersOnIsReplaced() throws {
    let old = try ControlSocket.make(at: path, mode: 0o600, group: nil)
    close(old.descriptor)
    let new = try ControlSocket.make(at: path, mode: 0o600, group: nil)
    #expect(throws: Never.self) { try RawSocket(path) }
    close(new.descriptor)
  }

  @Test func aSocketThatAnswersIsLeftAlone() throws {
    let first = try ControlSocket.make(at: path, mode: 0o600, group: nil)
    let error = #expect(throws: (any Error).self) {
      try ControlSocket.make(at: path, mode: 0o600, group: nil)
    }
    #expect("\(error.map { "\($0)" } ?? "")".contains("another figmentd listens on it"))
    #expect(throws: Never.self) { try RawSocket(path) }
    close(first.descriptor)
  }

  @Test func aFileInItsPlaceIsLeftAlone() throws {
    try scratch.write("run/control.sock", "precious")
    #expect(throws: ControlError.self) {
      try ControlSocket.make(at: path, mode: 0o600, group: nil)
    }
    #expect(try scratch.read("run/control.sock") == "precious")
  }

  @Test func aPathThatIsTooLongSaysSo() {
    let long = scratch.path + "/" + String(repeating: "x", count: 100)
    let error = #expect(throws: ControlError.self) {
      try ControlSocket.make(at: long, mode: 0o600, group: nil)
    }
    #expect(error?.message.contains("at most 107") ?? false)
  }
}
