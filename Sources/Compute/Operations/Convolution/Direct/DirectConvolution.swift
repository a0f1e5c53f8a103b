/// A convolution in the direct form: its definition, one loop per axis, in Double.
///
///     y[n,p,q,o] = b[o] + Σ r,s,i x[n, t·p + r − top, t·q + s − left, i] · w[r,s,i,o]
///
/// It is the reference with which tests compare the other forms on every instruction set, and the
/// place to read what they compute. No shipped code calls it, because it is slow.
/// <doc:FormsOfConvolution> explains the letters.
///
/// Arrays are laid out like tensors: images batch × height × width × channels, weights kernel height
/// × kernel width × input channels × output channels.
package struct DirectConvolution {
  /// The sizes.
  package let geometry: ConvolutionGeometry

  /// Describes a convolution of these sizes.
  package init(_ geometry: ConvolutionGeometry) {
    self.geometry = geometry
  }

  /// The outputs: at each position the sum over taps and input channels of input × weight, plus the
  /// channel's bias.
  package func forward(_ input: [Float], weights: [Float], bias: [Float]?) -> [Double] {
    let g = geometry
    let exampleCount = input.count / g.inputShape.count
    var output = (0..<exampleCount * g.outputShape.count).map {
      Double(bias?[$0 % g.outputChannels] ?? 0)
    }
    forEachTap(exampleCount) { inputOffset, outputOffset, weightOffset, _ in
      for i in 0..<g.inputChannels {
        let x = Double(input[inputOffset + i])
        for o in 0..<g.outputChannels {
          output[outputOffset + o] += x * Double(weights[weightOffset + i * g.outputChannels + o])
        }
      }
    }
    return output
  }

  /// The gradient of the input, plus a bias per input channel: the forward pass of a transposed
  /// convolution.
  package func backwardData(_ outputGradient: [Float], weights: [Float], bias: [Float]?) -> [Double]
  {
    let g = geometry
    let exampleCount = outputGradient.count / g.outputShape.count
    var gradient = (0..<exampleCount * g.inputShape.count).map {
      Double(bias?[$0 % g.inputChannels] ?? 0)
    }
    forEachTap(exampleCount) { inputOffset, outputOffset, weightOffset, _ in
      for i in 0..<g.inputChannels {
        var sum = 0.0
        for o in 0..<g.outputChannels {
          sum +=
            Double(outputGradient[outputOffset + o])
            * Double(weights[weightOffset + i * g.outputChannels + o])
        }
        gradient[inputOffset + i] += sum
      }
    }
    return gradient
  }

  /// Each example's gradient of the weights: the sum over positions of input × output gradient.
  package func weightGradients(_ input: [Float], outputGradient: [Float]) -> [[Double]] {
    let g = geometry
    let exampleCount = input.count / g.inputShape.count
    var gradients = [[Double]](
      repeating: [Double](repeating: 0, count: g.weightCount), count: exampleCount)
    forEachTap(exampleCount) { inputOffset, outputOffset, weightOffset, example in
      gradients[example].withUnsafeMutableBufferPointer { gradient in
        for i in 0..<g.inputChannels {
          let x = Double(input[inputOffset + i])
          for o in 0..<g.outputChannels {
            gradient[weightOffset + i * g.outputChannels + o] +=
              x * Double(outputGradient[outputOffset + o])
          }
        }
      }
    }
    return gradients
  }

  /// Calls `body` for each position and each tap that reads a pixel there, with the offsets of the
  /// input pixel, the output pixel and the tap's weights, and the number of the example.
  private func forEachTap(
    _ exampleCount: Int,
    _ body: (_ input: Int, _ output: Int, _ weights: Int, _ example: Int) -> Void
  ) {
    let g = geometry
    for example in 0..<exampleCount {
      for outputRow in 0..<g.outputHeight {
        for outputColumn in 0..<g.outputWidth {
          for tapRow in 0..<g.kernelHeight {
            let row = outputRow * g.stride + tapRow - g.padding.top
            guard (0..<g.inputHeight).contains(row) else { continue }
            for tapColumn in 0..<g.kernelWidth {
              let column = outputColumn * g.stride + tapColumn - g.padding.left
              guard (0..<g.inputWidth).contains(column) else { continue }
              let outputPixel =
                (example * g.outputHeight + outputRow) * g.outputWidth + outputColumn
              body(
                ((example * g.inputHeight + row) * g.inputWidth + column) * g.inputChannels,
                outputPixel * g.outputChannels,
                (tapRow * g.kernelWidth + tapColumn) * g.inputChannels * g.outputChannels, example)
            }
          }
        }
      }
    }
  }
}
