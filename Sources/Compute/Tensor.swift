/// A view of floats: a shape and memory that an `Arena` or a parameter buffer owns.
///
/// A tensor can be copied freely and owns nothing. Its memory is valid until the arena that created
/// it is reset; debug builds trap if an older tensor is used.
public struct Tensor: @unchecked Sendable {
  /// The extents, outermost first; images are batch × height × width × channels.
  public let shape: Shape
  private let base: UnsafeMutablePointer<Float>
  #if DEBUG
    private let guardian: ArenaGeneration?
    private let generation: Int
  #endif

  /// Creates a view of memory that outlives it, `shape.count` floats from `base`.
  public init(shape: Shape, base: UnsafeMutablePointer<Float>) {
    self.shape = shape
    self.base = base
    #if DEBUG
      guardian = nil
      generation = 0
    #endif
  }

  init(shape: Shape, base: UnsafeMutablePointer<Float>, guardian: ArenaGeneration) {
    self.shape = shape
    self.base = base
    #if DEBUG
      self.guardian = guardian
      generation = guardian.value
    #endif
  }

  /// The first element; valid for `count` floats.
  public var pointer: UnsafeMutablePointer<Float> {
    #if DEBUG
      if let guardian {
        precondition(guardian.value == generation, "a tensor was used after its arena was reset")
      }
    #endif
    return base
  }

  /// The number of elements.
  public var count: Int { shape.count }

  /// The elements as a buffer.
  public var buffer: UnsafeMutableBufferPointer<Float> {
    UnsafeMutableBufferPointer(start: pointer, count: count)
  }

  /// The same memory under another shape with the same number of elements.
  public func reshaped(_ shape: Shape) -> Tensor {
    precondition(shape.count == count, "cannot view \(self.shape) as \(shape)")
    #if DEBUG
      if let guardian { return Tensor(shape: shape, base: base, guardian: guardian) }
    #endif
    return Tensor(shape: shape, base: base)
  }

  /// The `count` examples from `first` on, a view along the outermost axis.
  public func examples(from first: Int, count exampleCount: Int) -> Tensor {
    precondition(
      shape.rank > 0 && first >= 0 && exampleCount >= 0 && first + exampleCount <= shape[0],
      "examples \(first)..<\(first + exampleCount) of a tensor of shape \(shape)")
    let stride = shape[0] == 0 ? 0 : count / shape[0]
    let part = Shape([exampleCount] + shape.extents.dropFirst())
    #if DEBUG
      if let guardian {
        return Tensor(shape: part, base: base + first * stride, guardian: guardian)
      }
    #endif
    return Tensor(shape: part, base: base + first * stride)
  }

  /// The elements copied into an array.
  public var array: [Float] { Array(buffer) }

  /// Copies `values`, one per element of the tensor.
  public func assign(_ values: [Float]) {
    precondition(values.count == count, "\(values.count) values for a tensor of shape \(shape)")
    for (index, value) in values.enumerated() { pointer[index] = value }
  }

  /// Sets every element to `value`.
  public func fill(_ value: Float) {
    pointer.update(repeating: value, count: count)
  }

  /// Copies the elements of `other`, which must have the same number.
  public func copy(from other: Tensor) {
    precondition(other.count == count, "cannot copy \(other.shape) into \(shape)")
    pointer.update(from: other.pointer, count: count)
  }
}

/// Counts the resets of an arena, so that debug builds recognise dangling tensors.
final class ArenaGeneration: @unchecked Sendable {
  var value = 0
}
