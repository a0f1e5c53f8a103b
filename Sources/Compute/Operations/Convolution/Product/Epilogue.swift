import CKernels

/// One operation of a product's epilogue, which is applied to each number as soon as it is
/// computed, while it is still in the cache.
///
/// Results are bit-identical to the same operation over a whole tensor (`Pointwise.swift`).
public enum EpilogueStep {
  /// Adds a row of `table` (rows × channels) at every position: the row with the example's index in
  /// `rows`.
  case addRows(of: Tensor, rows: [Int])
  /// Leaky rectifier: x where x > 0, slope·x elsewhere.
  case leakyReLU(slope: Float)
  /// Gradient of the leaky rectifier, from its `output` (or its input, which has the same sign).
  case leakyReLUGradient(output: Tensor, slope: Float)
}

/// The part of a product's target that an epilogue runs on.
struct EpilogueTarget {
  /// The target and its number of channels.
  let target: UnsafeMutablePointer<Float>
  let channelCount: Int
  /// The example's number in the batch, and the offset of the part in the target.
  let example: Int, offset: Int
  let pixelCount: Int
  /// The channels of each pixel.
  let channels: Range<Int>

  func run(_ epilogue: [EpilogueStep], _ table: ck_kernels) {
    for step in epilogue {
      switch step {
      case .addRows(let values, let rows):
        let columns = values.shape[1]
        add(values.pointer + rows[example] * columns, columns, table)
      case .leakyReLU(let slope):
        forEachRun { table.f32_leaky_relu(target + $0, slope, target + $0, $1) }
      case .leakyReLUGradient(let output, let slope):
        let output = output.pointer
        forEachRun {
          table.f32_leaky_relu_gradient(target + $0, output + $0, slope, target + $0, $1)
        }
      }
    }
  }

  /// Adds a row at every position; a pixel of a dense product contains several positions.
  private func add(_ row: UnsafePointer<Float>, _ columns: Int, _ table: ck_kernels) {
    for pixel in 0..<pixelCount {
      let place = offset + pixel * channelCount
      var channel = channels.lowerBound
      while channel < channels.upperBound {
        let column = channel % columns
        let count = min(columns - column, channels.upperBound - channel)
        table.f32_add_scaled(row + column, 1, target + place + channel, count)
        channel += count
      }
    }
  }

  /// Calls `body` for each contiguous run: one, if the part has all channels.
  private func forEachRun(_ body: (_ place: Int, _ count: Int) -> Void) {
    if channels.count == channelCount { return body(offset, pixelCount * channelCount) }
    for pixel in 0..<pixelCount {
      body(offset + pixel * channelCount + channels.lowerBound, channels.count)
    }
  }
}

extension Machine {
  /// Computes `output` (batch × positions × channels) from `input`: the step as a separate pass.
  package func run(_ step: EpilogueStep, on input: Tensor, channels: Int, into output: Tensor) {
    let size = output.shape.count / max(1, output.shape[0])
    let table = kernels.table.pointee
    threads.forEach(output.shape[0]) { example, _ in
      (output.pointer + example * size).update(from: input.pointer + example * size, count: size)
      EpilogueTarget(
        target: output.pointer, channelCount: channels, example: example, offset: example * size,
        pixelCount: size / channels, channels: 0..<channels
      ).run([step], table)
    }
  }
}
