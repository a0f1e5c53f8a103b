import Control
import FoundationEssentials
import NIOCore
import NIOHTTP1

/// Writes an answer and ends the connection.
///
/// A caller that does not read is cut off: each piece must be taken within a time, and a reply that is no
/// stream as a whole. What lies in the kernel's buffers counts as taken.
struct HTTPResponse: Sendable {
  /// Where it is written.
  let channel: any Channel
  /// How long a caller may take.
  let limits: ControlLimits

  /// Bytes of a piece.
  private static let pieceBytes = 64 * 1024

  /// Sends a reply; a peer that is gone is not an error.
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
      // Nobody is left who could be told.
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

  /// Writes a part and waits until the kernel has taken it; ends the connection where the caller has made
  /// no room for it in time.
  private func write(_ part: HTTPServerResponsePart) async throws {
    let deadline = channel.eventLoop.scheduleTask(in: .seconds(limits.writeSeconds)) { [channel] in
      channel.close(promise: nil)
    }
    defer { deadline.cancel() }
    try await channel.writeAndFlush(part)
  }

  /// Each line waits until the one before is written: a slow reader holds nothing in memory but
  /// its own mailbox.
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
