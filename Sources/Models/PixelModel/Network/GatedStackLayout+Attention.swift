import Compute

/// Attention in a gated autoregressive network.
struct GatedAttentionSizes: Hashable, Sendable {
  /// The number of attention layers, spread evenly after the blocks before the last.
  let layerCount: Int
  /// Heads per layer.
  let headCount: Int

  /// Creates sizes.
  init(layers: Int, heads: Int) {
    layerCount = layers
    headCount = heads
  }
}

extension GatedStackLayout {
  /// Heads of the attention after a block; nil if there is none.
  func attentionHeads(behind block: Int) -> Int? {
    guard let attention else { return nil }
    let places = (1...attention.layerCount).map { $0 * depth / (attention.layerCount + 1) }
    return places.contains(block) ? attention.headCount : nil
  }

  /// The attention of `heads` heads over the pixels of an image.
  func causalAttention(heads: Int) -> CausalAttention {
    CausalAttention(
      positionCount: height * width, headCount: heads, headWidth: channels / heads)
  }

  /// Queries, keys and values from the horizontal stream and the codes of positions.
  func attentionProjection(_ block: Int) -> Connection {
    let (channels, codes) = (channels, PositionCodes.count(height: height, width: width))
    var mask: MaskedConvolution.Mask?
    if let ofStream = pointwiseMask(outputs: channels) {
      mask = { row, column, input, output in
        input >= channels || ofStream(row, column, input, output)
      }
    }
    return connection(
      "block\(block).attention.projection", from: channels + codes, to: 3 * channels,
      kernel: (1, 1), padding: .all(0), gain: 1, hasBias: true, mask: mask)
  }

  /// The output of attention, added to the horizontal stream.
  func attentionJoin(_ block: Int) -> Connection {
    connection(
      "block\(block).attention.join", from: channels, to: channels, kernel: (1, 1),
      padding: .all(0), gain: 1, hasBias: true, mask: pointwiseMask(outputs: channels))
  }

  /// Multiply-adds of all attention layers in a forward pass over one image.
  var attentionMultiplyAdds: Int {
    (0..<blockCount).reduce(0) { sum, block in
      guard let heads = attentionHeads(behind: block) else { return sum }
      return sum + causalAttention(heads: heads).multiplyAdds
        + attentionProjection(block).geometry.multiplyAdds
        + attentionJoin(block).geometry.multiplyAdds
    }
  }
}
