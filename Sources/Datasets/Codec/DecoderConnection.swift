internal import CImageCodecs
import Glibc

/// A connection to a `DecodeWorker` over a stream socket.
public final class DecoderConnection {
  /// The worker is no longer usable; start another.
  public enum Loss: Error, Hashable, Sendable {
    /// It has ended or closed its end.
    case closed
    /// It was silent for longer than allowed.
    case timedOut
    /// Its reply does not match the request: it may be compromised.
    case nonsense

    init(_ loss: DecodeWire.Loss) {
      self =
        switch loss {
        case .closed: .closed
        case .timedOut: .timedOut
        case .nonsense: .nonsense
        }
    }
  }

  private let socket: CInt

  /// Creates a connection over `socket`, which it closes when it is released.
  ///
  /// - Parameter silence: seconds for which the worker may be silent.
  public init(socket: CInt, silence: Int = 60) {
    self.socket = socket
    var time = timeval(tv_sec: silence, tv_usec: 0)
    let size = socklen_t(MemoryLayout<timeval>.size)
    setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &time, size)
    setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &time, size)
  }

  deinit { close(socket) }

  /// Waits for the worker's greeting.
  ///
  /// - Returns: whether the worker has confined itself.
  public func awaitHello() throws(Loss) -> Bool {
    do throws(DecodeWire.Loss) {
      let hello = try DecodeWire.read(socket, count: DecodeWire.helloSize)
      let numbers = hello.withUnsafeBytes { Array($0.bindMemory(to: UInt32.self)) }
      guard numbers[0] == DecodeWire.magic else { throw .nonsense }
      return numbers[1] != CI_NOT_CONFINED.rawValue
    } catch {
      throw Loss(error)
    }
  }

  /// Requests the pixels of some files; see `ImageDecoder.decode`.
  public func decode(
    _ files: EncodedImages, with transform: ImageTransform,
    into pixels: UnsafeMutableBufferPointer<UInt8>
  ) throws(Loss) -> [DecodeOutcome] {
    precondition(files.count <= DecodeWire.maximumFileCount, "at most 1,024 files at a time")
    precondition(pixels.count >= files.count * transform.byteCount, "room for every file")
    do throws(DecodeWire.Loss) {
      try send(files, transform)
      return try receive(files.count, transform, into: pixels)
    } catch {
      throw Loss(error)
    }
  }

  private func send(_ files: EncodedImages, _ transform: ImageTransform) throws(DecodeWire.Loss) {
    var head = DecodeWire.header(
      for: transform, fileCount: files.count, byteCount: files.byteCount)
    for index in 0..<files.count { DecodeWire.append(UInt32(files[index].count), to: &head) }
    try DecodeWire.write(socket, head, isSocket: true)
    try DecodeWire.write(socket, files.allBytes, isSocket: true)
  }

  private func receive(
    _ count: Int, _ transform: ImageTransform, into pixels: UnsafeMutableBufferPointer<UInt8>
  ) throws(DecodeWire.Loss) -> [DecodeOutcome] {
    let head = try DecodeWire.read(
      socket, count: DecodeWire.replyHeaderSize + count * DecodeWire.outcomeSize)
    let numbers = head.withUnsafeBytes { bytes in
      stride(from: 0, to: bytes.count, by: 4).map {
        bytes.loadUnaligned(fromByteOffset: $0, as: UInt32.self)
      }
    }
    guard numbers.starts(with: [DecodeWire.magic, UInt32(count)]) else { throw .nonsense }
    var outcomes: [DecodeOutcome] = []
    for index in 0..<count {
      let outcome = try Self.outcome(Array(numbers[(2 + 4 * index)...].prefix(4)))
      outcomes.append(outcome)
      guard case .decoded = outcome else { continue }
      let start = index * transform.byteCount
      let place = UnsafeMutableBufferPointer(
        rebasing: pixels[start..<(start + transform.byteCount)])
      try DecodeWire.read(socket, UnsafeMutableRawBufferPointer(place))
    }
    return outcomes
  }

  private static func outcome(_ numbers: [UInt32]) throws(DecodeWire.Loss) -> DecodeOutcome {
    if numbers[0] == 0 {
      let remarks = DecodeRemarks(rawValue: numbers[3])
      guard numbers[1] > 0, numbers[2] > 0, numbers[1] <= 1 << 20, numbers[2] <= 1 << 20,
        DecodeRemarks.known.isSuperset(of: remarks)
      else { throw .nonsense }
      return .decoded(height: Int(numbers[1]), width: Int(numbers[2]), remarks: remarks)
    }
    guard let code = UInt8(exactly: numbers[0]), let failure = DecodeFailure(wireCode: code) else {
      throw .nonsense
    }
    return .failed(failure)
  }
}
