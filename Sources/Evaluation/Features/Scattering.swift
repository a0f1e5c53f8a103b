public import Compute

/// Wavelet scattering of two layers, two scales and eight directions, pooled to means and standard
/// deviations: features without training (Bruna & Mallat, arXiv 1203.1513).
///
/// Per channel there are 81 paths: the image, 16 moduli |x ∗ ψ₁| and 64 moduli ||x ∗ ψ₁| ∗ ψ₂| of
/// rising scale. Pixels count as numbers from 0 to 16, which brings typical features near one.
public struct Scattering: FeatureExtractor {
  /// "scattering".
  public let name = "scattering"
  /// The filters' and the pooling's version.
  public let version = 1
  /// One sentence for readers.
  public let explanation =
    "mean strength and variation of edges and of textures made of edges, in eight directions and two"
    + " sizes; nothing was trained"
  /// Never.
  public let learnedFromPrivateImages = false

  private let machine: Machine
  private static let directionCount = 8
  private static let batchSize = 64
  private static let fine = MorletFilters(scale: 0, directionCount: directionCount, radius: 4)
  private static let coarse = MorletFilters(scale: 1, directionCount: directionCount, radius: 7)
  /// Moduli of the first layer at both scales, and of the second layer.
  private static let pathCount = 1 + 2 * directionCount + directionCount * directionCount

  /// Creates an extractor that computes on `machine`.
  public init(on machine: Machine) {
    self.machine = machine
  }

  /// count × (2 · 81 · channels): means of all paths, then standard deviations, channel by channel.
  public func features(of images: LabelledImages) -> FeatureMatrix {
    let channels = images.shape[2]
    let width = 2 * Self.pathCount * channels
    let step = Step(machine: machine, height: images.shape[0], width: images.shape[1])
    return FeatureMatrix(count: images.count, width: width) { target in
      for start in stride(from: 0, to: images.count, by: Self.batchSize) {
        let range = start..<min(images.count, start + Self.batchSize)
        for channel in 0..<channels {
          let pooled = step.pooledPaths(of: images, range, channel: channel)
          for (index, image) in range.enumerated() {
            let row = image * width + channel * 2 * Self.pathCount
            for column in 0..<(2 * Self.pathCount) {
              target[row + column] = pooled[index * 2 * Self.pathCount + column]
            }
          }
        }
      }
    }
  }

  /// The convolutions of one image size.
  private struct Step {
    let machine: Machine
    let height: Int, width: Int
    let finePlan: ConvolutionPlan, coarsePlan: ConvolutionPlan
    let arena = Arena(blockByteCount: 64 << 20)

    init(machine: Machine, height: Int, width: Int) {
      self.machine = machine
      self.height = height
      self.width = width
      finePlan = Self.plan(fine, height, width, stride: 1, machine, arena)
      coarsePlan = Self.plan(coarse, height, width, stride: 2, machine, arena)
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

    /// One channel of a few images: 81 means, then 81 standard deviations, for each.
    func pooledPaths(of images: LabelledImages, _ range: Range<Int>, channel: Int) -> [Float] {
      arena.reset()
      var pooled = [Float](repeating: 0, count: range.count * 2 * pathCount)
      let planes = arena.make(Shape(range.count, height, width, 1))
      for (index, image) in range.enumerated() {
        let bytes = images[image]
        for pixel in 0..<(height * width) {
          planes.pointer[index * height * width + pixel] =
            Float(bytes[bytes.startIndex + pixel * images.shape[2] + channel]) * (16 / 255)
        }
      }
      pool(planes, planeCount: 1, firstPath: 0, into: &pooled)
      let fineModuli = moduli(of: planes, by: finePlan, radius: fine.radius)
      pool(fineModuli, planeCount: directionCount, firstPath: 1, into: &pooled)
      let coarseModuli = moduli(of: planes, by: coarsePlan, radius: coarse.radius)
      pool(
        coarseModuli, planeCount: directionCount, firstPath: 1 + directionCount, into: &pooled)
      let second = moduli(of: fineModuli, by: coarsePlan, radius: coarse.radius)
      pool(
        second, planeCount: directionCount * directionCount, firstPath: 1 + 2 * directionCount,
        into: &pooled)
      return pooled
    }

    /// Convolves planes (any count × rows × columns) with a filter bank and returns the moduli as planes.
    ///
    /// The directions of a plane are consecutive.
    private func moduli(of planes: Tensor, by plan: ConvolutionPlan, radius: Int) -> Tensor {
      let g = plan.geometry
      let planeCount = planes.count / (height * width)
      let padded = arena.make(Shape(planeCount, g.inputHeight, g.inputWidth, 1))
      machine.threads.forEach(planeCount) { plane, _ in reflect(planes, plane, radius, padded) }
      let output = arena.make(g.outputShape.batched(planeCount))
      plan.forward(padded, bias: nil, into: output)
      let positions = g.positionCount
      let result = arena.make(Shape(planeCount * directionCount, g.outputHeight, g.outputWidth, 1))
      machine.threads.forEach(planeCount) { plane, _ in
        for position in 0..<positions {
          let source = output.pointer + (plane * positions + position) * 2 * directionCount
          for direction in 0..<directionCount {
            let real = source[direction]
            let imaginary = source[directionCount + direction]
            result.pointer[(plane * directionCount + direction) * positions + position] =
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

    /// Means and standard deviations of planes, `planeCount` for each image.
    private func pool(
      _ planes: Tensor, planeCount: Int, firstPath: Int, into pooled: inout [Float]
    ) {
      let imageCount = pooled.count / (2 * pathCount)
      let size = planes.count / (imageCount * planeCount)
      pooled.withUnsafeMutableBufferPointer { buffer in
        nonisolated(unsafe) let buffer = buffer
        machine.threads.forEach(imageCount) { image, _ in
          for plane in 0..<planeCount {
            let source = planes.pointer + (image * planeCount + plane) * size
            var sum = 0.0
            var squares = 0.0
            for index in 0..<size {
              let value = Double(source[index])
              sum += value
              squares += value * value
            }
            let mean = sum / Double(size)
            let row = image * 2 * pathCount + firstPath + plane
            buffer[row] = Float(mean)
            buffer[row + pathCount] = Float(
              max(0, squares / Double(size) - mean * mean).squareRoot())
          }
        }
      }
    }
  }
}
