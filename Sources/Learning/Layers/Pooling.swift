public import Compute

/// The mean of each square of `size` × `size` pixels, without overlap.
public final class AveragePooling: ParameterFreeLayer {
  /// Rows, columns and channels of one input example.
  public let inputShape: Shape
  /// The side of a square.
  public let size: Int

  /// Creates the layer; rows and columns that fill no square are left out.
  public init(size: Int, input: Shape) {
    precondition(input.rank == 3, "pooling takes height × width × channels, not \(input)")
    precondition(size > 0 && size <= min(input[0], input[1]), "pooling \(size) of \(input)")
    inputShape = input
    self.size = size
  }

  /// What `describe` prints.
  public var summary: String { "average pooling \(size)×\(size)" }

  /// The shape of one output example.
  public var outputShape: Shape { squares(of: inputShape, size: size) }

  /// Computes the outputs of a micro-batch.
  public func forward(_ input: Tensor, in pass: Pass) -> Tensor {
    let output = pass.make(outputShape)
    let share = 1 / Float(size * size)
    pass.forEachSquare(of: inputShape, size: size) { pixels, square, channels in
      let target = output.pointer + square
      target.update(repeating: 0, count: channels)
      for pixel in pixels {
        let source = input.pointer + pixel
        for channel in 0..<channels { target[channel] += source[channel] }
      }
      for channel in 0..<channels { target[channel] *= share }
    }
    return output
  }

  /// Computes the input's gradient, if it is needed, and keeps what `addGradient` needs.
  public func backward(
    _ outputGradient: Tensor, needsInputGradient: Bool, in pass: Pass
  ) -> Tensor? {
    guard needsInputGradient else { return nil }
    let inputGradient = pass.make(inputShape)
    inputGradient.fill(0)
    let share = 1 / Float(size * size)
    pass.forEachSquare(of: inputShape, size: size) { pixels, square, channels in
      let source = outputGradient.pointer + square
      for pixel in pixels {
        let target = inputGradient.pointer + pixel
        for channel in 0..<channels { target[channel] = source[channel] * share }
      }
    }
    return inputGradient
  }
}

/// The largest value of each square of `size` × `size` pixels, per channel, without overlap.
public final class MaxPooling: ParameterFreeLayer {
  /// Rows, columns and channels of one input example.
  public let inputShape: Shape
  /// The side of a square.
  public let size: Int
  private var input: Tensor?
  private var output: Tensor?

  /// Creates the layer; rows and columns that fill no square are left out.
  public init(size: Int, input: Shape) {
    precondition(input.rank == 3, "pooling takes height × width × channels, not \(input)")
    precondition(size > 0 && size <= min(input[0], input[1]), "pooling \(size) of \(input)")
    inputShape = input
    self.size = size
  }

  /// What `describe` prints.
  public var summary: String { "max pooling \(size)×\(size)" }

  /// The shape of one output example.
  public var outputShape: Shape { squares(of: inputShape, size: size) }

  /// Computes the outputs of a micro-batch.
  public func forward(_ input: Tensor, in pass: Pass) -> Tensor {
    let output = pass.make(outputShape)
    pass.forEachSquare(of: inputShape, size: size) { pixels, square, channels in
      let target = output.pointer + square
      target.update(repeating: -.infinity, count: channels)
      for pixel in pixels {
        let source = input.pointer + pixel
        for channel in 0..<channels where !(source[channel] <= target[channel]) {
          target[channel] = source[channel]
        }
      }
    }
    self.input = input
    self.output = output
    return output
  }

  /// Hands each gradient to the first pixel, in memory order, that has the largest value.
  public func backward(
    _ outputGradient: Tensor, needsInputGradient: Bool, in pass: Pass
  ) -> Tensor? {
    guard needsInputGradient else { return nil }
    guard let input, let output else { preconditionFailure("backward before forward") }
    let inputGradient = pass.make(inputShape)
    inputGradient.fill(0)
    pass.forEachSquare(of: inputShape, size: size) { pixels, square, channels in
      for channel in 0..<channels {
        let largest = output.pointer[square + channel]
        for pixel in pixels where input.pointer[pixel + channel] == largest {
          inputGradient.pointer[pixel + channel] = outputGradient.pointer[square + channel]
          break
        }
      }
    }
    return inputGradient
  }
}

/// Repeats each pixel as a square of `factor` × `factor`.
public final class Upsampling: ParameterFreeLayer {
  /// Rows, columns and channels of one input example.
  public let inputShape: Shape
  /// The side of a square.
  public let factor: Int

  /// Creates the layer.
  public init(factor: Int, input: Shape) {
    precondition(input.rank == 3, "upsampling takes height × width × channels, not \(input)")
    precondition(factor > 0, "upsampling by \(factor)")
    inputShape = input
    self.factor = factor
  }

  /// What `describe` prints.
  public var summary: String { "upsampling \(factor)×\(factor)" }

  /// The shape of one output example.
  public var outputShape: Shape {
    Shape(inputShape[0] * factor, inputShape[1] * factor, inputShape[2])
  }

  /// Computes the outputs of a micro-batch.
  public func forward(_ input: Tensor, in pass: Pass) -> Tensor {
    let output = pass.make(outputShape)
    pass.forEachSquare(of: outputShape, size: factor) { pixels, square, channels in
      let source = input.pointer + square
      for pixel in pixels {
        (output.pointer + pixel).update(from: source, count: channels)
      }
    }
    return output
  }

  /// Computes the input's gradient, if it is needed, and keeps what `addGradient` needs.
  public func backward(
    _ outputGradient: Tensor, needsInputGradient: Bool, in pass: Pass
  ) -> Tensor? {
    guard needsInputGradient else { return nil }
    let inputGradient = pass.make(inputShape)
    pass.forEachSquare(of: outputShape, size: factor) { pixels, square, channels in
      let target = inputGradient.pointer + square
      target.update(repeating: 0, count: channels)
      for pixel in pixels {
        let source = outputGradient.pointer + pixel
        for channel in 0..<channels { target[channel] += source[channel] }
      }
    }
    return inputGradient
  }
}

/// The image that holds one pixel for each square of another.
private func squares(of image: Shape, size: Int) -> Shape {
  Shape(image[0] / size, image[1] / size, image[2])
}

extension Pass {
  /// Calls `body` for each square of each image of the batch, in parallel over examples, with the
  /// offsets of its pixels in the large image and of its own pixel in the small one.
  fileprivate func forEachSquare(
    of image: Shape, size: Int, _ body: ([Int], Int, _ channels: Int) -> Void
  ) {
    let small = squares(of: image, size: size)
    let channels = image[2]
    machine.threads.forEach(exampleCount) { example, _ in
      var pixels = [Int](repeating: 0, count: size * size)
      for row in 0..<small[0] {
        for column in 0..<small[1] {
          for index in pixels.indices {
            let y = row * size + index / size
            let x = column * size + index % size
            pixels[index] = ((example * image[0] + y) * image[1] + x) * channels
          }
          body(pixels, ((example * small[0] + row) * small[1] + column) * channels, channels)
        }
      }
    }
  }
}

extension LayerBuilder {
  /// Appends the mean over squares of `size` × `size` pixels.
  public mutating func averagePooling(_ size: Int = 2) {
    append(AveragePooling(size: size, input: shape))
  }

  /// Appends the largest value over squares of `size` × `size` pixels.
  public mutating func maxPooling(_ size: Int = 2) {
    append(MaxPooling(size: size, input: shape))
  }

  /// Appends an enlargement that repeats each pixel `factor` × `factor` times.
  public mutating func upsampling(_ factor: Int = 2) {
    append(Upsampling(factor: factor, input: shape))
  }
}
