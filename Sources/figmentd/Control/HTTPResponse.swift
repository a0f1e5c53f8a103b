import Control
import FoundationEssentials
import NIOCore
import NIOHTTP1

/// Writes a reply and closes the connection.
///
/// A caller that does not read is disconnected: it must read each piece within a time limit, and a reply
/// that is not a stream as a whole. Bytes in the kernel's buffers count as read.
struct HTTPResponse: Sendable {
  /// The channel to write to.
  let channel: any Channel
  /// The time limits for a caller.
  let limits: ControlLimits

  /// The size of a piece in bytes.
  private static let pieceBytes = 64 * 1024

  /// Sends a reply; a closed connection is not an error.
  func send(_ reply: ControlReply) async {
    do {
      switch reply {
      case .value(let status, let data):
        try await send(status: status, type: "application/json", data)
      case .problem(let problem):
        try await send(
          status: problem.status, type: Problem.mediaType, ControlCoding.encode(problem))
      case .events(let events, let withCounts): try await send(events, withCounts: withCounts)
      }
    } catch {
      // The connection is closed, so nothing can be reported to the caller.
    }
    try? await channel.close()
  }

  private func send(status: Int, type: String, _ data: Data) async throws {
    var body = ByteBuffer(bytes: data)
    body.writeString("\n")
    let head = head(status: status, type: type, length: body.readableBytes)
    let deadline = channel.eventLoop.scheduleTask(in: .seconds(limits.replySeconds)) { [channel] in
      channel.close(promise: nil)
    }
    defer { deadline.cancel() }
    channel.write(HTTPServerResponsePart.head(head), promise: nil)
    while let piece = body.readSlice(length: min(Self.pieceBytes, body.readableBytes)),
      piece.readableBytes > 0
    {
      try await write(part(piece))
    }
    try await write(.end(nil))
  }

  private func part(_ bytes: ByteBuffer) -> HTTPServerResponsePart { .body(.byteBuffer(bytes)) }

  /// Writes a part and waits until the kernel has accepted it; closes the connection if the caller does
  /// not read in time.
  private func write(_ part: HTTPServerResponsePart) async throws {
    let deadline = channel.eventLoop.scheduleTask(in: .seconds(limits.writeSeconds)) { [channel] in
      channel.close(promise: nil)
    }
    defer { deadline.cancel() }
    try await channel.writeAndFlush(part)
  }

  /// Each line waits until the previous one is written, so a slow reader occupies no memory beyond its
  /// own mailbox.
  private func send(
    _ events: AsyncThrowingStream<JobEvent, any Error>, withCounts: Bool
  ) async throws {
    let head = head(status: 200, type: "application/x-ndjson", length: nil)
    try await write(.head(head))
    var end = StreamEnd()
    do {
      for try await event in events {
        try await sendLine(withCounts ? event : event.withoutCounts)
      }
    } catch let error as ControlError {
      end = StreamEnd(problem: error.problem)
    }
    try Task.checkCancellation()
    try await sendLine(end)
    try await write(.end(nil))
  }

  private func sendLine(_ value: some Encodable) async throws {
    var line = ByteBuffer(bytes: try ControlCoding.encode(value))
    line.writeString("\n")
    try await write(part(line))
  }

  private func head(status: Int, type: String, length: Int?) -> HTTPResponseHead {
    var headers = HTTPHeaders([
      ("Content-Type", type), ("Connection", "close"), ("Server", "figmentd/\(Version.current)"),
    ])
    if let length { headers.add(name: "Content-Length", value: String(length)) }
    return HTTPResponseHead(
      version: .http1_1, status: HTTPResponseStatus(statusCode: status), headers: headers)
  }
}
