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

  /// The longest path that fits a `sockaddr_un`, without its closing zero.
  private static let maximumPathLength = 107

  private let channel: Channel
  private let socketPath: String

  /// Connects.
  ///
  /// - Throws: `ControlError.unreachable` when nobody answers.
  static func open(_ socketPath: String) async throws -> ControlConnection {
    guard (1...maximumPathLength).contains(socketPath.utf8.count) else {
      throw ControlError.unreachable(
        "socket \(socketPath): a name of \(socketPath.utf8.count) bytes, which is longer than the "
          + "\(maximumPathLength) that a socket can have (1 at least). Give another --socket.")
    }
    do {
      let channel = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
        .connect(unixDomainSocketPath: socketPath) { channel in
          channel.eventLoop.makeCompletedFuture {
            // A daemon that is busy answers before it has read a request. The decoder takes an answer
            // without one for nonsense, so it is told of one beforehand.
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
  /// A reply that has arrived counts. A daemon answers as soon as it knows enough, be it a refusal before
  /// the request is whole, and then closes the connection: a write that fails for that reason is no error
  /// unless no reply was there.
  ///
  /// - Parameters:
  ///   - whenOpened: called once the daemon says that it does what was asked.
  ///   - take: gets the reply piece by piece, and says whether it wants more.
  /// - Throws: the error that the daemon answers with, or `ControlError.unreachable` when the
  ///   connection is cut.
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
        "socket \(socketPath): the daemon hung up before its reply was whole: \(Self.words(error)). "
          + "Try again; its log tells more.")
    }
  }

  /// Writes the request, in one turn of the event loop and with one flush.
  ///
  /// - Returns: the outcome of the write, which counts only where no reply came.
  private func send(_ parts: [HTTPClientRequestPart]) async throws -> EventLoopFuture<Void> {
    let channel = channel.channel
    return try await channel.eventLoop.submit {
      let sent = channel.eventLoop.makePromise(of: Void.self)
      for part in parts.dropLast() { channel.write(part, promise: nil) }
      if let last = parts.last { channel.writeAndFlush(last, promise: sent) }
      return sent.futureResult
    }.get()
  }

  /// The whole request, to be written and flushed at once.
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

  /// Reads the reply; false where the connection ended before it was whole.
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

  /// What a network error says, in words.
  private static func words(_ error: any Error) -> String {
    if let error = error as? IOError { return String(cString: strerror(error.errnoCode)) }
    if let error = error as? HTTPParserError, error != .invalidEOFState {
      return "what it sent is not HTTP"
    }
    return "the connection was closed"
  }

  private static func unreachable(_ path: String, _ error: any Error) -> ControlError {
    switch (error as? IOError)?.errnoCode {
    case ENOENT, ECONNREFUSED:
      .unreachable(
        "socket \(path): no daemon listens there. "
          + "Start figmentd (systemctl start figmentd), or give another --socket.")
    case EACCES:
      .unreachable(
        "socket \(path): you may not connect (a member of the socket's group expected). "
          + "Ask the administrator.")
    default: .unreachable("socket \(path): cannot connect: \(words(error)).")
    }
  }
}
