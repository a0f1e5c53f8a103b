import Foundation
import Glibc
import Testing

@testable import Datasets

@Suite struct DecodeWorkerTests {
  /// A worker simulated by a thread at the other end of a socket.
  private func connect(silence: Int = 20) throws -> DecoderConnection {
    let (ours, theirs) = try socketPair()
    Thread { _ = DecodeWorker.serve(input: theirs, output: theirs, isConfined: false) }.start()
    return DecoderConnection(socket: ours, silence: silence)
  }

  private func socketPair() throws -> (CInt, CInt) {
    var ends: [CInt] = [-1, -1]
    try #require(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0)
    return (ends[0], ends[1])
  }

  private func decode(
    _ files: [[UInt8]], _ transform: ImageTransform, _ body: (EncodedImages) throws -> Void
  ) rethrows {
    let encoded = EncodedImages(capacity: 8)
    for file in files { file.withUnsafeBytes { encoded.append($0) } }
    try body(encoded)
  }

  @Test func aWorkerAnswersExactlyLikeTheCodec() throws {
    let golden = try GoldenImages.load()
    var files = try golden.images.keys.sorted().map { try GoldenImages.bytes($0) }
    files += try OddImages.load().files.map(\.data)
    files += [[], Array("no image".utf8), Array(files[0].dropLast(3)), tinyPNG(1, side: 1)]
    let connection = try connect()
    #expect(try connection.awaitHello() == false)
    for transform in [
      ImageTransform(height: 7, width: 9, channels: .rgb),
      ImageTransform(height: 12, width: 3, channels: .grey, fit: .stretch, maximumEnlargement: 20),
      ImageTransform(height: 5, width: 5, channels: .grey, whiteLevel: 4_095),
      ImageTransform(height: 5, width: 5, channels: .rgb, whiteLevel: 99, colour: .asStored),
    ] {
      try decode(files, transform) { encoded in
        let size = files.count * transform.byteCount
        var here = [UInt8](repeating: 0, count: size)
        var there = here
        let outcomes = here.withUnsafeMutableBufferPointer {
          ImageCodec().decode(encoded, with: transform, into: $0)
        }
        let answers = try there.withUnsafeMutableBufferPointer {
          try connection.decode(encoded, with: transform, into: $0)
        }
        #expect(answers == outcomes)
        #expect(there == here)
        #expect(outcomes.contains(.failed(.truncated)))
        #expect(outcomes.contains(.failed(.empty)))
      }
    }
  }

  @Test func anEmptyBatchIsAnswered() throws {
    let connection = try connect()
    _ = try connection.awaitHello()
    var none: [UInt8] = []
    let answers = try none.withUnsafeMutableBufferPointer {
      try connection.decode(EncodedImages(), with: tinyTransform, into: $0)
    }
    #expect(answers.isEmpty)
  }

  /// The bytes that a worker sends after its greeting, in reply to a request for one tiny file.
  private func answer(_ reply: [UInt8], hangsUp: Bool = true) throws -> DecoderConnection.Loss? {
    let (ours, theirs) = try socketPair()
    let connection = DecoderConnection(socket: ours, silence: 1)
    write(theirs, reply, reply.count)
    if hangsUp { shutdown(theirs, Int32(SHUT_WR)) }
    defer { close(theirs) }
    let encoded = EncodedImages()
    tinyPNG(1).withUnsafeBytes { encoded.append($0) }
    var pixels = [UInt8](repeating: 0, count: 64)
    do throws(DecoderConnection.Loss) {
      try pixels.withUnsafeMutableBufferPointer { pixels throws(DecoderConnection.Loss) in
        _ = try connection.decode(encoded, with: tinyTransform, into: pixels)
      }
      return nil
    } catch {
      return error
    }
  }

  private func words(_ numbers: [UInt32]) -> [UInt8] {
    numbers.withUnsafeBytes { Array($0) }
  }

  @Test func aWorkerThatDiesHangsOrLiesIsCutOff() throws {
    let magic = DecodeWire.magic
    let pixels = [UInt8](repeating: 5, count: 64)
    #expect(try answer([]) == .closed)
    #expect(try answer([], hangsUp: false) == .timedOut)
    #expect(try answer(words([magic ^ 1, 1, 0, 8, 8, 0]) + pixels) == .nonsense)
    #expect(try answer(words([magic, 2, 0, 8, 8, 0]) + pixels) == .nonsense)
    #expect(try answer(words([magic, 1, 77, 0, 0, 0])) == .nonsense)
    #expect(try answer(words([magic, 1, 0, 0, 8, 0]) + pixels) == .nonsense)
    #expect(try answer(words([magic, 1, 0, 8, .max, 0]) + pixels) == .nonsense)
    #expect(try answer(words([magic, 1, 0, 8, 8, 1 << 31]) + pixels) == .nonsense)
    #expect(try answer(words([magic, 1, 0, 8, 8, 0]) + pixels.dropLast()) == .closed)
    #expect(try answer(words([magic, 1, 0, 8, 8, 0]) + pixels) == nil)
  }

  @Test func aWorkerRefusesInvalidRequests() throws {
    let good = DecodeWire.header(for: tinyTransform, fileCount: 1, byteCount: 3)
    #expect(DecodeWire.readHeader(good, limits: .standard) != nil)
    for (offset, value): (Int, UInt32) in [
      (0, 1), (4, 1_025), (8, 0), (8, 5_000), (12, 0), (16, 8), (20, 0), (24, 65_536), (32, 1),
    ] {
      var bad = good
      withUnsafeBytes(of: value) { bad.replaceSubrange(offset..<(offset + 4), with: $0) }
      #expect(DecodeWire.readHeader(bad, limits: .standard) == nil, "\(offset)")
    }
    for request in [
      words([0, 0, 0, 0, 0, 0, 0, 0, 0]), good + words([4]) + [1, 2, 3, 4],
      DecodeWire.header(for: tinyTransform, fileCount: 2, byteCount: 3) + words([.max, 4]),
    ] {
      let (ours, theirs) = try socketPair()
      write(ours, request, request.count)
      let code = DecodeWorker.serve(input: theirs, output: theirs, isConfined: false)
      #expect(code == 1)
      close(ours)
      close(theirs)
    }
  }

  @Test func aWorkerEndsWhenTheDaemonHangsUp() throws {
    let (ours, theirs) = try socketPair()
    close(ours)
    signal(SIGPIPE, SIG_IGN)
    #expect(DecodeWorker.serve(input: theirs, output: theirs, isConfined: false) == 0)
    close(theirs)
  }

  @Test func wireNumbersOfFailuresAreFixed() {
    let numbers = DecodeFailure.allCases.map(\.wireCode)
    #expect(numbers == Array(1...19))
    #expect(
      DecodeFailure.allCases.map { DecodeFailure(wireCode: $0.wireCode) } == DecodeFailure.allCases)
    #expect(DecodeFailure(wireCode: 0) == nil)
    #expect(DecodeFailure(wireCode: 20) == nil)
    #expect(DecodeFailure.timedOut.wireCode == 13)
    #expect(DecodeFailure.wrongChecksum.wireCode == 14)
    #expect(DecodeFailure.truncated.wireCode == 4)
    #expect(DecodeFailure.outOfMemory.wireCode == 10)
    #expect(DecodeFailure.noDeclaredRange.wireCode == 17)
    #expect(DecodeFailure.cameraRaw.wireCode == 19)
  }

  @Test func aSnapshotBuiltThroughWorkersEqualsOneBuiltHere() throws {
    final class Remote: ImageDecoder {
      let connection: DecoderConnection
      init(_ connection: DecoderConnection) { self.connection = connection }
      func decode(
        _ files: EncodedImages, with transform: ImageTransform,
        into pixels: UnsafeMutableBufferPointer<UInt8>
      ) throws -> [DecodeOutcome] {
        try connection.decode(files, with: transform, into: pixels)
      }
    }
    let folder = try TestFolder()
    try GlyphGenerator(seed: 1).write(count: 300, to: folder.path("root"))
    try folder.write([1, 2, 3], "root/star/bad.png")
    var builder = SnapshotBuilder(
      root: folder.path("root"), transform: tinyTransform, threadCount: 2)
    let here = try builder.build(in: folder.path("state"), named: "here")
    let suite = self
    builder.makeDecoder = {
      let connection = try suite.connect()
      _ = try connection.awaitHello()
      return Remote(connection)
    }
    let there = try builder.build(in: folder.path("state"), named: "there")
    #expect(try folder.bytes("state/here") == folder.bytes("state/there"))
    #expect(here.files == there.files)
    #expect(here.files.first?.height == 28)
  }
}
