import Control
import FoundationEssentials
import NIOCore
import NIOHTTP1

/// Writes an answer and ends the connection.
struct HTTPResponse: Sendable {
  /// Where it is written.
  let channel: any Channel

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
    channel.write(HTTPServerResponsePart.head(head), promise: nil)
    channel.write(HTTPServerResponsePart.body(.byteBuffer(body)), promise: nil)
    try await channel.writeAndFlush(HTTPServerResponsePart.end(nil))
  }

  /// Each line waits until the one before is written: a slow reader holds nothing in memory but
  /// its own mailbox.
  private func send(
    _ events: AsyncThrowingStream<JobEvent, any Error>, withCounts: Bool
  ) async throws {
    let head = head(status: 200, type: "application/x-ndjson", length: nil)
    try await channel.writeAndFlush(HTTPServerResponsePart.head(head))
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
    try await channel.writeAndFlush(HTTPServerResponsePart.end(nil))
  }

  private func sendLine(_ value: some Encodable) async throws {
    var line = ByteBuffer(bytes: try ControlCoding.encode(value))
    line.writeString("\n")
    try await channel.writeAndFlush(HTTPServerResponsePart.body(.byteBuffer(line)))
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
