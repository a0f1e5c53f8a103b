import Compute
import Learning

/// One block of a gated autoregressive network: a step of the vertical and of the horizontal stack.
///
/// It is not a layer itself, because its inputs and outputs are two streams; `GatedStack` combines
/// blocks into one layer. `GatedStackLayout` has a drawing.
final class GatedBlock {
  private let channels: Int
  private let isResidual: Bool
  private let isLast: Bool
  private let vertical: any PerExampleLayer
  private let verticalGate: GatedActivation
  private let horizontal: any PerExampleLayer
  private let link: any PerExampleLayer
  private let horizontalGate: GatedActivation
  private let projection: any PerExampleLayer
  private let streamShape: Shape

  init(
    _ index: Int, of layout: GatedStackLayout, parameters store: ParameterStore,
    on machine: Machine
  ) {
    channels = layout.channels
    isResidual = index > 0
    isLast = index == layout.depth
    let gateShape = Shape(layout.height, layout.width, 2 * layout.channels)
    let gate = { (name: String) in
      GatedActivation(
        classes: layout.classCount, conditions: layout.conditions, grid: layout.classGrid(index),
        input: gateShape,
        name: "block\(index).\(name)", parameters: store)
    }
    vertical = layout.vertical(index).layer(in: store, on: machine)
    verticalGate = gate("verticalGate")
    horizontal = layout.horizontal(index).layer(in: store, on: machine)
    link = layout.link(index).layer(in: store, on: machine)
    horizontalGate = gate("horizontalGate")
    projection = layout.projection(index).layer(in: store, on: machine)
    streamShape = verticalGate.outputShape
  }

  /// Every layer of the block, for operations on all of them.
  var layers: [any PerExampleLayer] {
    [vertical, verticalGate, horizontal, link, horizontalGate, projection]
  }

  /// Advances both streams and adds to `skip`; the last block ends the horizontal stream.
  func forward(
    vertical above: Tensor, horizontal left: Tensor, skip: Tensor, in pass: Pass
  ) -> (vertical: Tensor, horizontal: Tensor?) {
    let down = verticalGate.forward(vertical.forward(above, in: pass), in: pass)
    if isResidual { pass.machine.add(above, to: down) }
    let joined = horizontal.forward(left, in: pass)
    pass.machine.add(link.forward(down, in: pass), to: joined)
    let projected = projection.forward(horizontalGate.forward(joined, in: pass), in: pass)
    if isLast {
      pass.machine.add(projected, to: skip)
      return (down, nil)
    }
    let right = pass.make(streamShape)
    split(projected, residual: isResidual ? left : nil, into: right, skip: skip, in: pass)
    return (down, right)
  }

  /// The gradients of the streams before the block from those after it.
  ///
  /// A nil gradient is zero: nothing reads the last block's streams.
  func backward(
    vertical downGradient: Tensor?, horizontal rightGradient: Tensor?, skip skipGradient: Tensor,
    needsInputGradient: Bool, in pass: Pass
  ) -> (vertical: Tensor?, horizontal: Tensor?) {
    let projectedGradient = rightGradient.map { join($0, skipGradient, in: pass) } ?? skipGradient
    let joinedGradient = required(
      horizontalGate.backward(
        required(projection.backward(projectedGradient, needsInputGradient: true, in: pass)),
        needsInputGradient: true, in: pass))
    let left = horizontal.backward(
      joinedGradient, needsInputGradient: needsInputGradient, in: pass)
    let down = required(link.backward(joinedGradient, needsInputGradient: true, in: pass))
    if let downGradient { pass.machine.add(downGradient, to: down) }
    let above = vertical.backward(
      required(verticalGate.backward(down, needsInputGradient: true, in: pass)),
      needsInputGradient: needsInputGradient, in: pass)
    if isResidual, let left, let above {
      if let rightGradient { pass.machine.add(rightGradient, to: left) }
      pass.machine.add(down, to: above)
    }
    return (above, left)
  }

  private func required(_ gradient: Tensor?) -> Tensor {
    guard let gradient else { preconditionFailure("a layer did not return the requested gradient") }
    return gradient
  }

  /// Splits the projection: one half joins the skips, the other continues with the residual.
  private func split(
    _ projected: Tensor, residual: Tensor?, into right: Tensor, skip: Tensor, in pass: Pass
  ) {
    let size = streamShape.count
    let channels = channels
    pass.machine.threads.forEach(pass.exampleCount) { example, _ in
      var source = projected.pointer + example * 2 * size
      let target = right.pointer + example * size
      let skips = skip.pointer + example * size
      let kept = residual.map { $0.pointer + example * size }
      for start in Swift.stride(from: 0, to: size, by: channels) {
        for channel in start..<(start + channels) {
          skips[channel] += source[channel - start]
          target[channel] = source[channel - start + channels]
        }
        source += 2 * channels
      }
      if let kept {
        for index in 0..<size { target[index] += kept[index] }
      }
    }
  }

  /// Computes the gradient of the projection from those of its halves.
  private func join(_ rightGradient: Tensor, _ skipGradient: Tensor, in pass: Pass) -> Tensor {
    let size = streamShape.count
    let channels = channels
    let joined = pass.make(projection.outputShape)
    pass.machine.threads.forEach(pass.exampleCount) { example, _ in
      var target = joined.pointer + example * 2 * size
      let right = rightGradient.pointer + example * size
      let skip = skipGradient.pointer + example * size
      for start in Swift.stride(from: 0, to: size, by: channels) {
        for channel in 0..<channels {
          target[channel] = skip[start + channel]
          target[channels + channel] = right[start + channel]
        }
        target += 2 * channels
      }
    }
    return joined
  }
}
