import Compute
import Glibc

/// Draws a small set of grey images in classes, for trials without a download.
///
/// Shapes vary in position, size, rotation, proportions, stroke, contrast, sharpness and noise. Equal seeds
/// produce equal images.
public struct GlyphGenerator: Sendable {
  /// Rows and columns.
  public static let side = 28

  /// The seed, which determines all images.
  public let seed: UInt64

  /// Creates a generator.
  public init(seed: UInt64) { self.seed = seed }

  /// Image number `index` of a class: 28 × 28, grey, 8-bit, light on dark.
  public func image(of glyph: Glyph, index: Int) -> Image {
    let place = UInt64(Glyph.allCases.firstIndex(of: glyph) ?? 0)
    // One stream per image, so that an image does not depend on the number of images.
    var seeds = SeededStream(seed: seed &+ place &* 0x9e37_79b9_7f4a_7c15)
    var random = SeededStream(seed: seeds.next() ^ UInt64(truncatingIfNeeded: index))
    let drawing = Drawing(of: glyph, using: &random)
    let bytes = (0..<(Self.side * Self.side)).map { pixel in
      drawing.byte(row: pixel / Self.side, column: pixel % Self.side, using: &random)
    }
    return Image(shape: ImageShape(height: Self.side, width: Self.side, channels: 1), bytes: bytes)
  }

  /// Writes `count` images, divided evenly among the classes, as `directory`/class/NNNNN.png.
  ///
  /// Each file is written atomically by renaming, so a watched folder never contains an incomplete file.
  ///
  /// - Throws: `DatasetError.systemCallFailed`.
  public func write(count: Int, to directory: String) throws {
    precondition(count >= 0, "a count is not negative")
    try Self.makeDirectory(directory)
    let encoder = PNGEncoder()
    for (place, glyph) in Glyph.allCases.enumerated() {
      let folder = directory + "/" + glyph.rawValue
      try Self.makeDirectory(folder)
      let classCount = (count + Glyph.allCases.count - 1 - place) / Glyph.allCases.count
      for index in 0..<classCount {
        let digits = String(index)
        let name = String(repeating: "0", count: max(0, 5 - digits.count)) + digits + ".png"
        try Self.write(encoder.encode(image(of: glyph, index: index)), to: folder, named: name)
      }
    }
  }

  /// Creates a folder and its missing parents.
  private static func makeDirectory(_ path: String) throws(DatasetError) {
    if mkdir(path, mode_t(0o755)) == 0 || errno == EEXIST { return }
    guard errno == ENOENT, let slash = path.lastIndex(of: "/"), slash != path.startIndex else {
      throw .lastCall("creating", path)
    }
    try makeDirectory(String(path[..<slash]))
    guard mkdir(path, mode_t(0o755)) == 0 || errno == EEXIST else {
      throw .lastCall("creating", path)
    }
  }

  /// Writes one image; not flushed to disk, since a lost image can be drawn again.
  private static func write(_ bytes: [UInt8], to folder: String, named name: String) throws {
    let temporary = folder + "/." + name + ".tmp"
    let descriptor = open(
      temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, mode_t(0o644))
    guard descriptor >= 0 else { throw DatasetError.lastCall("creating", temporary) }
    defer { close(descriptor) }
    do {
      try bytes.withUnsafeBytes { try writeFully(descriptor, $0, at: 0, path: temporary) }
      guard rename(temporary, folder + "/" + name) == 0 else {
        throw DatasetError.lastCall("naming", temporary)
      }
    } catch {
      unlink(temporary)
      throw error
    }
  }

  /// One glyph in its pose.
  private struct Drawing {
    let outline: GlyphOutline
    /// The radius in pixels.
    let radius: Double
    let centre: GlyphPoint
    let cosine: Double
    let sine: Double
    /// The width of the soft edge in pixels.
    let softness: Double
    let ink: Double
    let paper: Double
    /// The change of the background's brightness over the image, along a random direction.
    let shade: GlyphPoint
    let noise: Double

    init(of glyph: Glyph, using random: inout SeededStream) {
      outline = glyph.outline(using: &random)
      radius = random.number(in: 7.5...11)
      // As in handwriting, shapes lean and shift but are not turned over, because a demo must work with few
      // images.
      let play = min(2.5, 12.5 - radius)
      let middle = Double(GlyphGenerator.side) / 2
      centre = GlyphPoint(
        x: middle + random.number(in: -play...play), y: middle + random.number(in: -play...play))
      let angle = random.number(in: -0.3...0.3)
      cosine = cos(angle)
      sine = sin(angle)
      softness = random.number(in: 0.8...1.8)
      ink = random.number(in: 150...255)
      paper = random.number(in: 0...45)
      shade = GlyphPoint(x: random.number(in: -0.8...0.8), y: random.number(in: -0.8...0.8))
      noise = random.number(in: 0...8)
    }

    func byte(row: Int, column: Int, using random: inout SeededStream) -> UInt8 {
      let x = Double(column) + 0.5 - centre.x
      let y = Double(row) + 0.5 - centre.y
      let point = GlyphPoint(
        x: (x * cosine + y * sine) / radius, y: (y * cosine - x * sine) / radius)
      let coverage = min(1, max(0, 0.5 - outline.distance(to: point) * radius / softness))
      let ground = paper + shade.x * x + shade.y * y
      let value = ground + (ink - ground) * coverage + noise * random.gaussian()
      return UInt8(min(255, max(0, value.rounded())))
    }
  }
}
