public import Compute

/// Wavelet scattering of two layers, two scales and eight directions: features without training
/// (Bruna & Mallat, arXiv 1203.1513).
///
/// A plane, one channel of an image, has 81 paths: the plane itself, 16 moduli |x ∗ ψ₁| and 64 moduli
/// ||x ∗ ψ₁| ∗ ψ₂| of rising scale. What is pooled from them is the caller's choice. Paths of a plane depend
/// on no other plane.
public final class ScatteringTransform {
  /// Directions of the wavelets, evenly spread over a half turn.
  public static let directionCount = 8
  /// The plane, the moduli of the first layer at both scales, and those of the second layer.
  public static let pathCount = 1 + 2 * directionCount + directionCount * directionCount

  /// Some of the paths of each plane of a batch.
  public struct Paths {
    /// planes × `count` × rows × columns.
    public let values: Tensor
    /// The number of these paths of a plane.
    public let count: Int
    /// Their rows and columns; half as many as the plane's, rounded up, after a filter of the coarse scale.
    public let height: Int, width: Int
    /// Pixels of the plane from one position to the next.
    public let stride: Int
  }

  private static let fine = MorletFilters(scale: 0, directionCount: directionCount, radius: 4)
  private static let coarse = MorletFilters(scale: 1, directionCount: directionCount, radius: 7)

  private let machine: Machine
  private let height: Int, width: Int
  private let finePlan: ConvolutionPlan, coarsePlan: ConvolutionPlan
  private let arena = Arena(blockByteCount: 64 << 20)

  /// Prepares the convolutions for planes of this size.
  public init(height: Int, width: Int, on machine: Machine) {
    self.machine = machine
    self.height = height
    self.width = width
    finePlan = Self.plan(Self.fine, height, width, stride: 1, machine, arena)
    coarsePlan = Self.plan(Self.coarse, height, width, stride: 2, machine, arena)
  }

  private static func plan(
    _ filters: MorletFilters, _ height: Int, _ width: Int, stride: Int, _ machine: Machine,
    _ arena: Arena
  ) -> ConvolutionPlan {
    let side = 2 * filters.radius + 1
    let geometry = ConvolutionGeometry(
      inputHeight: height + 2 * filters.radius, inputWidth: width + 2 * filters.radius,
      inputChannels: 1, outputChannels: 2 * filters.directionCount, kernelHeight: side,
      kernelWidth: side, stride: stride, padding: .all(0))
    let plan = ConvolutionPlan(geometry, on: machine)
    let weights = arena.make(geometry.weightShape)
    weights.assign(filters.weights)
    plan.setWeights(weights)
    return plan
  }

  /// Computes the paths of planes (count × rows × columns), in the order image, fine moduli, coarse moduli,
  /// second layer; the directions of one plane are consecutive.
  ///
  /// They are valid until the next call. `visit` receives them while they are in memory.
  public func forEachPaths(of planes: Tensor, _ visit: (Paths) -> Void) {
    arena.reset()
    let count = planes.count / (height * width)
    let directions = Self.directionCount
    let (halfHeight, halfWidth) = (
      coarsePlan.geometry.outputHeight, coarsePlan.geometry.outputWidth
    )
    visit(Paths(values: planes, count: 1, height: height, width: width, stride: 1))
    let fine = moduli(of: planes, count, by: finePlan, radius: Self.fine.radius)
    visit(Paths(values: fine, count: directions, height: height, width: width, stride: 1))
    let coarse = moduli(of: planes, count, by: coarsePlan, radius: Self.coarse.radius)
    visit(
      Paths(values: coarse, count: directions, height: halfHeight, width: halfWidth, stride: 2))
    let second = moduli(of: fine, count * directions, by: coarsePlan, radius: Self.coarse.radius)
    visit(
      Paths(
        values: second, count: directions * directions, height: halfHeight, width: halfWidth,
        stride: 2))
  }

  /// Forgets the planes that were transformed last: they may be private.
  func forget() { arena.reset() }

  /// Convolves planes with a filter bank and returns the moduli as planes.
  private func moduli(
    of planes: Tensor, _ planeCount: Int, by plan: ConvolutionPlan, radius: Int
  ) -> Tensor {
    let geometry = plan.geometry
    let padded = arena.make(Shape(planeCount, geometry.inputHeight, geometry.inputWidth, 1))
    machine.threads.forEach(planeCount) { plane, _ in reflect(planes, plane, radius, padded) }
    let output = arena.make(geometry.outputShape.batched(planeCount))
    plan.forward(padded, bias: nil, into: output)
    let positions = geometry.positionCount
    let directions = Self.directionCount
    let result = arena.make(
      Shape(planeCount * directions, geometry.outputHeight, geometry.outputWidth, 1))
    machine.threads.forEach(planeCount) { plane, _ in
      for position in 0..<positions {
        let source = output.pointer + (plane * positions + position) * 2 * directions
        for direction in 0..<directions {
          let real = source[direction]
          let imaginary = source[directions + direction]
          result.pointer[(plane * directions + direction) * positions + position] =
            (real * real + imaginary * imaginary).squareRoot()
        }
      }
    }
    return result
  }

  /// Copies a plane into the middle of a larger one and mirrors it at the edges.
  private func reflect(_ planes: Tensor, _ plane: Int, _ radius: Int, _ padded: Tensor) {
    let paddedWidth = width + 2 * radius
    let source = planes.pointer + plane * height * width
    let target = padded.pointer + plane * (height + 2 * radius) * paddedWidth
    for row in 0..<(height + 2 * radius) {
      let sourceRow = Self.mirrored(row - radius, height)
      for column in 0..<paddedWidth {
        target[row * paddedWidth + column] =
          source[sourceRow * width + Self.mirrored(column - radius, width)]
      }
    }
  }

  /// The index in 0..<count that corresponds to `place` after reflection at both edges.
  private static func mirrored(_ place: Int, _ count: Int) -> Int {
    if count == 1 { return 0 }
    let period = 2 * (count - 1)
    let folded = ((place % period) + period) % period
    return folded < count ? folded : period - folded
  }
}
