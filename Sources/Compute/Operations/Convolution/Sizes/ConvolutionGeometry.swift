/// The sizes of a two-dimensional convolution over images in height × width × channels order.
///
/// A dense layer is the case of one position: `dense(inputs:outputs:)`.
public struct ConvolutionGeometry: Hashable, Sendable, Codable {
  /// Rows added around the input, read as zero.
  public struct Padding: Hashable, Sendable, Codable {
    /// Rows above, columns left, rows below, columns right.
    public let top: Int, left: Int, bottom: Int, right: Int

    /// Creates a padding per side.
    public init(top: Int, left: Int, bottom: Int, right: Int) {
      self.top = top
      self.left = left
      self.bottom = bottom
      self.right = right
    }

    /// The same padding on all four sides.
    public static func all(_ width: Int) -> Padding {
      Padding(top: width, left: width, bottom: width, right: width)
    }
  }

  /// The input image: rows, columns and channels.
  public let inputHeight: Int, inputWidth: Int, inputChannels: Int
  /// The number of filters.
  public let outputChannels: Int
  /// The filter's rows and columns.
  public let kernelHeight: Int, kernelWidth: Int
  /// The step between neighbouring filter positions, along both axes.
  public let stride: Int
  /// Zeros read around the input.
  public let padding: Padding

  /// Creates a geometry; the output must have at least one position.
  public init(
    inputHeight: Int, inputWidth: Int, inputChannels: Int, outputChannels: Int,
    kernelHeight: Int, kernelWidth: Int, stride: Int, padding: Padding
  ) {
    self.inputHeight = inputHeight
    self.inputWidth = inputWidth
    self.inputChannels = inputChannels
    self.outputChannels = outputChannels
    self.kernelHeight = kernelHeight
    self.kernelWidth = kernelWidth
    self.stride = stride
    self.padding = padding
    precondition(stride > 0 && inputChannels > 0 && outputChannels > 0, "empty convolution")
    precondition(outputHeight > 0 && outputWidth > 0, "the kernel is larger than the input")
  }

  /// A matrix product per example: `inputs` numbers in, `outputs` numbers out.
  public static func dense(inputs: Int, outputs: Int) -> ConvolutionGeometry {
    ConvolutionGeometry(
      inputHeight: 1, inputWidth: 1, inputChannels: inputs, outputChannels: outputs,
      kernelHeight: 1, kernelWidth: 1, stride: 1, padding: .all(0))
  }

  /// Rows of the output.
  public var outputHeight: Int {
    (inputHeight + padding.top + padding.bottom - kernelHeight) / stride + 1
  }

  /// Columns of the output.
  public var outputWidth: Int {
    (inputWidth + padding.left + padding.right - kernelWidth) / stride + 1
  }

  /// Filter positions per image (P in the norm formulas).
  public var positionCount: Int { outputHeight * outputWidth }

  /// Inputs that one filter position reads (K in the norm formulas).
  public var patchLength: Int { kernelHeight * kernelWidth * inputChannels }

  /// Weights of all filters, without biases.
  public var weightCount: Int { patchLength * outputChannels }

  /// Shape of the weights: kernel height × kernel width × input channels × output channels.
  public var weightShape: Shape {
    Shape(kernelHeight, kernelWidth, inputChannels, outputChannels)
  }

  /// Shape of one input example.
  public var inputShape: Shape { Shape(inputHeight, inputWidth, inputChannels) }

  /// Shape of one output example.
  public var outputShape: Shape { Shape(outputHeight, outputWidth, outputChannels) }

  /// Multiply-adds of one pass over one example.
  public var multiplyAdds: Int { positionCount * weightCount }
}

// Sizes derived for products.
extension ConvolutionGeometry {
  var input: ImageExtent {
    ImageExtent(height: inputHeight, width: inputWidth, channels: inputChannels)
  }

  var output: ImageExtent {
    ImageExtent(height: outputHeight, width: outputWidth, channels: outputChannels)
  }

  var needsPadding: Bool { padding != .all(0) }
}
