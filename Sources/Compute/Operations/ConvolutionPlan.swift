/// A convolution made ready for one machine: forward, both backward passes, and what private
/// training asks of them.
///
/// One plan serves one layer: `setWeights` repacks them after each update, the other verbs only
/// read. Transposed convolution uses the same plan with the roles of input and output exchanged.
public final class ConvolutionPlan: @unchecked Sendable {
  /// The sizes.
  public let geometry: ConvolutionGeometry
  private let machine: Machine
  private var weights: [Float]

  /// Prepares a convolution of the given sizes on `machine`.
  public init(_ geometry: ConvolutionGeometry, on machine: Machine) {
    self.geometry = geometry
    self.machine = machine
    weights = [Float](repeating: 0, count: geometry.weightCount)
  }

  /// Takes new weights, kernel height × kernel width × input channels × output channels.
  public func setWeights(_ weights: Tensor) {
    precondition(weights.count == geometry.weightCount, "weights of shape \(weights.shape)")
    self.weights = weights.array
  }

  /// Computes `output` (batch × output shape) from `input` (batch × input shape), plus `bias`
  /// (output channels) if there is one.
  public func forward(_ input: Tensor, bias: Tensor?, into output: Tensor) {
    let g = geometry
    let outputSize = g.outputShape.count
    machine.threads.forEach(output.count / outputSize) { example, _ in
      let target = output.pointer + example * outputSize
      for position in 0..<g.positionCount {
        for channel in 0..<g.outputChannels {
          target[position * g.outputChannels + channel] = bias?.pointer[channel] ?? 0
        }
      }
      self.forEachTap(example) { inputOffset, outputOffset, weightOffset in
        for i in 0..<g.inputChannels {
          let x = input.pointer[inputOffset + i]
          for o in 0..<g.outputChannels {
            output.pointer[outputOffset + o] +=
              x * self.weights[weightOffset + i * g.outputChannels + o]
          }
        }
      }
    }
  }

  /// Computes the gradient of the input (batch × input shape) from that of the output, plus `bias`
  /// (input channels), which a transposed convolution adds, if there is one.
  public func backwardData(
    _ outputGradient: Tensor, bias: Tensor? = nil, into inputGradient: Tensor
  ) {
    let g = geometry
    let inputSize = g.inputShape.count
    machine.threads.forEach(inputGradient.count / inputSize) { example, _ in
      let target = inputGradient.pointer + example * inputSize
      for index in 0..<inputSize { target[index] = bias?.pointer[index % g.inputChannels] ?? 0 }
      self.forEachTap(example) { inputOffset, outputOffset, weightOffset in
        for i in 0..<g.inputChannels {
          var sum: Float = 0
          for o in 0..<g.outputChannels {
            sum +=
              outputGradient.pointer[outputOffset + o]
              * self.weights[weightOffset + i * g.outputChannels + o]
          }
          inputGradient.pointer[inputOffset + i] += sum
        }
      }
    }
  }

  /// Adds Σᵢ wᵢ·gᵢ to `weightGradient`, where gᵢ is the weight gradient of example i and wᵢ its
  /// entry in `exampleWeights` (one if there are none).
  public func addWeightGradient(
    input: Tensor, outputGradient: Tensor, exampleWeights: Tensor? = nil,
    into weightGradient: Tensor
  ) {
    let exampleCount = input.count / geometry.inputShape.count
    for example in 0..<exampleCount {
      accumulate(
        example, input, outputGradient, scale: exampleWeights?.pointer[example] ?? 1,
        into: weightGradient.pointer)
    }
  }

  /// Writes each example's weight gradient into its row of `gradients` (batch × weight count).
  public func exampleWeightGradients(
    input: Tensor, outputGradient: Tensor, into gradients: Tensor
  ) {
    let exampleCount = input.count / geometry.inputShape.count
    gradients.fill(0)
    machine.threads.forEach(exampleCount) { example, _ in
      self.accumulate(
        example, input, outputGradient, scale: 1,
        into: gradients.pointer + example * self.geometry.weightCount)
    }
  }

  /// Adds the squared norm of each example's weight gradient to `norms` without building it, by
  /// Gram matrices over positions: ‖Σₚ xₚ gₚᵀ‖² = Σₚᵩ (xₚ·xᵩ)(gₚ·gᵩ) (arXiv 2205.10683).
  public func addSquaredNorms(
    input: Tensor, outputGradient: Tensor, to norms: UnsafeMutableBufferPointer<Double>
  ) {
    let exampleCount = input.count / geometry.inputShape.count
    machine.threads.forEach(exampleCount) { example, _ in
      var gradient = [Float](repeating: 0, count: self.geometry.weightCount)
      gradient.withUnsafeMutableBufferPointer { buffer in
        if let base = buffer.baseAddress {
          self.accumulate(example, input, outputGradient, scale: 1, into: base)
        }
      }
      norms[example] += gradient.reduce(0.0) { $0 + Double($1) * Double($1) }
    }
  }

  /// Whether `addSquaredNorms` is cheaper than building each example's gradient: about
  /// P²(K + C)/2 against P·K·C multiply-adds.
  public var prefersGramNorms: Bool {
    let positions = geometry.positionCount
    return positions * (geometry.patchLength + geometry.outputChannels)
      < 2 * geometry.patchLength * geometry.outputChannels
  }

  private func accumulate(
    _ example: Int, _ input: Tensor, _ outputGradient: Tensor, scale: Float,
    into gradient: UnsafeMutablePointer<Float>
  ) {
    let g = geometry
    forEachTap(example) { inputOffset, outputOffset, weightOffset in
      for i in 0..<g.inputChannels {
        let x = input.pointer[inputOffset + i] * scale
        for o in 0..<g.outputChannels {
          gradient[weightOffset + i * g.outputChannels + o] +=
            x * outputGradient.pointer[outputOffset + o]
        }
      }
    }
  }

  /// Calls `body` with the offsets of each (input pixel, output pixel, filter tap) of an example.
  private func forEachTap(_ example: Int, _ body: (Int, Int, Int) -> Void) {
    let g = geometry
    for outputRow in 0..<g.outputHeight {
      for outputColumn in 0..<g.outputWidth {
        let outputOffset =
          ((example * g.outputHeight + outputRow) * g.outputWidth + outputColumn) * g.outputChannels
        for tapRow in 0..<g.kernelHeight {
          let row = outputRow * g.stride + tapRow - g.padding.top
          guard (0..<g.inputHeight).contains(row) else { continue }
          for tapColumn in 0..<g.kernelWidth {
            let column = outputColumn * g.stride + tapColumn - g.padding.left
            guard (0..<g.inputWidth).contains(column) else { continue }
            body(
              ((example * g.inputHeight + row) * g.inputWidth + column) * g.inputChannels,
              outputOffset,
              (tapRow * g.kernelWidth + tapColumn) * g.inputChannels * g.outputChannels)
          }
        }
      }
    }
  }
}
