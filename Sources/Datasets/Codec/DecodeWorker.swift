internal import CImageCodecs
import Glibc

/// The worker's side of `DecoderConnection`: the decoding process.
///
/// A crash or a compromise affects only this process.
public enum DecodeWorker {
  /// The memory limit of the process: the largest image, its file and its transform, with a margin.
  static let addressSpace: UInt64 = 2 << 30
  /// The processor time limit per file, in seconds.
  static let secondsPerFile: UInt64 = 10

  /// Runs a decoding process: serves requests on its input and output, then exits.
  public static func run() -> Never {
    // Not exit(), whose clean-up makes system calls that are no longer allowed.
    _exit(serve())
  }

  /// Serves requests until the daemon closes the channel.
  ///
  /// - Parameters:
  ///   - input: the descriptor for requests.
  ///   - output: the descriptor for replies.
  ///   - isConfined: whether to confine the process first; false only if a thread acts as the worker.
  /// - Returns: the exit code: 0 after an orderly end, 1 when the process could not be confined or
  ///   the daemon sent an invalid message.
  public static func serve(
    input: CInt = 0, output: CInt = 1, isConfined: Bool = true,
    limits: DecodeLimits = .standard
  ) -> CInt {
    // Created before the confinement, so that the libraries complete their one-time set-up.
    let codec = ImageCodec(limits: limits)
    var confinement = CI_NOT_CONFINED
    if isConfined {
      confinement = ci_confine(addressSpace)
      guard confinement != CI_NOT_CONFINED else { return 1 }
    }
    var service = Service(
      input: input, output: output, codec: codec, limits: limits, isConfined: isConfined)
    do throws(DecodeWire.Loss) {
      var hello: [UInt8] = []
      DecodeWire.append(DecodeWire.magic, to: &hello)
      DecodeWire.append(confinement.rawValue, to: &hello)
      try DecodeWire.write(output, hello, isSocket: false)
      while true { try service.answer() }
    } catch {
      return error == .closed ? 0 : 1
    }
  }

  private struct Service {
    let input: CInt
    let output: CInt
    let codec: ImageCodec
    let limits: DecodeLimits
    let isConfined: Bool
    var encoded: [UInt8] = []
    var reply: [UInt8] = []

    mutating func answer() throws(DecodeWire.Loss) {
      let header = try DecodeWire.read(input, count: DecodeWire.requestHeaderSize)
      guard let request = DecodeWire.readHeader(header, limits: limits) else { throw .nonsense }
      let sizes = try readSizes(request.fileCount)
      guard sizes.allSatisfy({ $0 <= limits.fileBytes }),
        sizes.reduce(0, +) == request.byteCount
      else { throw .nonsense }
      encoded = try DecodeWire.read(input, count: request.byteCount)
      decode(sizes, request.transform)
      try DecodeWire.write(output, reply, isSocket: false)
    }

    private func readSizes(_ count: Int) throws(DecodeWire.Loss) -> [Int] {
      let bytes = try DecodeWire.read(input, count: 4 * count)
      return bytes.withUnsafeBytes { bytes in
        (0..<count).map { Int(bytes.loadUnaligned(fromByteOffset: 4 * $0, as: UInt32.self)) }
      }
    }

    private mutating func decode(_ sizes: [Int], _ transform: ImageTransform) {
      reply.removeAll(keepingCapacity: true)
      DecodeWire.append(DecodeWire.magic, to: &reply)
      DecodeWire.append(UInt32(sizes.count), to: &reply)
      var decoded: [UInt8] = []
      var pixels = [UInt8](repeating: 0, count: transform.byteCount)
      var offset = 0
      for size in sizes {
        if isConfined { _ = ci_limit_processor_time(DecodeWorker.secondsPerFile) }
        let outcome = encoded.withUnsafeBytes { encoded in
          pixels.withUnsafeMutableBufferPointer { pixels in
            codec.decode(
              UnsafeRawBufferPointer(rebasing: encoded[offset..<(offset + size)]),
              with: transform, into: pixels)
          }
        }
        offset += size
        switch outcome {
        case .decoded(let height, let width, let remarks):
          for number in [0, UInt32(height), UInt32(width), remarks.rawValue] {
            DecodeWire.append(number, to: &reply)
          }
          decoded.append(contentsOf: pixels)
        case .failed(let failure):
          for number in [UInt32(failure.wireCode), 0, 0, 0] {
            DecodeWire.append(number, to: &reply)
          }
        }
      }
      reply.append(contentsOf: decoded)
    }
  }
}
