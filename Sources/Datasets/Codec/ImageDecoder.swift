import Glibc

/// Turns the bytes of image files into pixels of one declared form.
///
/// Two types conform: `ImageCodec` in this process, and the daemon's decoding process, whose crash results in
/// one verdict and does not affect the daemon. Use a decoder on one thread only.
public protocol ImageDecoder: AnyObject {
  /// Decodes every file and writes its transformed pixels, `transform.byteCount` each, at that
  /// file's place in `pixels` (files × height × width × channels).
  ///
  /// - Returns: for each file its size, or why its pixels are undefined.
  /// - Throws: `DatasetError` if the decoder itself cannot work.
  func decode(
    _ files: EncodedImages, with transform: ImageTransform,
    into pixels: UnsafeMutableBufferPointer<UInt8>
  ) throws -> [DecodeOutcome]
}

/// The result for one file's bytes.
public enum DecodeOutcome: Hashable, Sendable {
  /// The file was an image with this upright height and width.
  case decoded(height: Int, width: Int, remarks: DecodeRemarks = [])
  /// The file could not be decoded.
  case failed(DecodeFailure)
}

/// The encoded bytes of some files, consecutive in reused memory.
public final class EncodedImages {
  private var memory: UnsafeMutableRawBufferPointer
  /// The range of each file.
  private(set) var ranges: [Range<Int>] = []

  /// Creates an empty batch with an initial capacity in bytes.
  public init(capacity: Int = 1 << 20) {
    memory = .allocate(byteCount: max(capacity, 1), alignment: 16)
  }

  deinit { memory.deallocate() }

  /// The number of files in the batch.
  public var count: Int { ranges.count }

  /// Bytes of all files.
  public var byteCount: Int { ranges.last?.upperBound ?? 0 }

  /// The bytes of one file, valid until the batch changes.
  public subscript(index: Int) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(rebasing: memory[ranges[index]])
  }

  /// Removes all files and keeps the memory.
  public func removeAll() { ranges.removeAll(keepingCapacity: true) }

  /// Removes the last file.
  func removeLast() { ranges.removeLast() }

  /// Adds a copy of `bytes`.
  public func append(_ bytes: UnsafeRawBufferPointer) {
    append(byteCount: bytes.count) { $0.copyMemory(from: bytes) }
  }

  /// Adds a file of `byteCount` bytes that `body` writes.
  @discardableResult
  func append<Result>(
    byteCount: Int, _ body: (UnsafeMutableRawBufferPointer) throws -> Result
  ) rethrows -> Result {
    let start = self.byteCount
    reserve(start + byteCount)
    let slot = UnsafeMutableRawBufferPointer(rebasing: memory[start..<(start + byteCount)])
    let result = try body(slot)
    ranges.append(start..<(start + byteCount))
    return result
  }

  /// All bytes in order.
  var allBytes: UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(rebasing: memory[0..<byteCount])
  }

  private func reserve(_ capacity: Int) {
    guard capacity > memory.count else { return }
    let grown = UnsafeMutableRawBufferPointer.allocate(
      byteCount: max(capacity, memory.count * 2), alignment: 16)
    grown.copyMemory(from: allBytes)
    memory.deallocate()
    memory = grown
  }
}
