public import Compute
import Glibc

/// Features of an image for a linear classifier: the paths of its scattering transform, averaged over the
/// cells of a coarse grid, and normalised within the image.
///
/// A linear classifier of such features, trained with noise, beats deep networks that are trained with
/// noise from the start (Tramèr and Boneh, arXiv 2011.11660). Everything here is fixed beforehand: the
/// wavelets, the cells and the normalisation. No number depends on another image, so reading features of
/// private images costs nothing, and one image still moves one example's gradient alone.
public final class ScatteringMap {
  /// The shape of an image.
  public let shape: Shape
  /// Numbers in the features of an image.
  public let dimension: Int
  /// Rows and columns of the grid.
  let rows: Int, columns: Int

  /// The longest side of a plane that is transformed; longer images are first averaged over squares.
  private static let longestSide = 40
  /// Pixels of a plane along a cell.
  private static let cell = 4
  /// The deviation of the window over a cell, in cells: that of the transform's own scale.
  private static let deviation = 0.4
  /// The length of an image's features: far above one, so that the bias of a linear classifier takes little of
  /// the clip norm.
  public static let norm: Float = 8
  /// Added to the variance of a group, of numbers between 0 and 2: less is no contrast.
  private static let leastVariance = 1e-5
  /// Images that are transformed together.
  private static let blockSize = 32

  private let machine: Machine
  private let transform: ScatteringTransform
  private let factor: Int
  private let height: Int, width: Int
  private let rowWindows: [CellWindows], columnWindows: [CellWindows]
  private let arena = Arena()

  /// Prepares features of images of `shape`.
  public init(of shape: Shape, on machine: Machine) {
    precondition(shape.rank == 3 && shape.count > 0, "images of shape \(shape)")
    self.shape = shape
    self.machine = machine
    factor = (max(shape[0], shape[1]) + Self.longestSide - 1) / Self.longestSide
    height = (shape[0] + factor - 1) / factor
    width = (shape[1] + factor - 1) / factor
    rows = (height + Self.cell - 1) / Self.cell
    columns = (width + Self.cell - 1) / Self.cell
    transform = ScatteringTransform(height: height, width: width, on: machine)
    rowWindows = [1, 2].map { [height, rows] in
      CellWindows(side: height, stride: $0, cells: rows, deviation: Self.deviation)
    }
    columnWindows = [1, 2].map { [width, columns] in
      CellWindows(side: width, stride: $0, cells: columns, deviation: Self.deviation)
    }
    dimension = shape[2] * ScatteringTransform.pathCount * rows * columns
  }

  /// Writes the features of images (examples × shape, in [−1, 1]) into examples × `dimension`.
  public func write(of images: Tensor, to target: Tensor) {
    let count = images.shape[0]
    precondition(target.count == count * dimension, "room for \(count) × \(dimension) features")
    for first in stride(from: 0, to: count, by: Self.blockSize) {
      let size = min(Self.blockSize, count - first)
      for channel in 0..<shape[2] {
        arena.reset()
        let planes = planes(of: images, first..<(first + size), channel: channel)
        var path = channel * ScatteringTransform.pathCount
        transform.forEachPaths(of: planes) { paths in
          average(paths, of: size, into: target, from: first, path)
          path += paths.count
        }
      }
    }
    machine.threads.forEach(count) { example, _ in
      self.normalize(target.pointer + example * self.dimension)
    }
  }

  /// Forgets the images whose features were written last: they may be private.
  func forget() {
    arena.reset()
    transform.forget()
  }

  /// One channel of some images, from 0 for black to 2, averaged over squares of `factor` pixels.
  private func planes(of images: Tensor, _ range: Range<Int>, channel: Int) -> Tensor {
    let planes = arena.make(Shape(range.count, height, width, 1))
    let channels = shape[2]
    machine.threads.forEach(range.count) { index, _ in
      let source = images.pointer + (range.lowerBound + index) * self.shape.count + channel
      let target = planes.pointer + index * self.height * self.width
      for row in 0..<self.height {
        let rows = Self.part(row, of: self.height, among: self.shape[0])
        for column in 0..<self.width {
          let columns = Self.part(column, of: self.width, among: self.shape[1])
          var sum: Float = 0
          for y in rows {
            for x in columns { sum += source[(y * self.shape[1] + x) * channels] }
          }
          target[row * self.width + column] = 1 + sum / Float(rows.count * columns.count)
        }
      }
    }
    return planes
  }

  /// The pixels of part `index` when `side` pixels are divided into `count` parts.
  private static func part(_ index: Int, of count: Int, among side: Int) -> Range<Int> {
    (index * side / count)..<((index + 1) * side / count)
  }

  /// Averages paths over the cells of the grid.
  private func average(
    _ paths: ScatteringTransform.Paths, of count: Int, into target: Tensor, from first: Int,
    _ firstPath: Int
  ) {
    let rowWindow = rowWindows[paths.stride - 1]
    let columnWindow = columnWindows[paths.stride - 1]
    let cells = rows * columns
    machine.threads.forEach(count) { example, _ in
      withUnsafeTemporaryAllocation(of: Float.self, capacity: paths.height * self.columns) {
        rowMeans in
        guard let means = rowMeans.baseAddress else { return }
        for path in 0..<paths.count {
          let source =
            paths.values.pointer
            + (example * paths.count + path) * paths.height * paths.width
          let place =
            target.pointer + (first + example) * self.dimension
            + (firstPath + path) * cells
          for row in 0..<paths.height {
            columnWindow.apply(to: source + row * paths.width, step: 1) {
              means[$0 * paths.height + row] = $1
            }
          }
          for column in 0..<self.columns {
            rowWindow.apply(to: means + column * paths.height, step: 1) {
              place[$0 * self.columns + column] = $1
            }
          }
        }
      }
    }
  }

  /// Gives each group of paths of one image mean zero and the same length, so that no kind of path outweighs the
  /// others, and the whole vector the length `norm`, or less where there is no contrast.
  ///
  /// The groups are the plane itself, the moduli of each scale, and those of the second layer by their first
  /// direction.
  private func normalize(_ features: UnsafeMutablePointer<Float>) {
    let directions = ScatteringTransform.directionCount
    let groups = [1] + [Int](repeating: directions, count: 2 + directions)
    let scale = Double(Self.norm) / Double(dimension).squareRoot()
    var place = features
    for _ in 0..<shape[2] {
      for paths in groups {
        let count = paths * rows * columns
        var sum = 0.0
        for index in 0..<count { sum += Double(place[index]) }
        let mean = sum / Double(count)
        var squares = 0.0
        for index in 0..<count {
          let difference = Double(place[index]) - mean
          squares += difference * difference
        }
        let factor = scale / (squares / Double(count) + Self.leastVariance).squareRoot()
        for index in 0..<count { place[index] = Float((Double(place[index]) - mean) * factor) }
        place += count
      }
    }
  }
}

/// Gaussian windows over the cells of one axis.
private struct CellWindows {
  /// The first position of each cell's window.
  private let first: [Int]
  /// The weights of each cell's positions; they add up to one.
  private let weights: [[Float]]

  /// Windows of `cells` cells along `side` pixels, for every `stride`-th pixel; `deviation` counts in cells.
  init(side: Int, stride: Int, cells: Int, deviation: Double) {
    let length = Double(side) / Double(cells)
    let spread = deviation * length
    let count = (side + stride - 1) / stride
    let windows = (0..<cells).map { cell -> (first: Int, weights: [Float]) in
      let centre = (Double(cell) + 0.5) * length - 0.5
      let weighted = (0..<count).map { position -> (position: Int, weight: Double) in
        let distance = (Double(position * stride) - centre) / spread
        return (position, abs(distance) > 3 ? 0 : exp(-distance * distance / 2))
      }.filter { $0.weight > 0 }
      let total = weighted.reduce(0) { $0 + $1.weight }
      return (weighted.first?.position ?? 0, weighted.map { Float($0.weight / total) })
    }
    first = windows.map(\.first)
    weights = windows.map(\.weights)
  }

  /// Passes each cell's weighted mean of a row of numbers to `body`.
  @inline(__always)
  func apply(to source: UnsafePointer<Float>, step: Int, _ body: (_ cell: Int, Float) -> Void) {
    for cell in first.indices {
      let start = first[cell]
      var sum: Float = 0
      weights[cell].withUnsafeBufferPointer { window in
        for index in window.indices { sum += window[index] * source[(start + index) * step] }
      }
      body(cell, sum)
    }
  }
}
