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
    pass.forEachSquare(of: inputShape, size: size) { square in
      let target = output.pointer + square.offset
      target.update(repeating: 0, count: square.channels)
      for pixel in square.pixels {
        let source = input.pointer + pixel
        for channel in 0..<square.channels { target[channel] += source[channel] }
      }
      for channel in 0..<square.channels { target[channel] *= share }
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
    pass.forEachSquare(of: inputShape, size: size) { square in
      let source = outputGradient.pointer + square.offset
      for pixel in square.pixels {
        let target = inputGradient.pointer + pixel
        for channel in 0..<square.channels { target[channel] = source[channel] * share }
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
    pass.forEachSquare(of: inputShape, size: size) { square in
      let target = output.pointer + square.offset
      target.update(repeating: -.infinity, count: square.channels)
      for pixel in square.pixels {
        let source = input.pointer + pixel
        for channel in 0..<square.channels {
          let value = source[channel]
          // NaN counts as the largest value, so that an invalid example is detected.
          target[channel] = value > target[channel] || value.isNaN ? value : target[channel]
        }
      }
    }
    self.input = input
    self.output = output
    return output
  }

  /// Adds each gradient to the first pixel, in memory order, with the largest value.
  public func backward(
    _ outputGradient: Tensor, needsInputGradient: Bool, in pass: Pass
  ) -> Tensor? {
    guard needsInputGradient else { return nil }
    guard let input, let output else { preconditionFailure("backward before forward") }
    let inputGradient = pass.make(inputShape)
    inputGradient.fill(0)
    pass.forEachSquare(of: inputShape, size: size) { square in
      let largest = output.pointer + square.offset
      let remaining = square.scratch
      remaining.update(from: outputGradient.pointer + square.offset, count: square.channels)
      for pixel in square.pixels {
        let source = input.pointer + pixel
        let target = inputGradient.pointer + pixel
        for channel in 0..<square.channels {
          let isLargest = source[channel] == largest[channel]
          let gradient = remaining[channel]
          target[channel] = isLargest ? gradient : 0
          remaining[channel] = isLargest ? 0 : gradient
        }
      }
    }
    return inputGradient
  }
}

/// The shape of the image with one pixel per square of another image.
private func squares(of image: Shape, size: Int) -> Shape {
  Shape(image[0] / size, image[1] / size, image[2])
}

/// A square of pixels in a large image and its pixel in the small image.
private struct Square {
  /// The offsets of the square's pixels.
  let pixels: UnsafeBufferPointer<Int>
  /// The offset of its pixel in the small image.
  let offset: Int
  /// The channels of both images.
  let channels: Int
  /// Scratch memory for one number per channel.
  let scratch: UnsafeMutablePointer<Float>
}

extension Pass {
  /// Calls `body` for each square of each image of the batch, in parallel over examples.
  fileprivate func forEachSquare(of image: Shape, size: Int, _ body: (Square) -> Void) {
    let rows = image[0] / size
    let columns = image[1] / size
    let channels = image[2]
    let side = image[1]
    let scratch = arena.make(Shape(machine.threads.threadCount, channels)).pointer
    machine.threads.forEach(exampleCount) { example, worker in
      withUnsafeTemporaryAllocation(of: Int.self, capacity: size * size) { pixels in
        for square in 0..<(rows * columns) {
          let top = example * image[0] + square / columns * size
          let left = square % columns * size
          for index in 0..<(size * size) {
            pixels.initializeElement(
              at: index, to: ((top + index / size) * side + left + index % size) * channels)
          }
          body(
            Square(
              pixels: UnsafeBufferPointer(pixels),
              offset: (example * rows * columns + square) * channels, channels: channels,
              scratch: scratch + worker * channels))
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
}
