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
  private typealias Request = NIOAsyncChannelOutboundWriter<HTTPClientRequestPart>

  private let channel: Channel
  private let socketPath: String

  /// Connects.
  ///
  /// - Throws: `ControlError.unreachable` when nobody answers.
  static func open(_ socketPath: String) async throws -> ControlConnection {
    do {
      let channel = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
        .connect(unixDomainSocketPath: socketPath) { channel in
          channel.eventLoop.makeCompletedFuture {
            try channel.pipeline.syncOperations.addHTTPClientHandlers()
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
      try await channel.executeThenClose { reply, request in
        try await Self.send(route, body, token, to: request)
        try await Self.read(reply, whenOpened, take)
      }
    } catch let error as ControlError {
      throw error
    } catch let error as CancellationError {
      throw error
    } catch {
      throw ControlError.unreachable(
        "socket \(socketPath): the daemon hung up: \(error). Look into its log.")
    }
  }

  private static func send(
    _ route: ControlRoute, _ body: Data?, _ token: String?, to request: Request
  ) async throws {
    var headers = HTTPHeaders([("Host", "figment"), ("Accept", "application/json")])
    if let token { headers.add(name: ControlRoute.tokenHeader, value: token) }
    if route.method == "POST" {
      headers.add(name: "Content-Type", value: "application/json")
      headers.add(name: "Content-Length", value: String(body?.count ?? 0))
    }
    let head = HTTPRequestHead(
      version: .http1_1, method: HTTPMethod(rawValue: route.method), uri: route.target,
      headers: headers)
    try await request.write(.head(head))
    if let body { try await request.write(.body(.byteBuffer(ByteBuffer(bytes: body)))) }
    try await request.write(.end(nil))
  }

  private static func read(
    _ reply: Reply, _ whenOpened: () -> Void, _ take: (ByteBuffer) throws -> Bool
  ) async throws {
    var isProblem = false
    var problem = Data()
    for try await part in reply {
      switch part {
      case .head(let head):
        isProblem = head.status.code >= 400
        if !isProblem { whenOpened() }
      case .body(let bytes) where isProblem: problem.append(contentsOf: bytes.readableBytesView)
      case .body(let bytes): if !(try take(bytes)) { return }
      case .end:
        if isProblem { throw try ControlCoding.decode(Problem.self, from: problem).error }
        return
      }
    }
    throw ControlError.unreachable("daemon: it hung up before its reply was whole. Try again.")
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
    default: .unreachable("socket \(path): cannot connect: \(error).")
    }
  }
}
