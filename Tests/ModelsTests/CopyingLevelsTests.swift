import Compute
import Glibc
import Learning
@_spi(PrivateZone) import Privacy
import TestSupport
import Testing

@testable import Models

@Suite struct CopyingLevelsTests {
  /// The definition, computed in Double: logits, an addend for each earlier neighbour's level, a
  /// factor of log(1 + n).
  private func expectedLoss(
    _ image: [Int], at position: Int, width: Int, outputs: [Float]
  ) -> Double {
    let (row, column) = (position / width, position % width)
    var logits = outputs[0..<4].map(Double.init)
    for level in 0..<4 {
      let occurrences = image[..<position].filter { $0 == level }.count
      logits[level] += Double(outputs[8]) * log(1 + Double(occurrences))
    }
    // Left; then above left, above, above right.
    for (index, (up, right)) in [(0, -1), (1, -1), (1, 0), (1, 1)].enumerated() {
      let (above, beside) = (row - up, column + right)
      if above >= 0, (0..<width).contains(beside) {
        logits[image[above * width + beside]] += Double(outputs[4 + index])
      }
    }
    return log(logits.map { exp($0) }.reduce(0, +)) - logits[image[position]]
  }

  @Test func lossAgreesWithTheDefinition() {
    let levels = PixelLevels(bits: 2)
    let distribution = CopyingLevels(
      CategoricalLevels(levels: levels, channelCount: 1), height: 4, width: 3, reach: 1)
    #expect(distribution.outputCount == 9)
    var stream = SeededStream(seed: 7)
    for _ in 0..<20 {
      let image = (0..<12).map { _ in Int(stream.uniform() * 4) }
      let outputs = (0..<9).map { _ in Float(2 * stream.gaussian()) }
      for position in 0..<12 {
        let found = distribution.loss(
          of: image.map { levels.value(of: $0) }, at: position, outputs: outputs)
        let expected = expectedLoss(image, at: position, width: 3, outputs: outputs)
        #expect(abs(found - expected) < 1e-5 * max(1, expected), "position \(position)")
      }
    }
  }

  /// A colour copies only the levels of its own channel.
  @Test func channelsCopyTheirOwnLevels() {
    let levels = PixelLevels(bits: 2)
    let distribution = CopyingLevels(
      CategoricalLevels(levels: levels, channelCount: 3), height: 1, width: 2, reach: 1)
    let stride = distribution.outputCount / 3
    var outputs = [Float](repeating: 0, count: distribution.outputCount)
    // The pixel on the left is the first source; green copies it.
    outputs[stride + 4] = 100
    let image = [0, 1, 2, 3, 1, 3].map { levels.value(of: $0) }
    // Green is certain; red and blue are uniform.
    #expect(abs(distribution.loss(of: image, at: 1, outputs: outputs) - 2 * log(4)) < 1e-5)
    let other = [0, 1, 2, 3, 2, 3].map { levels.value(of: $0) }
    #expect(distribution.loss(of: other, at: 1, outputs: outputs) > 90)
  }

  /// Each image has two random levels out of 64: weights cannot know them, but the image shows them.
  @Test func repeatedLevelsOfAnImageAreLearnt() throws {
    let format = ImageSpecification.tiny(height: 4, width: 4, classes: 1)
    let levels = PixelLevels(bits: 6)
    func images(seed: UInt64) -> ImageArray {
      var stream = SeededStream(seed: seed)
      let values = (0..<256).flatMap { _ -> [Float] in
        let pair = (0..<2).map { _ in Int(stream.uniform() * 64) }
        return (0..<16).map { _ in levels.value(of: pair[Int(stream.uniform() * 2)]) }
      }
      return ImageArray(
        shape: format.shape, values: values, classes: [Int](repeating: 0, count: 256))
    }
    let (training, others) = (images(seed: 3), images(seed: 4))
    let bits = try [nil, 1].map { reach -> Double in
      let model = try PixelModel(
        PixelModelSettings(
          channels: 8, depth: 1, firstKernel: 3, bits: 6, copyReach: reach, learningRate: 0.02,
          averageDecay: 0.9),
        for: format, seed: 1, on: Machine(threadCount: 1))
      for step in 0..<120 {
        _ = try model.step(
          TrainingStep(
            index: step, stepCount: 120, batchSize: 256, protection: .test(nil),
            noise: NoiseStream()),
          on: PrivateExamples(training))
      }
      return model.bitsPerDimension(of: others)
    }
    // Two levels of six bits and fourteen choices of one bit are 26 bits for 16 pixels: 1.6 per pixel.
    #expect(bits[0] > 4.5 && bits[1] < 2.5, "\(bits)")
  }
}
