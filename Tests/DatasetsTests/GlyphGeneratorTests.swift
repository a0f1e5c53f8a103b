import Datasets
import Testing

@Suite struct GlyphGeneratorTests {
  @Test func equalSeedsDrawEqualImagesAndOthersDoNot() {
    let image = GlyphGenerator(seed: 3).image(of: .star, index: 41)
    #expect(image == GlyphGenerator(seed: 3).image(of: .star, index: 41))
    #expect(image != GlyphGenerator(seed: 4).image(of: .star, index: 41))
    #expect(image != GlyphGenerator(seed: 3).image(of: .star, index: 42))
    #expect(image.shape == ImageShape(height: 28, width: 28, channels: 1))
  }

  @Test func shapesLieInsideTheImageAndStandOutFromTheBackground() {
    for glyph in Glyph.allCases {
      for index in 0..<50 {
        let numbers = GlyphGenerator(seed: 1).image(of: glyph, index: index).numbers
        let border = numbers.indices.filter {
          $0 < 28 || $0 >= 27 * 28 || $0 % 28 == 0 || $0 % 28 == 27
        }
        let ground = Double(border.reduce(0) { $0 + numbers[$1] }) / Double(border.count)
        #expect(ground < 90, "\(glyph) \(index)")
        let ink = numbers.filter { Double($0) > ground + 60 }.count
        #expect((25...560).contains(ink), "\(glyph) \(index): \(ink) inked pixels")
      }
    }
  }

  @Test func classesCanBeDistinguishedByTheirNearestNeighbours() {
    // Distances to the brightness-normalised nearest of 120 images per class; chance is 1 in 8.
    let generator = GlyphGenerator(seed: 5)
    func features(_ glyph: Glyph, _ index: Int) -> [Float] {
      let numbers = generator.image(of: glyph, index: index).numbers.map(Float.init)
      let mean = numbers.reduce(0, +) / Float(numbers.count)
      let size = numbers.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }.squareRoot()
      return numbers.map { ($0 - mean) / size }
    }
    let known = Glyph.allCases.map { glyph in (0..<120).map { features(glyph, $0) } }
    var hits = 0
    for (label, glyph) in Glyph.allCases.enumerated() {
      for index in 1_000..<1_015 {
        let image = features(glyph, index)
        let likeness = known.map { images in
          images.map { other in zip(image, other).reduce(0) { $0 + $1.0 * $1.1 } }.max() ?? 0
        }
        if likeness.firstIndex(of: likeness.max() ?? 0) == label { hits += 1 }
      }
    }
    #expect(hits > 60, "\(hits) of 120")
  }

  @Test func theSetIsWrittenAsClassFoldersThatReadBack() throws {
    let folder = try TestFolder()
    try GlyphGenerator(seed: 2).write(count: 21, to: folder.path("glyphs"))
    let result = try SnapshotBuilder(
      root: folder.path("glyphs"),
      transform: ImageTransform(height: 28, width: 28, channels: .grey)
    ).build(in: folder.path("state"))
    #expect(result.files.countsByCode() == ["accepted": 21])
    #expect(result.snapshot.classes == Glyph.allCases.map(\.rawValue))
    #expect(result.snapshot.countsByClass() == [3, 3, 3, 3, 3, 2, 2, 2])
  }
}
