import Compute
import Glibc
import Learning
import Testing

@testable import Models

@Suite struct PixelModelLossTests {
  private static let distributions: [any PixelDistribution] = [
    CategoricalLevels(levels: PixelLevels(bits: 1), channelCount: 1),
    CategoricalLevels(levels: PixelLevels(bits: 4), channelCount: 1),
    CategoricalLevels(levels: PixelLevels(bits: 3), channelCount: 3),
    CopyingLevels(
      CategoricalLevels(levels: PixelLevels(bits: 2), channelCount: 1), height: 3, width: 4,
      reach: 2),
    CopyingLevels(
      CategoricalLevels(levels: PixelLevels(bits: 3), channelCount: 3), height: 3, width: 4,
      reach: 1),
    LogisticMixture(levels: PixelLevels(bits: 8), channelCount: 1, componentCount: 5),
    LogisticMixture(levels: PixelLevels(bits: 2), channelCount: 3, componentCount: 2),
    LogisticMixture(levels: PixelLevels(bits: 8), channelCount: 3, componentCount: 4),
  ]

  @Test(arguments: distributions.indices)
  func gradientsAgreeWithTheLoss(_ index: Int) {
    let distribution = Self.distributions[index]
    var stream = SeededStream(seed: UInt64(index))
    let channels = distribution.steps.map(\.count).reduce(0, +)
    for trial in 0..<20 {
      let outputs = (0..<distribution.outputCount).map { _ in Float(stream.gaussian()) }
      // Corners of the cube include the open first and last bins.
      let image = (0..<(12 * channels)).map { _ -> Float in
        trial % 4 == 0 ? (stream.uniform() < 0.5 ? -1 : 1) : Float(2 * stream.uniform() - 1)
      }.map { value in
        let levels = (distribution as? LogisticMixture)?.levels ?? PixelLevels(bits: 8)
        return levels.value(of: levels.level(of: value))
      }
      var gradient = [Float](repeating: .nan, count: outputs.count)
      _ = distribution.loss(
        of: image, at: trial % 12, outputs: outputs, gradient: &gradient)
      for place in outputs.indices {
        var above = outputs
        var below = outputs
        above[place] += 0x1p-7
        below[place] -= 0x1p-7
        let width = Double(above[place]) - Double(below[place])
        let difference =
          (distribution.loss(of: image, at: trial % 12, outputs: above)
            - distribution.loss(of: image, at: trial % 12, outputs: below)) / width
        #expect(
          abs(Double(gradient[place]) - difference) < 2e-3 * max(1, abs(difference)),
          "output \(place) in trial \(trial)")
      }
    }
  }

  /// The textbook form of a discretised logistic, in Double, as an independent check.
  @Test func binsOfOneLogisticAreDifferencesOfItsDistributionFunction() {
    let levels = PixelLevels(bits: 4)
    let mixture = LogisticMixture(levels: levels, channelCount: 1, componentCount: 1)
    let (mean, logScale) = (0.2, -1.5)
    func cumulative(_ x: Double) -> Double { 1 / (1 + exp(-(x - mean) / exp(logScale))) }
    for level in 0..<levels.count {
      let value = Double(levels.value(of: level))
      let lower = level == 0 ? 0 : cumulative(value - 1.0 / 15)
      let upper = level == 15 ? 1 : cumulative(value + 1.0 / 15)
      let loss = mixture.loss(
        of: [Float(value)], outputs: [0.7, Float(mean), Float(logScale)])
      #expect(abs(exp(-loss) - (upper - lower)) < 1e-6)
    }
  }

  @Test func farBinsOfANarrowLogisticKeepAFiniteLossAndSlope() {
    let mixture = LogisticMixture(levels: PixelLevels(bits: 8), channelCount: 1, componentCount: 2)
    var gradient = [Float](repeating: 0, count: 6)
    let loss = mixture.loss(
      of: [1.0 - 2 / 255], outputs: [0, 0, -1, -1, -9, -7], gradient: &gradient)
    #expect(loss.isFinite && loss > 100)
    #expect(gradient.allSatisfy { $0.isFinite })
  }

  @Test(arguments: 1...8)
  func levelsAreExactForTheirOwnValuesAndKeepBlackAndWhite(bits: Int) {
    let levels = PixelLevels(bits: bits)
    #expect(levels.value(of: 0) == -1)
    #expect(levels.value(of: levels.count - 1) == 1)
    for level in 0..<levels.count { #expect(levels.level(of: levels.value(of: level)) == level) }
    #expect(levels.level(of: -3) == 0)
    #expect(levels.level(of: 3) == levels.count - 1)
    #expect(levels.level(of: .nan) == 0)
    #expect(levels.level(of: .infinity) == levels.count - 1)
  }

  @Test func eightBitsKeepEveryByte() {
    let levels = PixelLevels(bits: 8)
    for byte in 0...255 {
      #expect(levels.level(of: Float(byte) / 127.5 - 1) == byte)
    }
  }

  @Test func lossOfAnImageIsTheSumOverItsPixels() throws {
    let model = try PixelModelCase.colourLogistics.model()
    let images = ImageArray.random(3, model.format)
    let losses = model.negativeLogLikelihoods(of: images)
    for index in 0..<3 {
      let alone = ImageArray(
        shape: images.shape, values: images[index], classes: [images.classes[index]])
      let conditionals = model.conditionals(
        of: alone.quantized(model), outputs: model.outputs(of: alone))
      let levels = alone.quantized(model).map { model.levels.level(of: $0) }
      let sum = zip(conditionals, levels).reduce(0.0) { $0 - log($1.0[$1.1]) }
      #expect(abs(losses[index] - sum) < 1e-6 * sum)
    }
    let dimensions = Double(3 * model.format.shape.count)
    let bits = losses.reduce(0, +) / dimensions / log(2.0)
    #expect(abs(model.bitsPerDimension(of: images) - bits) < 1e-12)
  }
}

extension ImageArray {
  func quantized(_ model: PixelModel) -> [Float] {
    values.map { model.levels.value(of: model.levels.level(of: $0)) }
  }
}
