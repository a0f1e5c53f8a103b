import Glibc

/// Turns the bytes of image files into pixels of one declared form.
///
/// Two engines conform: `ImageCodec` in this process, and the daemon's decoding process, whose
/// death costs one verdict instead of the daemon. A decoder belongs to one thread.
public protocol ImageDecoder: AnyObject {
  /// Decodes every file and writes its transformed pixels, `transform.byteCount` each, at that
  /// file's place in `pixels` (files × height × width × channels).
  ///
  /// - Returns: per file the size it had, or why its place was left undefined.
  /// - Throws: `DatasetError` when the decoder itself cannot work.
  func decode(
    _ files: EncodedImages, with transform: ImageTransform,
    into pixels: UnsafeMutableBufferPointer<UInt8>
  ) throws -> [DecodeOutcome]
}

/// The result for one file's bytes.
public enum DecodeOutcome: Hashable, Sendable {
  /// They were an image of this many rows and columns, upright.
  case decoded(height: Int, width: Int, remarks: DecodeRemarks = [])
  /// They did not become pixels.
  case failed(DecodeFailure)
}

/// The encoded bytes of some files, one after another in memory that is reused.
public final class EncodedImages {
  private var memory: UnsafeMutableRawBufferPointer
  /// The place of each file.
  private(set) var ranges: [Range<Int>] = []

  /// An empty batch with room for `capacity` bytes before it must grow.
  public init(capacity: Int = 1 << 20) {
    memory = .allocate(byteCount: max(capacity, 1), alignment: 16)
  }

  deinit { memory.deallocate() }

  /// Files in the batch.
  public var count: Int { ranges.count }

  /// Bytes of all files.
  public var byteCount: Int { ranges.last?.upperBound ?? 0 }

  /// The bytes of one file, valid until the batch changes.
  public subscript(index: Int) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(rebasing: memory[ranges[index]])
  }

  /// Forgets all files and keeps the memory.
  public func removeAll() { ranges.removeAll(keepingCapacity: true) }

  /// Forgets the last file.
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
