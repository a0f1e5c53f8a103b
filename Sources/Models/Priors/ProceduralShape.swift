import Compute
import Glibc

/// A shape on a canvas, known by the distance of a pixel to its edge: below zero inside.
enum ProceduralShape {
  /// The whole canvas.
  case everything
  /// An ellipse: centre (row, column), half axes, angle.
  case ellipse((Double, Double), (Double, Double), Double)
  /// A box: centre (row, column), half sides, angle.
  case box((Double, Double), (Double, Double), Double)
  /// The outline of an ellipse, of so much half thickness.
  case ring((Double, Double), (Double, Double), Double, thickness: Double)
  /// A quadratic Bézier curve through a start, towards a middle, to an end, of so much half thickness.
  case stroke((Double, Double), (Double, Double), (Double, Double), Double)

  /// Chords of a stroke.
  private static let chordCount = 12

  /// The distance in pixels; exact for strokes and boxes, close to the edge for ellipses.
  func distance(toRow row: Double, column: Double) -> Double {
    switch self {
    case .everything: return -1
    case .ellipse(let centre, let axes, let angle):
      let (u, v) = Self.turned(row - centre.0, column - centre.1, angle)
      return Self.ellipseDistance(u, v, axes)
    case .ring(let centre, let axes, let angle, let thickness):
      let (u, v) = Self.turned(row - centre.0, column - centre.1, angle)
      return abs(Self.ellipseDistance(u, v, axes)) - thickness
    case .box(let centre, let sides, let angle):
      let (u, v) = Self.turned(row - centre.0, column - centre.1, angle)
      let (x, y) = (abs(u) - sides.0, abs(v) - sides.1)
      let outside = (max(x, 0) * max(x, 0) + max(y, 0) * max(y, 0)).squareRoot()
      return outside + min(max(x, y), 0)
    case .stroke(let start, let middle, let end, let thickness):
      var nearest = Double.infinity
      var last = start
      for index in 1...Self.chordCount {
        let t = Double(index) / Double(Self.chordCount)
        let (a, b, c) = ((1 - t) * (1 - t), 2 * t * (1 - t), t * t)
        let next = (
          a * start.0 + b * middle.0 + c * end.0, a * start.1 + b * middle.1 + c * end.1
        )
        nearest = min(nearest, Self.distance(row, column, last, next))
        last = next
      }
      return nearest - thickness
    }
  }

  /// The rows and columns of a canvas that the shape may touch.
  func bounds(_ height: Int, _ width: Int) -> (rows: Range<Int>, columns: Range<Int>) {
    let reach: (centre: (Double, Double), radius: Double)
    switch self {
    case .everything: return (0..<height, 0..<width)
    case .ellipse(let centre, let axes, _): reach = (centre, max(axes.0, axes.1))
    case .ring(let centre, let axes, _, let thickness):
      reach = (centre, max(axes.0, axes.1) + thickness)
    case .box(let centre, let sides, _):
      reach = (centre, (sides.0 * sides.0 + sides.1 * sides.1).squareRoot())
    case .stroke(let start, let middle, let end, let thickness):
      // A curve lies within the triangle of its three points.
      let rows = [start.0, middle.0, end.0]
      let columns = [start.1, middle.1, end.1]
      return (
        Self.range(rows.min() ?? 0, rows.max() ?? 0, thickness, height),
        Self.range(columns.min() ?? 0, columns.max() ?? 0, thickness, width)
      )
    }
    return (
      Self.range(reach.centre.0, reach.centre.0, reach.radius, height),
      Self.range(reach.centre.1, reach.centre.1, reach.radius, width)
    )
  }

  /// Moves the centre; strokes stay where they are.
  mutating func move(to centre: (Double, Double)) {
    switch self {
    case .everything, .stroke: break
    case .ellipse(_, let axes, let angle): self = .ellipse(centre, axes, angle)
    case .box(_, let sides, let angle): self = .box(centre, sides, angle)
    case .ring(_, let axes, let angle, let thickness):
      self = .ring(centre, axes, angle, thickness: thickness)
    }
  }

  private static func range(
    _ low: Double, _ high: Double, _ reach: Double, _ end: Int
  ) -> Range<Int> {
    let first = min(end, max(0, Int((low - reach - 1).rounded(.down))))
    return first..<min(end, max(first, Int((high + reach + 2).rounded(.up))))
  }

  private static func turned(_ row: Double, _ column: Double, _ angle: Double) -> (Double, Double) {
    (cos(angle) * column + sin(angle) * row, cos(angle) * row - sin(angle) * column)
  }

  private static func ellipseDistance(_ u: Double, _ v: Double, _ axes: (Double, Double)) -> Double
  {
    let (x, y) = (u / axes.0, v / axes.1)
    return ((x * x + y * y).squareRoot() - 1) * min(axes.0, axes.1)
  }

  private static func distance(
    _ row: Double, _ column: Double, _ a: (Double, Double), _ b: (Double, Double)
  ) -> Double {
    let (dy, dx) = (b.0 - a.0, b.1 - a.1)
    let length = dy * dy + dx * dx
    let t =
      length > 0 ? min(1, max(0, ((row - a.0) * dy + (column - a.1) * dx) / length)) : 0
    let (y, x) = (row - a.0 - t * dy, column - a.1 - t * dx)
    return (y * y + x * x).squareRoot()
  }
}

extension SeededStream {
  /// A colour; its channels are alike, as those of natural images.
  mutating func ink(_ channels: Int) -> [Double] {
    let light = uniform()
    return (0..<channels).map { _ in
      channels == 1 ? light : min(1, max(0, light + 0.25 * gaussian()))
    }
  }

  /// A colour with a slope of light.
  mutating func shade(_ channels: Int) -> Shade {
    Shade(ink: ink(channels), slope: (0.3 * gaussian(), 0.3 * gaussian()))
  }

  /// A place, of a share of the sides away from the edges.
  mutating func point(_ height: Int, _ width: Int, margin: Double) -> (Double, Double) {
    (
      Double(height) * number(in: margin...(1 - margin)),
      Double(width) * number(in: margin...(1 - margin))
    )
  }

  /// A shape of about this radius anywhere on a canvas.
  mutating func leaf(_ radius: Double, _ height: Int, _ width: Int) -> ProceduralShape {
    let centre = point(height, width, margin: 0)
    let axes = (radius, radius * number(in: 0.4...1))
    let angle = number(in: 0...Double.pi)
    switch next() % 3 {
    case 0: return .ellipse(centre, axes, angle)
    case 1: return .box(centre, axes, angle)
    default: return .ring(centre, axes, angle, thickness: radius * number(in: 0.08...0.25))
    }
  }
}

extension SeededStream {
  /// A number of a range, all alike likely.
  mutating func number(in range: ClosedRange<Double>) -> Double {
    range.lowerBound + uniform() * (range.upperBound - range.lowerBound)
  }
}
