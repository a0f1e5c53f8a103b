import Foundation
import Testing

@testable import Datasets

@Suite struct WhiteLevelTests {
  private func words(_ words: [UInt16], channels: Int = 1) -> Image {
    Image(
      shape: ImageShape(height: 1, width: words.count / channels, channels: channels), words: words)
  }

  private func transform(_ level: Int?, width: Int, _ channels: ImageTransform.Channels = .grey)
    -> ImageTransform
  {
    ImageTransform(height: 1, width: width, channels: channels, whiteLevel: level)
  }

  @Test func theLevelBecomes255AndWhatIsBrighterToo() {
    let image = words([0, 819, 2_048, 4_094, 4_095, 4_096, 65_535])
    let pixels = transform(4_095, width: 7).pixels(of: image)
    #expect(pixels == [0, 51, 128, 255, 255, 255, 255])
    #expect(transform(nil, width: 7).pixels(of: image) == [0, 3, 8, 16, 16, 16, 255])
    #expect(transform(65_535, width: 7).pixels(of: image) == [0, 3, 8, 16, 16, 16, 255])
    #expect(transform(1, width: 7).pixels(of: image) == [0, 255, 255, 255, 255, 255, 255])
  }

  @Test(arguments: [1, 255, 1_023, 4_095, 16_383, 65_535])
  func everySampleIsScaledAndRoundedOnce(level: Int) {
    let samples = stride(from: 0, through: 65_535, by: 37).map { UInt16($0) }
    let pixels = transform(level, width: samples.count).pixels(of: words(samples)) ?? []
    let expected = samples.map { sample in
      let value = min(Int(sample), level)
      return UInt8((2 * value * 255 + level) / (2 * level))
    }
    #expect(pixels == expected)
  }

  @Test func colourAndAlphaFollowTheLevel() {
    // Full, half and zero opacity over white; alpha keeps its own full scale.
    let image = words(
      [4_095, 0, 2_048, 65_535, 4_095, 0, 2_048, 0, 0, 0, 0, 32_768], channels: 4)
    #expect(
      transform(4_095, width: 3, .rgb).pixels(of: image) == [
        255, 0, 128, 255, 255, 255, 127, 127, 127,
      ])
    let grey = transform(4_095, width: 1).pixels(of: words([4_095, 4_095, 4_095], channels: 3))
    #expect(grey == [255])
  }

  @Test func aLevelAbove255LeavesFilesOf8BitsUnchanged() {
    let bytes: [UInt8] = [0, 7, 128, 255]
    let image = Image(shape: ImageShape(height: 1, width: 4, channels: 1), bytes: bytes)
    #expect(transform(4_095, width: 4).pixels(of: image) == bytes)
    #expect(transform(255, width: 4).pixels(of: image) == bytes)
    // A level below 255 applies to them, for example for masks with the numbers 0...10.
    #expect(transform(14, width: 4).pixels(of: image) == [0, 128, 255, 255])
  }

  @Test func resizingAveragesLight() {
    let image = words([0, 4_095, 4_095, 4_095])
    let transform = ImageTransform(
      height: 1, width: 2, channels: .grey, fit: .stretch, whiteLevel: 4_095)
    #expect(transform.pixels(of: image) == [128, 255])
  }

  @Test func rulesDeclareLevelAndColoursForEveryForm() throws {
    let rules = DatasetRules(whiteLevel: 4_095, colour: .asStored)
    let form = tinyTransform.under(rules)
    #expect(form.whiteLevel == 4_095)
    #expect(form.colour == .asStored)
    #expect(form.under(DatasetRules(whiteLevel: 99)).whiteLevel == 4_095)
    #expect(tinyTransform.under(DatasetRules()) == tinyTransform)
    #expect(SnapshotBuilder(root: "/", rules: rules, transform: tinyTransform).transform == form)
    for level in [0, -1, 65_536] {
      #expect(throws: DatasetError.self) { try DatasetRules(whiteLevel: level).validate() }
    }
  }

  @Test func formsSurviveJSONAndThoseOfEarlierVersionsAreAsStored() throws {
    let form = ImageTransform(
      height: 3, width: 4, channels: .rgb, fit: .stretch, whiteLevel: 4_095, colour: .asStored)
    let json = try JSONEncoder().encode(form)
    #expect(try JSONDecoder().decode(ImageTransform.self, from: json) == form)
    let earlier =
      #"{"channels":"grey","fit":"centreCrop","height":8,"maximumEnlargement":4,"width":8}"#
    let read = try JSONDecoder().decode(ImageTransform.self, from: Data(earlier.utf8))
    #expect(read.colour == .asStored)
    #expect(read.whiteLevel == nil)
    #expect(read.description == "8×8 grey, centreCrop, by area, enlarged at most 4 times")
    for bad in [
      "\"height\":0", "\"width\":99999999999", "\"whiteLevel\":0", "\"maximumEnlargement\":-3",
    ] {
      let key = bad.prefix { $0 != ":" }
      let rest = ["\"height\":8", "\"width\":8", "\"maximumEnlargement\":4"]
        .filter { !$0.hasPrefix(key) }
      let text =
        "{\"channels\":\"grey\",\"fit\":\"stretch\",\((rest + [bad]).joined(separator: ","))}"
      #expect(throws: DecodingError.self, "\(bad)") {
        try JSONDecoder().decode(ImageTransform.self, from: Data(text.utf8))
      }
    }
  }

  @Test func aSetOf12BitsIsBrightOnlyUnderItsLevelAndIsAnotherSet() throws {
    let folder = try TestFolder()
    let file = try OddImages.file("12 bits kept in 16, without sBIT")
    try folder.write(file.data, "root/a/1.png")
    let form = ImageTransform(height: 9, width: 11, channels: .grey)
    func build(_ level: Int?, _ name: String) throws -> DatasetSnapshot {
      try SnapshotBuilder(
        root: folder.path("root"), rules: DatasetRules(whiteLevel: level), transform: form
      ).build(in: folder.path("state"), named: name).snapshot
    }
    let dark = try build(nil, "dark")
    let bright = try build(4_095, "bright")
    let samples = file.samples
    #expect(dark.pixels(of: 0).max() == 16)
    #expect(
      Array(bright.pixels(of: 0)) == samples.map { UInt8((2 * $0 * 255 + 4_095) / (2 * 4_095)) })
    #expect(dark.digest != bright.digest)
    #expect(try DatasetSnapshot(opening: folder.path("state/bright")).transform.whiteLevel == 4_095)
  }

  @Test func measurementsKeepTheirNumbersWhateverProfileTheyCarry() throws {
    let file = try OddImages.file("ADOBE_RGB PNG of 16 bits")
    let stored = try OddImages.file("ADOBE_RGB PNG, as stored").samples.map { UInt8($0) }
    func pixels(_ level: Int?, _ colour: ImageTransform.Colour) -> [UInt8] {
      let form = ImageTransform(
        height: 9, width: 11, channels: .rgb, whiteLevel: level, colour: colour)
      var pixels = [UInt8](repeating: 0, count: form.byteCount)
      let outcome = file.data.withUnsafeBytes { bytes in
        pixels.withUnsafeMutableBufferPointer { place in
          ImageCodec().decode(bytes, with: form, into: place)
        }
      }
      #expect(outcome == .decoded(height: 9, width: 11))
      return pixels
    }
    #expect(pixels(nil, .asStored) == stored)
    #expect(pixels(65_535, .convert) == stored)
    #expect(pixels(nil, .convert) != stored)
  }
}
