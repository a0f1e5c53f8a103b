import Compute
import Glibc

/// A class of the image set that `GlyphGenerator` draws.
public enum Glyph: String, CaseIterable, Hashable, Sendable, Codable {
  case arrow
  case circle
  case crescent
  case cross
  case ring
  case square
  case star
  case triangle

  /// The outline of one drawing, in units of its radius, before rotation.
  func outline(using random: inout SeededStream) -> GlyphOutline {
    switch self {
    case .arrow: .polygon(Self.arrow(using: &random), hollow: nil)
    case .circle: .disc
    case .crescent:
      .crescent(offset: random.number(in: 0.4...0.6), radius: random.number(in: 0.75...0.9))
    case .cross: .polygon(Self.cross(halfThickness: random.number(in: 0.18...0.38)), hollow: nil)
    case .ring: .ring(halfThickness: random.number(in: 0.12...0.24))
    case .square:
      .polygon(Self.corners(4, aspect: random.number(in: 0.8...1.0)), hollow: .draw(using: &random))
    case .star: .polygon(Self.star(using: &random), hollow: nil)
    case .triangle:
      .polygon(Self.corners(3, aspect: random.number(in: 0.8...1.0)), hollow: .draw(using: &random))
    }
  }

  private static func corners(_ count: Int, aspect: Double) -> [GlyphPoint] {
    (0..<count).map { corner in
      let angle = 2 * Double.pi * (Double(corner) + 0.5) / Double(count)
      return GlyphPoint(x: cos(angle), y: sin(angle) * aspect)
    }
  }

  private static func star(using random: inout SeededStream) -> [GlyphPoint] {
    let tips = 5 + Int(random.next() % 2)
    let inner = random.number(in: 0.36...0.48)
    return (0..<(2 * tips)).map { corner in
      let angle = Double.pi * Double(corner) / Double(tips)
      let radius = corner % 2 == 0 ? 1 : inner
      return GlyphPoint(x: radius * cos(angle), y: radius * sin(angle))
    }
  }

  private static func cross(halfThickness: Double) -> [GlyphPoint] {
    let t = halfThickness
    return [
      (-t, -1), (t, -1), (t, -t), (1, -t), (1, t), (t, t), (t, 1), (-t, 1), (-t, t), (-1, t),
      (-1, -t), (-t, -t),
    ].map { GlyphPoint(x: $0.0, y: $0.1) }
  }

  private static func arrow(using random: inout SeededStream) -> [GlyphPoint] {
    let shaft = random.number(in: 0.14...0.24)
    let head = random.number(in: 0.55...0.75)
    let neck = random.number(in: -0.05...0.2)
    return [
      (-1, -shaft), (neck, -shaft), (neck, -head), (1, 0), (neck, head), (neck, shaft), (-1, shaft),
    ].map { GlyphPoint(x: $0.0, y: $0.1) }
  }
}

/// A point in units of a glyph's radius.
struct GlyphPoint {
  var x: Double
  var y: Double
}

/// A closed shape, defined by the distance to its edge.
enum GlyphOutline {
  case disc
  case ring(halfThickness: Double)
  /// A disc without a disc of `radius` whose centre is `offset` away.
  case crescent(offset: Double, radius: Double)
  /// A polygon; with `hollow`, only a line of that half thickness along its edge is drawn.
  case polygon([GlyphPoint], hollow: Hollow?)

  /// Half the thickness of a drawn edge.
  struct Hollow {
    let halfThickness: Double

    /// Two in five shapes are hollow.
    static func draw(using random: inout SeededStream) -> Hollow? {
      let isHollow = random.uniform() < 0.4
      let halfThickness = random.number(in: 0.1...0.18)
      return isHollow ? Hollow(halfThickness: halfThickness) : nil
    }
  }

  /// Distance to the edge in units of the radius, negative inside.
  func distance(to point: GlyphPoint) -> Double {
    switch self {
    case .disc: hypot(point.x, point.y) - 1
    case .ring(let halfThickness):
      abs(hypot(point.x, point.y) - (1 - halfThickness)) - halfThickness
    case .crescent(let offset, let radius):
      max(hypot(point.x, point.y) - 1, radius - hypot(point.x - offset, point.y))
    case .polygon(let corners, let hollow):
      if let hollow {
        abs(Self.distance(to: point, corners) + hollow.halfThickness) - hollow.halfThickness
      } else {
        Self.distance(to: point, corners)
      }
    }
  }

  /// Distance to the nearest edge; the sign flips with every edge that a ray to the right crosses.
  private static func distance(to point: GlyphPoint, _ corners: [GlyphPoint]) -> Double {
    var nearest = Double.infinity
    var isInside = false
    var previous = corners[corners.count - 1]
    for corner in corners {
      let edge = GlyphPoint(x: corner.x - previous.x, y: corner.y - previous.y)
      let toPoint = GlyphPoint(x: point.x - previous.x, y: point.y - previous.y)
      let length = edge.x * edge.x + edge.y * edge.y
      let along = min(1, max(0, (toPoint.x * edge.x + toPoint.y * edge.y) / length))
      nearest = min(nearest, hypot(toPoint.x - along * edge.x, toPoint.y - along * edge.y))
      if (corner.y > point.y) != (previous.y > point.y),
        toPoint.x < edge.x * toPoint.y / edge.y
      {
        isInside.toggle()
      }
      previous = corner
    }
    return isInside ? -nearest : nearest
  }
}

extension SeededStream {
  /// Draws a number in `range`.
  mutating func number(in range: ClosedRange<Double>) -> Double {
    range.lowerBound + (range.upperBound - range.lowerBound) * uniform()
  }
}
