import Compute
import Glibc

/// One procedural image while it is drawn: values between 0 and 1.
struct ProceduralCanvas {
  /// A colour: a value for each channel.
  typealias Ink = [Double]

  private let height: Int
  private let width: Int
  private let channels: Int
  /// Pixels in rows, each with its channels, as examples have them.
  private var values: [Double]
  /// The shorter side, in which sizes are counted.
  private var side: Double { Double(min(height, width)) }

  /// A black canvas.
  init(_ format: ImageSpecification) {
    height = format.height
    width = format.width
    channels = format.channels
    values = [Double](repeating: 0, count: format.height * format.width * format.channels)
  }

  /// Writes the image as an example: height × width × channels in [−1, 1].
  func copy(to target: UnsafeMutablePointer<Float>) {
    for index in values.indices {
      target[index] = Float(2 * min(1, max(0, values[index])) - 1)
    }
  }

  /// Draws an image of a kind.
  mutating func draw(_ kind: ProceduralImages.Kind, _ random: inout SeededStream) {
    switch kind {
    case .deadLeaves: drawDeadLeaves(&random)
    case .strokes: drawStrokes(&random)
    case .shapes: drawShapes(&random)
    case .blobs: drawBlobs(&random)
    case .texture:
      fill(random.ink(channels))
      addTexture(strength: random.number(in: 0.1...0.35), &random)
    }
  }

  /// Discs and boxes, the later ones in front; their sizes follow the power law of natural scenes.
  private mutating func drawDeadLeaves(_ random: inout SeededStream) {
    fill(random.ink(channels))
    let smallest = 0.06
    let largest = 0.6
    for _ in 0..<(20 + Int(random.next() % 40)) {
      // Radii with a density of r⁻³ between the two ends.
      let share = random.uniform()
      let inverse =
        (1 - share) / (smallest * smallest) + share / (largest * largest)
      let radius = side / inverse.squareRoot()
      paint(random.leaf(radius, height, width), with: random.shade(channels))
    }
    if random.uniform() < 0.5 { addTexture(strength: 0.05, &random) }
  }

  /// A plain ground, most often black, and a few curved lines.
  private mutating func drawStrokes(_ random: inout SeededStream) {
    let isPlain = random.uniform() < 0.7
    fill(isPlain ? Ink(repeating: 0, count: channels) : random.ink(channels))
    let ink =
      isPlain ? Ink(repeating: random.number(in: 0.8...1), count: channels) : random.ink(channels)
    let thickness = side * random.number(in: 0.03...0.09)
    var start = random.point(height, width, margin: 0.2)
    for _ in 0..<(1 + Int(random.next() % 4)) {
      let end = random.point(height, width, margin: 0.15)
      let middle = random.point(height, width, margin: 0.1)
      paint(.stroke(start, middle, end, thickness), with: Shade(ink: ink))
      // Lines of one figure often meet.
      start = random.uniform() < 0.6 ? end : random.point(height, width, margin: 0.2)
    }
  }

  /// A plain ground and one to three large shapes in its middle.
  private mutating func drawShapes(_ random: inout SeededStream) {
    let isPlain = random.uniform() < 0.6
    fill(isPlain ? Ink(repeating: 0, count: channels) : random.ink(channels))
    for _ in 0..<(1 + Int(random.next() % 3)) {
      var shape = random.leaf(side * random.number(in: 0.15...0.45), height, width)
      shape.move(
        to: (
          Double(height) * random.number(in: 0.35...0.65),
          Double(width) * random.number(in: 0.35...0.65)
        ))
      paint(shape, with: random.shade(channels))
    }
    if random.uniform() < 0.5 { addTexture(strength: 0.08, &random) }
  }

  /// A slope of light and soft bumps on it.
  private mutating func drawBlobs(_ random: inout SeededStream) {
    let shade = random.shade(channels)
    paint(.everything, with: shade)
    for _ in 0..<(2 + Int(random.next() % 8)) {
      let centre = random.point(height, width, margin: 0)
      let (along, across) = (
        side * random.number(in: 0.05...0.35), side * random.number(in: 0.05...0.35)
      )
      let angle = random.number(in: 0...Double.pi)
      let ink = random.ink(channels).map { $0 - 0.5 }
      let (sine, cosine) = (sin(angle), cos(angle))
      forEachPixel { row, column, index, values in
        let (y, x) = (Double(row) - centre.0, Double(column) - centre.1)
        let (u, v) = ((cosine * x + sine * y) / along, (cosine * y - sine * x) / across)
        let weight = exp(-0.5 * (u * u + v * v))
        for channel in ink.indices { values[index + channel] += weight * ink[channel] }
      }
    }
    if random.uniform() < 0.5 { addTexture(strength: 0.04, &random) }
  }

  /// Adds waves of random directions whose amplitude falls with a power of frequency between 1/2 and 3/2.
  private mutating func addTexture(strength: Double, _ random: inout SeededStream) {
    let power = random.number(in: 0.5...1.5)
    let tint = random.ink(channels).map { 0.5 + $0 }
    let waveCount = 24
    var waves: [(x: Double, y: Double, phase: Double, amplitude: Double)] = []
    var energy = 0.0
    for _ in 0..<waveCount {
      // Between one wave across the image and one every two pixels, evenly in logarithm.
      let frequency = exp(random.number(in: 0...log(side / 2)))
      let angle = random.number(in: 0...(2 * Double.pi))
      let amplitude = pow(frequency, -power)
      energy += amplitude * amplitude / 2
      let scale = 2 * Double.pi * frequency / side
      waves.append(
        (scale * cos(angle), scale * sin(angle), random.number(in: 0...(2 * Double.pi)), amplitude))
    }
    let scale = strength / energy.squareRoot()
    forEachPixel { row, column, index, values in
      var sum = 0.0
      for wave in waves {
        sum += wave.amplitude * sin(wave.x * Double(column) + wave.y * Double(row) + wave.phase)
      }
      for channel in tint.indices { values[index + channel] += scale * sum * tint[channel] }
    }
  }

  private mutating func fill(_ ink: Ink) {
    forEachPixel { _, _, index, values in
      for channel in ink.indices { values[index + channel] = ink[channel] }
    }
  }

  /// Paints a shape over what is there; its edge is one pixel soft.
  private mutating func paint(_ shape: ProceduralShape, with shade: Shade) {
    let side = side
    let bounds = shape.bounds(height, width)
    for row in bounds.rows {
      for column in bounds.columns {
        let distance = shape.distance(toRow: Double(row), column: Double(column))
        let cover = min(1, max(0, 0.5 - distance))
        guard cover > 0 else { continue }
        let index = (row * width + column) * channels
        let light = shade.light(Double(row) / side, Double(column) / side)
        for channel in 0..<channels {
          values[index + channel] +=
            cover * (shade.ink[channel] + light - values[index + channel])
        }
      }
    }
  }

  private mutating func forEachPixel(
    _ body: (_ row: Int, _ column: Int, _ index: Int, _ values: inout [Double]) -> Void
  ) {
    for row in 0..<height {
      for column in 0..<width { body(row, column, (row * width + column) * channels, &values) }
    }
  }
}

/// A colour with a slope of light.
struct Shade {
  let ink: [Double]
  /// Light that is added per side of the image, down and to the right.
  var slope: (down: Double, right: Double) = (0, 0)

  /// The light at a place, in sides of the image.
  func light(_ row: Double, _ column: Double) -> Double {
    slope.down * (row - 0.5) + slope.right * (column - 0.5)
  }
}
