import CKernels

/// The gated activation of autoregressive networks: half of the channels passes through tanh and is
/// multiplied by the sigmoid of the other half (van den Oord and others 2016, arXiv 1606.05328,
/// equation 2).
///
/// Of 2C inputs, the first C are the content and the others its gate. A position's results do not
/// depend on other positions, so whole images and single pixels produce the same bits.
package struct Gates: Sendable {
  /// C, the number of outputs per position.
  package let channels: Int
  private let kernels: Kernels

  /// Describes gates of `channels` outputs.
  package init(channels: Int, on machine: Machine) {
    precondition(channels > 0, "a gate without channels")
    self.channels = channels
    kernels = machine.kernels
  }

  /// Computes consecutive positions: `input` is position × 2C, `output` is position × C.
  ///
  /// The 2C numbers at `biases + offsets[p]` are first added to the input of position p, or those
  /// at `biases` if there are no offsets. `parts` keeps tanh and sigmoid (position × 2C) for
  /// `backward`. Each result is within 2⁻²² of the exact value, and NaN if the input is NaN.
  package func forward(
    _ input: UnsafePointer<Float>, biases: UnsafePointer<Float>, offsets: [Int32]? = nil,
    positions: Int, parts: UnsafeMutablePointer<Float>? = nil,
    into output: UnsafeMutablePointer<Float>
  ) {
    precondition(offsets.map { $0.count == positions } ?? true, "one offset per position")
    var task = ck_gate()
    task.source = input
    task.biases = biases
    task.parts = parts
    task.target = output
    task.position_count = positions
    task.channels = channels
    guard let offsets else { return kernels.table.pointee.f32_gate(&task) }
    offsets.withUnsafeBufferPointer {
      task.bias_offsets = $0.baseAddress
      kernels.table.pointee.f32_gate(&task)
    }
  }

  /// Computes the gradient of the inputs, position × 2C, from that of the outputs and the kept parts.
  package func backward(
    _ outputGradient: UnsafePointer<Float>, parts: UnsafePointer<Float>, positions: Int,
    into inputGradient: UnsafeMutablePointer<Float>
  ) {
    kernels.table.pointee.f32_gate_gradient(
      outputGradient, parts, inputGradient, positions, channels)
  }
}
