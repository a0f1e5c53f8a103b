import Compute
import Learning

/// Causal attention in the horizontal stream of a gated autoregressive network; its output is added
/// to the stream.
///
/// The stream at a pixel depends only on earlier pixels, so a pixel may attend to its own stream
/// and to all before it. Convolutions see a neighbourhood; attention finds distant information,
/// such as where a shape began and which levels it has (Chen and others 2018, arXiv 1712.09763).
/// Queries, keys and values also see the position of their pixel (`PositionCodes`). It is not a
/// layer itself, because it consists of two layers; `GatedStack` combines them all.
final class GatedAttention {
  private let attention: CausalAttention
  private let projection: any PerExampleLayer
  private let join: any PerExampleLayer
  private let codes: PositionCodes
  private let streamShape: Shape
  private var projected: Tensor?
  private var attended: Tensor?
  private var softmax: Tensor?

  init(
    _ index: Int, of layout: GatedStackLayout, heads: Int, parameters store: ParameterStore,
    on machine: Machine
  ) {
    attention = layout.causalAttention(heads: heads)
    projection = layout.attentionProjection(index).layer(in: store, on: machine)
    join = layout.attentionJoin(index).layer(in: store, on: machine)
    codes = PositionCodes(height: layout.height, width: layout.width)
    streamShape = Shape(layout.height, layout.width, layout.channels)
  }

  /// The layers with parameters.
  var layers: [any PerExampleLayer] { [projection, join] }

  /// Adds the attention of each pixel to the stream, in place.
  func forward(_ stream: Tensor, in pass: Pass) {
    let projected = projection.forward(withCodes(stream, in: pass), in: pass)
    let attended = pass.make(streamShape)
    let softmax = pass.make(Shape(attention.positionCount, attention.softmaxCount))
    attention.forward(projected, into: attended, softmax: softmax, on: pass.machine)
    pass.machine.add(join.forward(attended, in: pass), to: stream)
    (self.projected, self.attended, self.softmax) = (projected, attended, softmax)
  }

  /// Computes the gradient of the stream before the attention from that of the stream after it.
  func backward(_ gradient: Tensor, in pass: Pass) -> Tensor {
    guard let projected, let attended, let softmax,
      let attendedGradient = join.backward(gradient, needsInputGradient: true, in: pass)
    else { preconditionFailure("backward before forward") }
    let projectedGradient = pass.make(projection.outputShape)
    attention.backward(
      attendedGradient, projected: projected, output: attended, softmax: softmax,
      into: projectedGradient, on: pass.machine)
    guard
      let told = projection.backward(projectedGradient, needsInputGradient: true, in: pass)
    else { preconditionFailure("a layer did not return the requested gradient") }
    return streamPart(of: told, plus: gradient, in: pass)
  }

  /// The stream with the position codes of each pixel appended.
  private func withCodes(_ stream: Tensor, in pass: Pass) -> Tensor {
    let channels = streamShape[2]
    let (positions, told) = (attention.positionCount, channels + codes.count)
    let joined = pass.make(projection.inputShape)
    pass.machine.threads.forEach(pass.exampleCount) { [codes] example, _ in
      for position in 0..<positions {
        let place = example * positions + position
        codes.write(
          stream.pointer + place * channels, channels: channels, position: position,
          to: joined.pointer + place * told)
      }
    }
    return joined
  }

  private func streamPart(of told: Tensor, plus gradient: Tensor, in pass: Pass) -> Tensor {
    let channels = streamShape[2]
    let (positions, all) = (attention.positionCount, channels + codes.count)
    let part = pass.make(streamShape)
    pass.machine.threads.forEach(pass.exampleCount) { example, _ in
      for place in (example * positions)..<((example + 1) * positions) {
        for channel in 0..<channels {
          part.pointer[place * channels + channel] =
            gradient.pointer[place * channels + channel]
            + told.pointer[place * all + channel]
        }
      }
    }
    return part
  }
}
