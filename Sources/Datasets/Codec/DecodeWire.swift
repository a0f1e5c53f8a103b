import Glibc

/// The protocol between the daemon and its decoding process.
///
/// Both run the same program file on the same machine, so numbers are in native byte order.
///
/// ```
/// worker   hello    magic 4, confinement 4
/// daemon   request  magic 4, files 4, height 4, width 4, form 4, enlargement 4, white level 4
///                   (0: none), bytes 8, files × size 4, the files one after another
/// worker   reply    magic 4, files 4, files × (status 4, height 4, width 4, upright, remarks 4),
///                   for each status 0: height × width × channels bytes
/// ```
/// Both sides check every received number against the request, because a hostile image may have compromised
/// the worker.
enum DecodeWire {
  static let magic: UInt32 = 0x3257_4446  // "FDW2"
  static let helloSize = 8
  static let requestHeaderSize = 36
  static let replyHeaderSize = 8
  static let outcomeSize = 16
  static let maximumFileCount = 1_024

  /// The channel to the other side is no longer usable.
  enum Loss: Error, Equatable {
    /// The other side has closed the channel.
    case closed
    /// The other side was silent for too long.
    case timedOut
    /// The other side sent an impossible message.
    case nonsense
  }

  static func header(
    for transform: ImageTransform, fileCount: Int, byteCount: Int
  ) -> [UInt8] {
    var bytes: [UInt8] = []
    let form =
      (transform.channels == .rgb ? 1 : 0) | (transform.fit == .stretch ? 2 : 0)
      | (transform.colour == .asStored ? 4 : 0)
    let numbers = [
      Int(magic), fileCount, transform.height, transform.width, form,
      transform.maximumEnlargement, transform.whiteLevel ?? 0,
    ]
    for number in numbers { append(UInt32(number), to: &bytes) }
    append(UInt64(byteCount), to: &bytes)
    return bytes
  }

  /// Parses a request; returns nil if it is malformed.
  static func readHeader(
    _ bytes: [UInt8], limits: DecodeLimits
  ) -> (transform: ImageTransform, fileCount: Int, byteCount: Int)? {
    func number(_ index: Int) -> Int {
      bytes.withUnsafeBytes { Int($0.loadUnaligned(fromByteOffset: 4 * index, as: UInt32.self)) }
    }
    let byteCount = bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: 28, as: UInt64.self) }
    let sides = 1...4096
    guard bytes.count == requestHeaderSize, number(0) == Int(magic),
      (0...maximumFileCount).contains(number(1)), sides.contains(number(2)),
      sides.contains(number(3)), (0...7).contains(number(4)), sides.contains(number(5)),
      number(6) == 0 || ImageTransform.whiteLevels.contains(number(6)),
      byteCount <= UInt64(number(1)) * UInt64(limits.fileBytes)
    else { return nil }
    let transform = ImageTransform(
      height: number(2), width: number(3), channels: number(4) & 1 == 1 ? .rgb : .grey,
      fit: number(4) & 2 == 2 ? .stretch : .centreCrop, maximumEnlargement: number(5),
      whiteLevel: number(6) == 0 ? nil : number(6),
      colour: number(4) & 4 == 4 ? .asStored : .convert)
    return (transform, number(1), Int(byteCount))
  }

  static func append<Number: FixedWidthInteger>(_ number: Number, to bytes: inout [UInt8]) {
    withUnsafeBytes(of: number) { bytes.append(contentsOf: $0) }
  }

  /// Fills `buffer` from a socket or pipe.
  static func read(_ descriptor: CInt, _ buffer: UnsafeMutableRawBufferPointer) throws(Loss) {
    var done = 0
    while done < buffer.count {
      let count = Glibc.read(
        descriptor, buffer.baseAddress?.advanced(by: done), buffer.count - done)
      if count < 0, errno == EINTR { continue }
      if count < 0, errno == EAGAIN { throw .timedOut }
      guard count > 0 else { throw .closed }
      done += count
    }
  }

  static func read(_ descriptor: CInt, count: Int) throws(Loss) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    var loss: Loss?
    bytes.withUnsafeMutableBytes { buffer in
      do throws(Loss) {
        try read(descriptor, buffer)
      } catch {
        loss = error
      }
    }
    if let loss { throw loss }
    return bytes
  }

  /// Writes all of `buffer`.
  ///
  /// If `isSocket` is set and the other end is closed, the result is `.closed`, never a signal.
  static func write(
    _ descriptor: CInt, _ buffer: UnsafeRawBufferPointer, isSocket: Bool
  ) throws(Loss) {
    var done = 0
    while done < buffer.count {
      let start = buffer.baseAddress?.advanced(by: done)
      let rest = buffer.count - done
      let count =
        isSocket
        ? send(descriptor, start, rest, Int32(MSG_NOSIGNAL))
        : Glibc.write(descriptor, start, rest)
      if count < 0, errno == EINTR { continue }
      if count < 0, errno == EAGAIN { throw .timedOut }
      guard count > 0 else { throw .closed }
      done += count
    }
  }

  static func write(_ descriptor: CInt, _ bytes: [UInt8], isSocket: Bool) throws(Loss) {
    var loss: Loss?
    bytes.withUnsafeBytes { buffer in
      do throws(Loss) {
        try write(descriptor, buffer, isSocket: isSocket)
      } catch {
        loss = error
      }
    }
    if let loss { throw loss }
  }
}
