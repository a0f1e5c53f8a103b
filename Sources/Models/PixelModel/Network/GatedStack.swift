import Compute
import Learning

/// A gated autoregressive network over images as one layer: its outputs at a pixel depend only on
/// earlier pixels (and earlier channels of the same pixel) and on the class.
///
/// `GatedStackLayout` describes the connections. The layer remembers its input, with which a loss
/// compares the outputs.
final class GatedStack: PerExampleLayer {
  /// Sizes and connections.
  let layout: GatedStackLayout
  /// The images of the last forward pass.
  private(set) var input: Tensor?
  private let blocks: [GatedBlock]
  /// The attention after each block, nil for most.
  private let attentions: [GatedAttention?]
  private let head: [any PerExampleLayer]
  private let layers: [any PerExampleLayer]
  private let planes: PixelPlanes
  private let streamShape: Shape

  /// Creates the network with parameters in `store`.
  init(_ layout: GatedStackLayout, parameters store: ParameterStore, on machine: Machine) {
    self.layout = layout
    planes = PixelPlanes(layout)
    streamShape = Shape(layout.height, layout.width, layout.channels)
    blocks = (0..<layout.blockCount).map {
      GatedBlock($0, of: layout, parameters: store, on: machine)
    }
    attentions = (0..<layout.blockCount).map { block in
      layout.attentionHeads(behind: block).map {
        GatedAttention(block, of: layout, heads: $0, parameters: store, on: machine)
      }
    }
    head = [
      LeakyReLU(slope: 0, input: streamShape), layout.hidden.layer(in: store, on: machine),
      LeakyReLU(slope: 0, input: Shape(layout.height, layout.width, layout.headChannels)),
      layout.output.layer(in: store, on: machine),
    ]
    layers = blocks.flatMap(\.layers) + attentions.flatMap { $0?.layers ?? [] } + head
  }

  var summary: String {
    "gated stack of \(layout.blockCount) blocks, \(layout.channels) channels, "
      + "first kernel \(2 * layout.reach + 1)×\(2 * layout.reach + 1)"
      + (layout.classCount > 1 ? ", \(layout.classCount) classes" : "")
      + (layout.attention.map { ", attention \($0.layerCount)×\($0.headCount)" } ?? "")
      + (layout.headChannels == layout.channels ? "" : ", head of \(layout.headChannels)")
  }

  var inputShape: Shape { Shape(layout.height, layout.width, layout.imageChannels) }

  var outputShape: Shape { Shape(layout.height, layout.width, layout.outputCount) }

  func parametersChanged() {
    for layer in layers { layer.parametersChanged() }
  }

  func forward(_ input: Tensor, in pass: Pass) -> Tensor {
    self.input = input
    let told = planes(of: input, in: pass)
    let skip = pass.make(streamShape)
    skip.fill(0)
    var vertical = told
    var horizontal: Tensor? = told
    for (block, attention) in zip(blocks, attentions) {
      guard let left = horizontal else { break }
      (vertical, horizontal) = block.forward(
        vertical: vertical, horizontal: left, skip: skip, in: pass)
      if let horizontal { attention?.forward(horizontal, in: pass) }
    }
    return head.reduce(skip) { $1.forward($0, in: pass) }
  }

  func backward(
    _ outputGradient: Tensor, needsInputGradient: Bool, in pass: Pass
  ) -> Tensor? {
    let skip = head.reversed().reduce(outputGradient) { gradient, layer in
      layer.backward(gradient, needsInputGradient: true, in: pass) ?? gradient
    }
    var vertical: Tensor?
    var horizontal: Tensor?
    for (index, block) in blocks.enumerated().reversed() {
      if let attention = attentions[index] {
        horizontal = horizontal.map { attention.backward($0, in: pass) }
      }
      (vertical, horizontal) = block.backward(
        vertical: vertical, horizontal: horizontal, skip: skip,
        needsInputGradient: needsInputGradient || index > 0, in: pass)
    }
    guard needsInputGradient, let vertical, let horizontal else { return nil }
    pass.machine.add(vertical, to: horizontal)
    return imagePart(of: horizontal, in: pass)
  }

  func addSquaredGradientNorms(
    to norms: UnsafeMutableBufferPointer<Double>, in pass: Pass
  ) {
    for layer in layers { layer.addSquaredGradientNorms(to: norms, in: pass) }
  }

  func addGradient(weightedBy weights: Tensor?, in pass: Pass) {
    for layer in layers { layer.addGradient(weightedBy: weights, in: pass) }
  }

  /// The planes of all pixels.
  private func planes(of input: Tensor, in pass: Pass) -> Tensor {
    let (own, width) = (layout.imageChannels, layout.width)
    let positions = layout.height * width
    let all = pass.make(Shape(layout.height, width, planes.count))
    pass.machine.threads.forEach(pass.exampleCount) { [planes] example, _ in
      for position in 0..<positions {
        let place = example * positions + position
        planes.write(
          input.pointer + place * own, row: position / width, column: position % width,
          to: all.pointer + place * planes.count)
      }
    }
    return all
  }

  /// The part of a gradient that belongs to the images: Fourier features are step functions with
  /// zero slope.
  private func imagePart(of gradient: Tensor, in pass: Pass) -> Tensor {
    let (own, all) = (layout.imageChannels, planes.count)
    let positions = layout.height * layout.width
    let reduced = pass.make(inputShape)
    for position in 0..<(pass.exampleCount * positions) {
      for channel in 0..<own {
        reduced.pointer[position * own + channel] = gradient.pointer[position * all + channel]
      }
    }
    return reduced
  }
}
