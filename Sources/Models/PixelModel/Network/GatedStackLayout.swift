import Compute
import Learning

/// The sizes and connections of a gated autoregressive network: the single source for the trained
/// network and for the column-wise evaluation that draws images.
///
/// Pixels are ordered by rows, and channels within a pixel. A vertical stack sees the rows above,
/// and a horizontal stack sees the pixels on the left and the vertical stack, so that there is no
/// blind spot (van den Oord and others 2016, arXiv 1606.05328, section 2.2):
///
/// ```
/// vertical   ─ 2×3 ─ gate ─(+)─────────────▶
///                          └─ 1×1 ─┐
/// horizontal ─ 1×2 ───────────────(+)─ gate ─ 1×1 ─(+)─▶
///                                               └──▶ sum of skips ─ head
/// ```
struct GatedStackLayout: Hashable, Sendable {
  /// The image: rows, columns and channels.
  let height: Int, width: Int, imageChannels: Int
  /// Channels of each stack, and of the skip connections.
  let channels: Int
  /// Gated blocks after the first.
  let depth: Int
  /// Rows and columns that the first block sees in each direction: 3 for a 7×7 kernel.
  let reach: Int
  /// Classes, that of images without one included; one for an unconditional network.
  let classCount: Int
  /// What a label means.
  let conditions: Conditions
  /// Regions per side in which a class has its own biases in the first block; one for the same
  /// biases everywhere.
  let classRegions: Int
  /// Outputs of the network per pixel.
  let outputCount: Int
  /// Channels of the hidden layer between the skips and the outputs.
  let headChannels: Int
  /// Groups of channels in the order of dependence: group g sees the pixel's own channels below g.
  ///
  /// One group sees none of the pixel's own channels.
  let groupCount: Int
  /// Features from which the first block reads levels exactly, if any.
  let fourierFeatures: FourierFeatures?
  /// Attention in the horizontal stack, if any.
  let attention: GatedAttentionSizes?

  /// Creates a layout; `channels`, `headChannels` (nil: equal to `channels`) and `outputCount` must
  /// be divisible by the number of groups.
  init(
    height: Int, width: Int, imageChannels: Int, channels: Int, depth: Int, reach: Int,
    classCount: Int, conditions: Conditions? = nil, classRegions: Int = 1, outputCount: Int,
    headChannels: Int? = nil,
    groupCount: Int, fourierFeatures: FourierFeatures? = nil, attention: GatedAttentionSizes? = nil
  ) {
    precondition(
      groupCount == 1 || groupCount == imageChannels, "\(groupCount) groups of channels")
    precondition(
      [channels, headChannels ?? channels, outputCount].allSatisfy {
        $0 > 0 && $0.isMultiple(of: groupCount)
      },
      "\(channels) channels and \(outputCount) outputs in \(groupCount) groups")
    precondition(
      depth >= 0 && reach > 0 && classCount > 0, "a network needs a reach and at least one class")
    self.height = height
    self.width = width
    self.imageChannels = imageChannels
    self.channels = channels
    self.depth = depth
    self.reach = reach
    self.classCount = classCount
    self.conditions = conditions ?? Conditions(classCount: classCount)
    self.classRegions = classRegions
    self.outputCount = outputCount
    self.headChannels = headChannels ?? channels
    self.groupCount = groupCount
    self.fourierFeatures = fourierFeatures
    self.attention = attention
    if let attention {
      precondition(
        (1...max(1, depth)).contains(attention.layerCount) && depth > 0
          && channels.isMultiple(of: attention.headCount)
          && attention.headCount.isMultiple(of: groupCount),
        "\(attention) in \(depth) blocks of \(channels) channels and \(groupCount) groups")
    }
  }

  /// The total number of blocks.
  var blockCount: Int { depth + 1 }

  /// The regions in which classes have their own biases in a block's gates.
  ///
  /// Later blocks see the first block's streams, so regional biases in one block are enough, and
  /// fewer parameters mean less noise.
  func classGrid(_ block: Int) -> RegionGrid {
    RegionGrid(
      side: block == 0 && classCount > 1 ? classRegions : 1, height: height, width: width)
  }

  /// Whether a parameter is the weights of a convolution other than the last, whose outputs are the
  /// network's own.
  func isHiddenWeights(_ parameter: Parameter) -> Bool {
    parameter.shape.rank == 4 && !parameter.name.hasPrefix(output.name)
  }

  /// Multiply-adds of a forward pass over one image, including masked connections.
  var multiplyAdds: Int {
    let blocks = (0..<blockCount).flatMap {
      [vertical($0), horizontal($0), link($0), projection($0)]
    }
    return (blocks + [hidden, output]).reduce(attentionMultiplyAdds) {
      $0 + $1.geometry.multiplyAdds
    }
  }

  /// One convolution of the network: its name, sizes and mask.
  struct Connection: Sendable {
    let name: String
    let geometry: ConvolutionGeometry
    let initialization: Initialization
    /// False if a gate adds the bias.
    let hasBias: Bool
    /// Nil if no connection is masked.
    let mask: MaskedConvolution.Mask?
  }

  /// The vertical convolution of a block.
  ///
  /// The first block's own row is masked. The inputs of later blocks depend only on the rows above,
  /// so their own row is visible.
  func vertical(_ block: Int) -> Connection {
    let isFirst = block == 0
    let rows = isFirst ? reach + 1 : 2
    let side = isFirst ? reach : 1
    let above: MaskedConvolution.Mask = { row, _, _, _ in row < rows - 1 }
    return connection(
      "block\(block).vertical", from: isFirst ? planeCount : channels, to: 2 * channels,
      kernel: (rows, 2 * side + 1),
      padding: .init(top: rows - 1, left: side, bottom: 0, right: side), gain: 1,
      mask: isFirst ? above : nil)
  }

  /// The horizontal convolution of a block: pixels on the left, and the earlier channels of the
  /// pixel itself.
  func horizontal(_ block: Int) -> Connection {
    let isFirst = block == 0
    let columns = isFirst ? reach + 1 : 2
    let inputs = isFirst ? planeCount : channels
    let (groups, width) = (groupCount, channels)
    let channelOfPlane = (0..<planeCount).map { imageChannel(ofPlane: $0) }
    let first: MaskedConvolution.Mask = { _, column, input, output in
      guard column == columns - 1, let channel = channelOfPlane[input] else { return true }
      return groups > 1 && channel < output % width / (width / groups)
    }
    let later: MaskedConvolution.Mask = { _, column, input, output in
      column < columns - 1 || input / (width / groups) <= output % width / (width / groups)
    }
    return connection(
      "block\(block).horizontal", from: inputs, to: 2 * channels, kernel: (1, columns),
      padding: .init(top: 0, left: columns - 1, bottom: 0, right: 0), gain: 1,
      mask: isFirst ? first : groups > 1 ? later : nil)
  }

  /// The connection from a block's vertical stack to its horizontal stack.
  func link(_ block: Int) -> Connection {
    connection(
      "block\(block).link", from: channels, to: 2 * channels, kernel: (1, 1), padding: .all(0),
      gain: 1, mask: nil)
  }

  /// The output of a block to the skips and, except in the last block, to the horizontal stack
  /// (second half of the outputs).
  func projection(_ block: Int) -> Connection {
    connection(
      "block\(block).projection", from: channels,
      to: block == depth ? channels : 2 * channels, kernel: (1, 1), padding: .all(0), gain: 1,
      hasBias: true, mask: pointwiseMask(outputs: channels))
  }

  /// The hidden layer after the skips.
  var hidden: Connection {
    connection(
      "head.hidden", from: channels, to: headChannels, kernel: (1, 1), padding: .all(0), gain: 2,
      hasBias: true, mask: pointwiseMask(outputs: headChannels))
  }

  /// The last layer; its initial weights are small, so that an untrained network is close to uniform.
  var output: Connection {
    connection(
      "head.output", from: headChannels, to: outputCount, kernel: (1, 1), padding: .all(0),
      gain: 0.01, hasBias: true,
      mask: pointwiseMask(inputs: headChannels, outputs: outputCount))
  }

  /// The mask between the groups of inputs (nil: `channels`) and of outputs that repeat every `outputs`.
  func pointwiseMask(inputs: Int? = nil, outputs: Int) -> MaskedConvolution.Mask? {
    guard groupCount > 1 else { return nil }
    let (inputGroup, outputGroup) = ((inputs ?? channels) / groupCount, outputs / groupCount)
    return { _, _, input, output in input / inputGroup <= output % outputs / outputGroup }
  }

  func connection(
    _ name: String, from inputs: Int, to outputs: Int, kernel: (rows: Int, columns: Int),
    padding: ConvolutionGeometry.Padding, gain: Float, hasBias: Bool = false,
    mask: MaskedConvolution.Mask?
  ) -> Connection {
    let geometry = ConvolutionGeometry(
      inputHeight: height, inputWidth: width, inputChannels: inputs, outputChannels: outputs,
      kernelHeight: kernel.rows, kernelWidth: kernel.columns, stride: 1, padding: padding)
    let deviation = (gain / Float(geometry.patchLength)).squareRoot()
    return Connection(
      name: name, geometry: geometry, initialization: .normal(standardDeviation: deviation),
      hasBias: hasBias, mask: mask)
  }
}

extension GatedStackLayout.Connection {
  /// The layer for this connection, with parameters in `store`.
  func layer(in store: ParameterStore, on machine: Machine) -> any PerExampleLayer {
    MaskedConvolution(
      geometry, mask: mask, hasBias: hasBias, name: name, initialization: initialization,
      parameters: store, on: machine)
  }

  /// The weights, with masked weights at zero.
  func maskedWeights(_ weights: Tensor) -> [Float] {
    guard let mask else { return weights.array }
    return zip(MaskedConvolution.factors(geometry, mask), weights.buffer).map { $0 * $1 }
  }
}
