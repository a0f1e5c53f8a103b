import Compute

/// A plain convolution in Double, one loop per axis: what every kernel is checked against.
struct Reference {
  let geometry: ConvolutionGeometry

  func forward(_ input: [Float], weights: [Float], bias: [Float]?) -> [Double] {
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

  func backwardData(_ outputGradient: [Float], weights: [Float], bias: [Float]?) -> [Double] {
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

  /// Each example's weight gradient.
  func weightGradients(_ input: [Float], outputGradient: [Float]) -> [[Double]] {
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

  /// Calls `body` with the offsets of each input pixel, output pixel and filter tap.
  private func forEachTap(_ exampleCount: Int, _ body: (Int, Int, Int, Int) -> Void) {
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

/// Normalised mean square error: ‖a − b‖² / ‖b‖².
func normalizedError(_ values: [Float], _ expected: [Double]) -> Double {
  precondition(values.count == expected.count)
  var error = 0.0
  var size = 0.0
  for (value, truth) in zip(values, expected) {
    error += (Double(value) - truth) * (Double(value) - truth)
    size += truth * truth
  }
  return size == 0 ? error : error / size
}

/// Random floats and tensors of a seed.
func randomFloats(_ count: Int, seed: UInt64) -> [Float] {
  var stream = SeededStream(seed: seed)
  return (0..<count).map { _ in Float(stream.gaussian()) }
}

extension Arena {
  func make(_ shape: Shape, _ values: [Float]) -> Tensor {
    let tensor = make(shape)
    tensor.assign(values)
    return tensor
  }
}
