import Glibc

/// The memory of a training step: tensors are cut from large blocks and all freed at once.
///
/// The first step sizes the arena; later steps of the same shapes allocate nothing. An arena is not
/// thread-safe: it has one owner at a time.
public final class Arena: @unchecked Sendable {
  /// Alignment of every tensor in bytes, a cache line.
  public static let alignment = 64

  private struct Block {
    let base: UnsafeMutableRawPointer
    let byteCount: Int
  }

  /// A point to which the arena can be rewound.
  public struct Mark: Sendable {
    let block: Int
    let offset: Int
  }

  private var blocks: [Block] = []
  private var block = 0
  private var offset = 0
  private let generation = ArenaGeneration()

  /// The size of a block in bytes, unless one tensor needs more.
  public let blockByteCount: Int

  /// Creates an empty arena that grows in blocks of `blockByteCount`.
  public init(blockByteCount: Int = 8 << 20) {
    self.blockByteCount = blockByteCount
  }

  deinit {
    for block in blocks { free(block.base) }
  }

  /// The bytes allocated, used or not.
  public var capacity: Int { blocks.reduce(0) { $0 + $1.byteCount } }

  /// Allocates a tensor without initialising its elements.
  public func make(_ shape: Shape) -> Tensor {
    let bytes = max(1, shape.count) * MemoryLayout<Float>.stride
    let rounded = (bytes + Self.alignment - 1) / Self.alignment * Self.alignment
    while block < blocks.count, offset + rounded > blocks[block].byteCount {
      block += 1
      offset = 0
    }
    if block == blocks.count { appendBlock(atLeast: rounded) }
    let base = blocks[block].base + offset
    offset += rounded
    return Tensor(
      shape: shape, base: base.assumingMemoryBound(to: Float.self), guardian: generation)
  }

  /// Allocates a tensor of zeros.
  public func makeZeros(_ shape: Shape) -> Tensor {
    let tensor = make(shape)
    tensor.fill(0)
    return tensor
  }

  /// The current fill level.
  public var mark: Mark { Mark(block: block, offset: offset) }

  /// Frees everything allocated since `mark`; those tensors must not be used any more.
  public func rewind(to mark: Mark) {
    block = mark.block
    offset = mark.offset
  }

  /// Frees all tensors; the memory stays for the next step.
  public func reset() {
    block = 0
    offset = 0
    generation.value += 1
  }

  private func appendBlock(atLeast byteCount: Int) {
    let size = max(blockByteCount, byteCount)
    let base = PageMemory.allocate(byteCount: size, for: "a training step")
    blocks.append(Block(base: base, byteCount: size))
    offset = 0
  }
}
