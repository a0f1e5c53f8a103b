import CKernels
import Glibc

/// Cryptographic randomness for everything that privacy depends on: ChaCha20 with a key from the kernel.
///
/// A stream is never saved or copied: a resumed run draws fresh noise and pays for it.
public final class NoiseStream: RandomNumberGenerator {
  private let key: UnsafeMutablePointer<UInt32>
  private let words: UnsafeMutablePointer<UInt32>
  private static let keyCount = 8
  private static let wordCount = 16 * Int(CK_NOISE_BLOCKS)

  private let kernels: Kernels
  /// The next unused block.
  private var counter: UInt64 = 0
  private var used = NoiseStream.wordCount

  /// Creates a stream with a fresh key from the kernel; traps if the kernel returns none.
  public convenience init() {
    self.init(kernels: .preferred) { key in
      let byteCount = key.count * MemoryLayout<UInt32>.stride
      let status = getentropy(key.baseAddress, byteCount)
      precondition(status == 0, "the kernel returned no random key: error \(errno)")
    }
  }

  /// Creates a stream with a known key, for tests only.
  package convenience init(testKey: [UInt32], kernels: Kernels = .preferred) {
    precondition(testKey.count == Self.keyCount, "a ChaCha20 key has eight words")
    self.init(kernels: kernels) { key in
      for (index, word) in testKey.enumerated() { key[index] = word }
    }
  }

  private init(kernels: Kernels, _ fill: (UnsafeMutableBufferPointer<UInt32>) -> Void) {
    self.kernels = kernels
    key = .allocate(capacity: Self.keyCount)
    words = .allocate(capacity: Self.wordCount)
    key.initialize(repeating: 0, count: Self.keyCount)
    words.initialize(repeating: 0, count: Self.wordCount)
    fill(UnsafeMutableBufferPointer(start: key, count: Self.keyCount))
  }

  deinit {
    // The compiler may drop plain stores to memory that is about to be freed; this call stays.
    explicit_bzero(key, Self.keyCount * MemoryLayout<UInt32>.stride)
    explicit_bzero(words, Self.wordCount * MemoryLayout<UInt32>.stride)
    key.deallocate()
    words.deallocate()
  }

  /// The next 64 random bits.
  public func next() -> UInt64 {
    if used >= Self.wordCount {
      kernels.table.pointee.u32_chacha20(key, counter, words)
      counter += UInt64(CK_NOISE_BLOCKS)
      used = 0
    }
    let low = UInt64(words[used])
    let high = UInt64(words[used + 1])
    words[used] = 0
    words[used + 1] = 0
    used += 2
    return high << 32 | low
  }

  /// Adds normal noise of the given standard deviation to every element: generated from 64-bit
  /// uniforms (Box–Muller), added in Double, and rounded once.
  ///
  /// With a machine, its threads share the work; the numbers are the same.
  public func addGaussian(
    to tensor: Tensor, standardDeviation: Double, on machine: Machine? = nil
  ) {
    let group = Int(CK_NOISE_GROUP)
    let groupCount = (tensor.count + group - 1) / group
    let first = counter
    counter += UInt64(groupCount) * UInt64(CK_NOISE_BLOCKS)
    let target = tensor.pointer
    let count = tensor.count
    let table = kernels.table.pointee
    let chunkGroups = 64
    func addChunk(_ chunk: Int) {
      let start = chunk * chunkGroups * group
      table.f32_add_gaussian(
        key, first + UInt64(chunk * chunkGroups) * UInt64(CK_NOISE_BLOCKS), standardDeviation,
        target + start, min(chunkGroups * group, count - start))
    }
    let chunkCount = (groupCount + chunkGroups - 1) / chunkGroups
    if let machine {
      machine.threads.forEach(chunkCount) { chunk, _ in addChunk(chunk) }
    } else {
      for chunk in 0..<chunkCount { addChunk(chunk) }
    }
  }
}
