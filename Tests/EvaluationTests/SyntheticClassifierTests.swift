import Compute
@_spi(PrivateZone) import Privacy
import TestSupport
import Testing

@testable import Evaluation

/// The influence of one unit on the counts behind a score, and the meaning of the score.
@Suite struct SyntheticClassifierTests {
  private let machine = Machine(threadCount: 2)

  private func classifier() throws -> SyntheticClassifier {
    try SyntheticClassifier(trainedOn: GlyphSet.images(400), seed: 4, on: machine)
  }

  private func outcomes(
    _ classifier: SyntheticClassifier, _ images: LabelledImages
  ) -> [Int] {
    classifier.outcomes(for: Sensitive(images)).revealed()
  }

  @Test func rightAndWrongAnswersAreCountedInThatOrder() throws {
    let test = try GlyphSet.images(200, from: 10_000)
    let counts = outcomes(try classifier(), test)
    #expect(counts[0] + counts[1] == 200 && counts[0] > 110)
    let wrongly = LabelledImages(
      shape: test.shape, classNames: test.classNames,
      labels: test.labels.map { ($0 + 1) % test.classNames.count }, pixels: test.pixels)
    #expect(outcomes(try classifier(), wrongly)[0] < 60)
  }

  /// The counts are sums over images, each of which adds one.
  ///
  /// For every classifier, and for every position of the unit's images among the others, the unit changes
  /// the counts by exactly its number of images.
  @Test func aUnitMovesTheCountsByItsImagesAndNoOthers() throws {
    let learnt = try classifier()
    var stream = SeededStream(seed: 6)
    let images = try GlyphSet.images(150, from: 10_000)
    let noise = LabelledImages(
      shape: images.shape, classNames: images.classNames, labels: images.labels,
      pixels: images.pixels.map { _ in UInt8(stream.next() & 255) })
    for set in [images, noise] {
      for size in [1, 2, 7, 30] {
        let all = Array(0..<set.count).shuffled(using: &stream)
        let unit = Array(all.prefix(size))
        let others = (0..<set.count).filter { !unit.contains($0) }
        let with = outcomes(learnt, set)
        let without = outcomes(learnt, set.images(at: others))
        let alone = outcomes(learnt, set.images(at: unit))
        #expect(zip(without, alone).map { $0 + $1 } == with)
        #expect(alone[0] + alone[1] == size)
        let moved = zip(with, without).map { Double($0 - $1) }
        #expect((moved[0] * moved[0] + moved[1] * moved[1]).squareRoot() <= Double(size))
      }
    }
  }

  @Test func atMostTenThousandSyntheticImagesAreUsedForTraining() throws {
    var progress: [Double] = []
    let classifier = SyntheticClassifier(
      trainedOn: LabelledImages(
        shape: Shape(2, 2, 1), classNames: ["a", "b"], labels: (0..<12_000).map { $0 % 2 },
        pixels: (0..<48_000).map { UInt8($0 / 4 % 2 * 255) }), seed: 1, on: machine
    ) { progress.append($0) }
    #expect(classifier.trainCount == 10_000)
    #expect(progress == progress.sorted() && progress.last.map { $0 < 1 } == true)
    #expect(try self.classifier().trainCount == 400)
  }
}

/// A share of noisy counts.
@Suite struct NoisyShareTests {
  @Test(arguments: [(47_000, 13_000, 7.0), (20, 44, 7), (3, 60, 9.5), (0, 500, 20), (60, 4, 3)])
  func theIntervalCoversTheSharesThatTheNoiseAllows(
    _ first: Int, _ second: Int, _ deviation: Double
  ) {
    let share = NoisyShare(first, beside: second, standardDeviation: deviation)
    #expect(share.value == Double(first) / Double(first + second))
    // Every possible share is tried.
    let possible = stride(from: 0, through: 1, by: 1e-5).filter { p in
      abs(Double(first) * (1 - p) - Double(second) * p)
        <= 1.959963984540054 * deviation * ((1 - p) * (1 - p) + p * p).squareRoot()
    }
    #expect(abs(share.interval.low - (possible.first ?? -1)) < 2e-5)
    #expect(abs(share.interval.high - (possible.last ?? -1)) < 2e-5)
  }

  @Test func theIntervalCoversTheTruthAtItsStatedRate() {
    var stream = SeededStream(seed: 12)
    func noise() -> Int { Int((12 * stream.gaussian()).rounded()) }
    let rounds = 20_000
    let held = (0..<rounds).count { _ in
      let interval = NoisyShare(
        300 + noise(), beside: 100 + noise(), standardDeviation: (144 + 1.0 / 12).squareRoot()
      ).interval
      return interval.low <= 0.75 && interval.high >= 0.75
    }
    #expect(abs(Double(held) / Double(rounds) - 0.95) < 0.006)
  }

  @Test func noiseThatDrownsTheSumYieldsNoResult() {
    for (first, second) in [(3, -5), (-8, 2), (4, 3), (0, 0)] {
      let share = NoisyShare(first, beside: second, standardDeviation: 7)
      #expect(share.interval.low == 0 && share.interval.high == 1)
    }
    #expect(NoisyShare(3, beside: -5, standardDeviation: 7).value == nil)
    #expect(NoisyShare(-2, beside: 90, standardDeviation: 3).value == 0)
  }
}
