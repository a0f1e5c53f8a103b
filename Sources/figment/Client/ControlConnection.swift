import Control
import FoundationEssentials
import Glibc
import NIOCore
import NIOHTTP1
import NIOPosix

/// One request to the daemon and its reply.
struct ControlConnection: Sendable {
  private typealias Channel = NIOAsyncChannel<HTTPClientResponsePart, HTTPClientRequestPart>
  private typealias Reply = NIOAsyncChannelInboundStream<HTTPClientResponsePart>

  /// The longest path that fits into a `sockaddr_un`, without the terminating zero.
  private static let maximumPathLength = 107

  private let channel: Channel
  private let socketPath: String

  /// Connects to the daemon.
  ///
  /// - Throws: `ControlError.unreachable` if no daemon answers.
  static func open(_ socketPath: String) async throws -> ControlConnection {
    guard (1...maximumPathLength).contains(socketPath.utf8.count) else {
      throw ControlError.unreachable(
        "socket \(socketPath): the path has \(socketPath.utf8.count) bytes (1 to \(maximumPathLength) "
          + "expected). Choose another path with --socket.")
    }
    do {
      let channel = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
        .connect(unixDomainSocketPath: socketPath) { channel in
          channel.eventLoop.makeCompletedFuture {
            // A busy daemon replies before it has read a request. The decoder rejects a response that
            // has no request, so announce one to it first.
            let decoder = HTTPResponseDecoder(leftOverBytesStrategy: .dropBytes)
            decoder.write(data: .head(HTTPRequestHead(version: .http1_1, method: .GET, uri: "/")))
            try channel.pipeline.syncOperations.addHandlers([
              HTTPRequestEncoder(), ByteToMessageHandler(decoder),
            ])
            return try Channel(wrappingChannelSynchronously: channel)
          }
        }
      return ControlConnection(channel: channel, socketPath: socketPath)
    } catch {
      throw unreachable(socketPath, error)
    }
  }

  /// Sends a request and reads its reply.
  ///
  /// The daemon replies as soon as it can, perhaps with a refusal before the request is complete, and
  /// then closes the connection. A failed write is therefore an error only if no reply has arrived.
  ///
  /// - Parameters:
  ///   - whenOpened: called once, when the daemon has accepted the request.
  ///   - take: receives the reply piece by piece and returns whether to continue.
  /// - Throws: the error in the daemon's reply, or `ControlError.unreachable` if the connection breaks.
  func exchange(
    _ route: ControlRoute, _ body: Data?, token: String? = nil, whenOpened: () -> Void = {},
    take: (ByteBuffer) throws -> Bool
  ) async throws {
    do {
      try await channel.executeThenClose { reply, _ in
        let sent = try await send(Self.parts(of: route, body, token))
        let hasAnswered = try await Self.read(reply, whenOpened, take)
        guard hasAnswered else {
          try await sent.get()
          throw ChannelError.eof
        }
      }
    } catch let error as ControlError {
      throw error
    } catch let error as CancellationError {
      throw error
    } catch {
      throw ControlError.unreachable(
        "socket \(socketPath): the daemon closed the connection before its reply was complete: "
          + "\(Self.words(error)). Try again; see its log for the cause.")
    }
  }

  /// Writes the request in one turn of the event loop, with one flush.
  ///
  /// - Returns: the outcome of the write, which matters only if no reply arrives.
  private func send(_ parts: [HTTPClientRequestPart]) async throws -> EventLoopFuture<Void> {
    let channel = channel.channel
    return try await channel.eventLoop.submit {
      let sent = channel.eventLoop.makePromise(of: Void.self)
      for part in parts.dropLast() { channel.write(part, promise: nil) }
      if let last = parts.last { channel.writeAndFlush(last, promise: sent) }
      return sent.futureResult
    }.get()
  }

  /// The parts of the whole request, to be written and flushed together.
  private static func parts(
    of route: ControlRoute, _ body: Data?, _ token: String?
  ) -> [HTTPClientRequestPart] {
    var headers = HTTPHeaders([("Host", "figment"), ("Accept", "application/json")])
    if let token { headers.add(name: ControlRoute.tokenHeader, value: token) }
    if route.method == "POST" {
      headers.add(name: "Content-Type", value: "application/json")
      headers.add(name: "Content-Length", value: String(body?.count ?? 0))
    }
    let head = HTTPRequestHead(
      version: .http1_1, method: HTTPMethod(rawValue: route.method), uri: route.target,
      headers: headers)
    let content = body.map { [HTTPClientRequestPart.body(.byteBuffer(ByteBuffer(bytes: $0)))] }
    return [.head(head)] + (content ?? []) + [.end(nil)]
  }

  /// Reads the reply; returns false if the connection ended before the reply was complete.
  private static func read(
    _ reply: Reply, _ whenOpened: () -> Void, _ take: (ByteBuffer) throws -> Bool
  ) async throws -> Bool {
    var isProblem = false
    var problem = Data()
    for try await part in reply {
      switch part {
      case .head(let head):
        isProblem = head.status.code >= 400
        if !isProblem { whenOpened() }
      case .body(let bytes) where isProblem: problem.append(contentsOf: bytes.readableBytesView)
      case .body(let bytes): if !(try take(bytes)) { return true }
      case .end:
        if isProblem { throw try ControlCoding.decode(Problem.self, from: problem).error }
        return true
      }
    }
    return false
  }

  /// Describes a network error in words.
  private static func words(_ error: any Error) -> String {
    if let error = error as? IOError { return String(cString: strerror(error.errnoCode)) }
    if let error = error as? HTTPParserError, error != .invalidEOFState {
      return "its reply is not HTTP"
    }
    return "the connection was closed"
  }

  private static func unreachable(_ path: String, _ error: any Error) -> ControlError {
    switch (error as? IOError)?.errnoCode {
    case ENOENT, ECONNREFUSED:
      .unreachable(
        "socket \(path): no daemon listens on it. "
          + "Start figmentd (systemctl start figmentd), or choose another socket with --socket.")
    case EACCES:
      .unreachable(
        "socket \(path): permission denied (membership in the socket's group expected). "
          + "Ask the administrator.")
    default: .unreachable("socket \(path): cannot connect: \(words(error)).")
    }
  }
}
