import Control
import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
import ServiceLifecycle

/// The HTTP/1.1 server on the control socket: one request per connection, on one event loop.
///
/// A connection over a Unix socket is cheap, so none serves a second request. This avoids pipelining,
/// idle connections and timers between requests.
struct ControlServer: Service {
  private let channel: any Channel
  private let group: MultiThreadedEventLoopGroup
  private let socket: ControlSocket
  private let logger: Logger

  /// Starts the server on a socket.
  static func start(
    on socket: ControlSocket, routes: Routes, limits: ControlLimits = ControlLimits(),
    logger: Logger
  ) async throws -> ControlServer {
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let counts = CallerCounts(limits)
    let standings = StandingLookup(routes.access)
    do {
      let channel = try await ServerBootstrap(group: group)
        .childChannelInitializer { channel in
          initialize(
            channel, routes: routes, limits: limits, counts: counts, standings: standings)
        }
        .withBoundSocket(socket.descriptor).get()
      return ControlServer(channel: channel, group: group, socket: socket, logger: logger)
    } catch {
      try? await group.shutdownGracefully()
      throw error
    }
  }

  /// Serves requests until it is stopped.
  func run() async throws {
    // Cancelling a task does not cancel the future that it waits for, so close the channel itself.
    await withGracefulShutdownHandler {
      try? await channel.closeFuture.get()
    } onGracefulShutdown: {
      self.channel.close(promise: nil)
    }
    await stop()
  }

  /// Accepts no more callers and closes the existing connections.
  func stop() async {
    try? await channel.close()
    socket.remove()
    try? await group.shutdownGracefully()
  }

  private static func initialize(
    _ channel: any Channel, routes: Routes, limits: ControlLimits, counts: CallerCounts,
    standings: StandingLookup
  ) -> EventLoopFuture<Void> {
    guard let options = channel as? any SocketOptionProvider else {
      return channel.eventLoop.makeFailedFuture(ChannelError.operationUnsupported)
    }
    let peer: EventLoopFuture<Peer> = options.unsafeGetSocketOption(
      level: .socket, name: NIOBSDSocket.Option(rawValue: peerCredentials))
    return peer.flatMap { peer in
      if let standing = standings.knownStanding(of: peer) {
        return channel.eventLoop.makeSucceededFuture((peer, standing))
      }
      let answer = channel.eventLoop.makePromise(of: (Peer, Standing).self)
      answer.completeWithTask { (peer, await standings.standing(of: peer)) }
      return answer.futureResult
    }.flatMapThrowing { peer, standing in
      let caller: Result<Caller, ControlError>
      do throws(ControlError) {
        let admitted = try Caller(peer, as: standing, in: counts)
        channel.closeFuture.whenComplete { _ in admitted.leave() }
        caller = .success(admitted)
      } catch {
        caller = .failure(error)
      }
      let exchange = HTTPExchange(routes: routes, caller: caller, limits: limits)
      let pipeline = channel.pipeline.syncOperations
      try pipeline.addHandler(HeaderLimit(exchange, bytes: limits.headerBytes))
      try pipeline.addHandler(HTTPResponseEncoder())
      try pipeline.addHandler(ByteToMessageHandler(HTTPRequestDecoder()))
      try pipeline.addHandler(exchange)
    }
  }

  /// `SO_PEERCRED` of Linux (asm-generic/socket.h); the Glibc module keeps it to GNU programs.
  private static let peerCredentials: CInt = 17
}
