import Compute

/// Attention of `GatedColumns`: the keys and values of all pixels so far.
final class GatedColumnAttention {
  private let attention: CausalAttention
  private let projection: GatedColumnProduct
  private let join: GatedColumnProduct
  private let codes: PositionCodes
  private let width: Int
  private let machine: Machine
  /// Keys and values, images × `memoryCount`.
  private let kept: Tensor
  private let told: Tensor
  private let projected: Tensor
  private let attended: Tensor
  private let joined: Tensor

  init(
    _ block: Int, of layout: GatedStackLayout, heads: Int, capacity: Int,
    parameters values: (String) -> Tensor, in memory: Arena, on machine: Machine
  ) {
    attention = layout.causalAttention(heads: heads)
    projection = GatedColumnProduct(
      layout.attentionProjection(block), values, in: memory, on: machine)
    join = GatedColumnProduct(layout.attentionJoin(block), values, in: memory, on: machine)
    codes = PositionCodes(height: layout.height, width: layout.width)
    width = layout.width
    self.machine = machine
    let channels = layout.channels
    kept = memory.makeZeros(Shape(capacity, attention.memoryCount))
    told = memory.makeZeros(Shape(capacity, channels + codes.count))
    projected = memory.makeZeros(Shape(capacity, 3 * channels))
    attended = memory.makeZeros(Shape(capacity, channels))
    joined = memory.makeZeros(Shape(capacity, channels))
  }

  /// Adds the attention over the pixels so far to the newest pixel of the stream before `block`.
  func advancePixel(row: Int, column: Int, count: Int, in block: GatedColumnBlock) {
    let channels = attention.channels
    let position = row * width + column
    for image in 0..<count {
      codes.write(
        block.newestPixel(image), channels: channels, position: position,
        to: told.pointer + image * (channels + codes.count))
    }
    projection.run(told, into: projected, count: count)
    for image in 0..<count {
      attention.attend(
        projected.pointer + image * 3 * channels, position: position,
        memory: kept.pointer + image * attention.memoryCount,
        into: attended.pointer + image * channels, on: machine)
    }
    join.run(attended, into: joined, count: count)
    for image in 0..<count {
      let target = block.newestPixel(image)
      let source = joined.pointer + image * channels
      for channel in 0..<channels { target[channel] += source[channel] }
    }
  }
}
