import Control
import FoundationEssentials
import NIOCore
import NIOHTTP1

/// One request and its reply.
///
/// Lives on the event loop of its connection; a task computes the reply.
final class HTTPExchange: ChannelInboundHandler {
  typealias InboundIn = HTTPServerRequestPart
  typealias OutboundOut = HTTPServerResponsePart

  private let routes: Routes
  private let caller: Result<Caller, ControlError>
  private let limits: ControlLimits

  private var head: HTTPRequestHead?
  private var body = ByteBuffer()
  private var deadline: Scheduled<Void>?
  private var answering: Task<Void, Never>?

  /// Whether the headers have arrived.
  var hasHead: Bool { head != nil }

  /// Creates an exchange with a caller; for one that was not admitted, the refusal is the reply to any
  /// request.
  init(routes: Routes, caller: Result<Caller, ControlError>, limits: ControlLimits) {
    self.routes = routes
    self.caller = caller
    self.limits = limits
  }

  func channelActive(context: ChannelHandlerContext) {
    let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
    let boundContext = NIOLoopBound(context, eventLoop: context.eventLoop)
    deadline = context.eventLoop.scheduleTask(in: .seconds(limits.requestSeconds)) {
      let exchange = bound.value
      exchange.refuse(
        .timedOut(
          "request: incomplete after \(exchange.limits.requestSeconds) seconds. Try again."),
        boundContext.value)
    }
    if case .failure(let refusal) = caller { refuse(refusal, context) }
  }

  func channelInactive(context: ChannelHandlerContext) {
    deadline?.cancel()
    answering?.cancel()
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    guard answering == nil else { return }
    switch unwrapInboundIn(data) {
    case .head(let head): take(head, context)
    case .body(let part): take(part, context)
    case .end: answer(context)
    }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    if error is HTTPParserError {
      refuse(
        .invalid("request: not HTTP/1.1 (a line like 'GET /v1/status HTTP/1.1' expected)."), context
      )
    } else {
      context.close(promise: nil)
    }
  }

  /// Replies with a problem, unless a reply is in progress, and closes the connection.
  func refuse(_ error: ControlError, _ context: ChannelHandlerContext) {
    guard answering == nil else { return }
    send(.problem(error.problem), context)
  }

  private func take(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
    self.head = head
    let bytes = head.headers.reduce(head.uri.utf8.count) {
      $0 + $1.name.utf8.count + $1.value.utf8.count + 4
    }
    if bytes > limits.headerBytes {
      refuse(.tooLarge("headers: more than \(limits.headerBytes) bytes (fewer expected)."), context)
      return
    }
    let length = head.headers.first(name: "Content-Length").flatMap { Int($0) } ?? 0
    if length > limits.bodyBytes { refuse(bodyTooLarge, context) }
  }

  private func take(_ part: ByteBuffer, _ context: ChannelHandlerContext) {
    guard body.readableBytes + part.readableBytes <= limits.bodyBytes else {
      refuse(bodyTooLarge, context)
      return
    }
    body.writeImmutableBuffer(part)
  }

  private var bodyTooLarge: ControlError {
    .tooLarge("body: more than \(limits.bodyBytes) bytes (fewer expected).")
  }

  private func answer(_ context: ChannelHandlerContext) {
    guard let head, case .success(let caller) = caller else { return }
    deadline?.cancel()
    let request = ControlRequest(
      method: head.method.rawValue, target: head.uri,
      token: head.headers.first(name: ControlRoute.tokenHeader),
      body: Data(body.readableBytesView))
    let (routes, limits, channel) = (routes, limits, context.channel)
    answering = Task {
      let reply = await routes.answer(request, from: caller)
      await HTTPResponse(channel: channel, limits: limits).send(reply)
    }
  }

  private func send(_ reply: ControlReply, _ context: ChannelHandlerContext) {
    deadline?.cancel()
    let (limits, channel) = (limits, context.channel)
    answering = Task { await HTTPResponse(channel: channel, limits: limits).send(reply) }
  }
}

/// Refuses a request whose headers exceed the limit.
///
/// It precedes the parser, which would buffer more than any valid request needs.
final class HeaderLimit: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  typealias InboundOut = ByteBuffer

  private let exchange: HTTPExchange
  private let limit: Int
  private var received = 0

  init(_ exchange: HTTPExchange, bytes limit: Int) {
    self.exchange = exchange
    self.limit = limit
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    received += unwrapInboundIn(data).readableBytes
    context.fireChannelRead(data)
    if received > limit, !exchange.hasHead {
      exchange.refuse(.tooLarge("headers: more than \(limit) bytes (fewer expected)."), context)
    }
  }
}
