import Compute
import Datasets
import Foundation
@_spi(PrivateZone) import Privacy
import TestSupport
import Testing

@testable import Learning
@testable import Models

/// The sampling of the trainer's batches from a frozen dataset.
@Suite struct SnapshotImagesTests {
  /// A few dozen generated images, frozen.
  private func snapshot() throws -> DatasetSnapshot {
    let folder = FileManager.default.temporaryDirectory.path + "/\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    try GlyphGenerator(seed: 3).write(count: 48, to: folder + "/images")
    return try SnapshotBuilder(
      root: folder + "/images",
      transform: ImageTransform(height: 8, width: 8, channels: .grey), threadCount: 1
    ).build(in: folder + "/state").snapshot
  }

  private func numbers(_ source: any ExampleSource, _ snapshot: DatasetSnapshot) -> [Float] {
    var numbers = [Float](repeating: 0, count: source.count * snapshot.shape.sampleCount)
    numbers.withUnsafeMutableBufferPointer { numbers in
      guard let start = numbers.baseAddress, source.count > 0 else { return }
      let shape = snapshot.shape
      source.fill(
        Tensor(
          shape: Shape([source.count, shape.height, shape.width, shape.channels]), base: start),
        from: 0..<source.count)
    }
    return numbers
  }

  /// Coins from any other source, such as a generator seeded by the clock, could be predicted.
  @Test func everyBatchIsDrawnByTheCoinsOfTheGivenStream() throws {
    let snapshot = try snapshot()
    let images = SnapshotImages(snapshot)
    let noise = TestNoise.stream(5)
    var coins = TestNoise.stream(5)
    let sampler = PoissonSampler(probability: 0.3, candidateCount: snapshot.unitCount)
    for _ in 0..<20 {
      let expected = Batch(snapshot: snapshot, images: sampler.draw(using: &coins))
      let drawn = images.drawBatch(probability: 0.3, from: noise)
      #expect(numbers(drawn.source, snapshot) == numbers(BatchExamples(batch: expected), snapshot))
    }
  }

  /// Two images of Ann, one of Bob and three of Eve, frozen with people as units.
  private static func people() throws -> DatasetSnapshot {
    let folder = FileManager.default.temporaryDirectory.path + "/\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: folder) }
    for (number, person) in ["ann", "ann", "bob", "eve", "eve", "eve"].enumerated() {
      let place = "\(folder)/images/a/\(person)"
      try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
      let image = Image(
        shape: ImageShape(height: 8, width: 8, channels: 1),
        bytes: [UInt8](repeating: UInt8(40 * number), count: 64))
      try Data(PNGEncoder().encode(image)).write(to: URL(filePath: "\(place)/\(number).png"))
    }
    return try SnapshotBuilder(
      root: folder + "/images",
      rules: DatasetRules(privacyUnit: .folder, maximumPerUnit: 3),
      transform: ImageTransform(height: 8, width: 8, channels: .grey), threadCount: 1
    ).build(in: folder + "/state").snapshot
  }

  /// Without their units the images of a person would be clipped one by one.
  @Test func aBatchKeepsTheUnitsOfItsImages() throws {
    let snapshot = try Self.people()
    let drawn = SnapshotImages(snapshot).drawBatch(probability: 1, from: TestNoise.stream(1))
    #expect(drawn.source.units == [0, 0, 1, 2, 2, 2])
    let files = SnapshotImages(try self.snapshot())
      .drawBatch(probability: 1, from: TestNoise.stream(1))
    #expect(files.source.units == nil, "each image is its own unit")
  }

  @Test func unitsWithMoreImagesThanTheNoiseIsMadeForAreNotCounted() async throws {
    let counts = try Self.people().classCounts(ofUnitsUpTo: 3)
    #expect(counts.revealed() == [6])
    await #expect(processExitsWith: .failure) {
      // If freezing the images fails, the process exits with success, which fails the test.
      guard let snapshot = try? Self.people() else { return }
      _ = snapshot.classCounts(ofUnitsUpTo: 2)
    }
  }
}
