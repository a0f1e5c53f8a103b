import Compute
import Glibc
import Learning
import Testing

@testable import Models

extension PixelModel {
  /// Moves all parameters, and their average, away from their initial values.
  func randomize(deviation: Float, seed: UInt64) {
    var stream = SeededStream(seed: seed ^ 0xBEEF)
    stream.fillGaussian(network.parameters.values, standardDeviation: deviation)
    network.network.parametersChanged()
    averaged.average.values.copy(from: network.parameters.values)
  }

  /// The network's outputs for images that already lie on levels.
  func outputs(of images: ImageArray) -> [Float] {
    let pass = Pass(on: machine)
    pass.begin(exampleCount: images.count, labels: images.classes)
    let input = pass.make(format.shape)
    QuantizedImages(images: images, levels: levels).fill(input, from: 0..<images.count)
    return network.network.forward(input, in: pass).array
  }

  /// Each channel's distribution over its levels, given the image's earlier numbers, as the
  /// logarithms of all levels' probabilities: place (pixel · channels + channel) × levels.
  ///
  /// The conditional probability of a channel is a ratio of sums over later channels.
  func conditionals(of image: [Float], outputs: [Float]) -> [[Double]] {
    let channels = format.channels
    return (0..<(format.height * format.width)).flatMap { pixel -> [[Double]] in
      let own = Array(outputs[(pixel * layout.outputCount)..<((pixel + 1) * layout.outputCount)])
      return (0..<channels).map { channel in
        let sums = (0..<levels.count).map { level -> Double in
          var trial = image
          trial[pixel * channels + channel] = levels.value(of: level)
          return total(of: trial, at: pixel, from: channel + 1, outputs: own)
        }
        let whole = sums.reduce(0, +)
        return sums.map { $0 / whole }
      }
    }
  }

  /// The probability of a pixel's channels below `first`, summed over all levels of the others.
  private func total(
    of image: [Float], at pixel: Int, from first: Int, outputs: [Float]
  ) -> Double {
    guard first < format.channels else {
      return exp(-distribution.loss(of: image, at: pixel, outputs: outputs))
    }
    return (0..<levels.count).reduce(0) { sum, level in
      var trial = image
      trial[pixel * format.channels + first] = levels.value(of: level)
      return sum + total(of: trial, at: pixel, from: first + 1, outputs: outputs)
    }
  }
}

@Suite struct PixelModelMaskTests {
  /// Exhaustive: every number of a small image is changed, and the distribution of every earlier
  /// number, and of the number itself, stays the same.
  @Test(arguments: PixelModelCase.allCases)
  func aNumberNeverChangesTheDistributionOfAnEarlierOne(_ kind: PixelModelCase) throws {
    let model = try kind.model()
    var image = ImageArray.random(1, kind.format)
    image.values = image.values.map { model.levels.value(of: model.levels.level(of: $0)) }
    image.classes = [1]
    let before = model.conditionals(of: image[0], outputs: model.outputs(of: image))
    var seenByTheNext = 0
    for place in image.values.indices {
      var moved = image
      let level = model.levels.level(of: image.values[place])
      moved.values[place] = model.levels.value(of: (level + 1) % model.levels.count)
      let after = model.conditionals(of: moved[0], outputs: model.outputs(of: moved))
      // Sums over later channels of the same pixel are rounded; a connection changes them far more.
      let moves = zip(before, after).map { zip($0, $1).map { abs($0 - $1) }.max() ?? 0 }
      #expect(moves[...place].allSatisfy { $0 < 1e-12 }, "number \(place)")
      if place + 1 < moves.count, moves[place + 1] > 1e-6 { seenByTheNext += 1 }
    }
    // The network does read the numbers: nearly every number changes the distribution of the next one.
    #expect(seenByTheNext > image.values.count / 2)
  }

  /// No blind spot: the last pixel's distribution depends on every earlier pixel within reach.
  @Test(arguments: PixelModelCase.allCases)
  func everyEarlierNumberChangesALaterDistribution(_ kind: PixelModelCase) throws {
    let model = try kind.model()
    let image = ImageArray.random(1, kind.format, seed: 9)
    let before = model.outputs(of: image)
    let lastPixel = before.count - model.layout.outputCount
    for place in 0..<(image.values.count - kind.format.channels) {
      var moved = image
      moved.values[place] = image.values[place] > 0 ? -1 : 1
      let after = model.outputs(of: moved)
      #expect(after[lastPixel...] != before[lastPixel...], "number \(place)")
    }
  }

  @Test(arguments: PixelModelCase.allCases)
  func probabilitiesOfAPixelSumToOne(_ kind: PixelModelCase) throws {
    let model = try kind.model()
    let image = ImageArray.random(1, kind.format, seed: 5)
    let outputs = model.outputs(of: image)
    let values = image.quantized(model)
    let channels = kind.format.channels
    let levels = model.levels.count
    for pixel in [0, kind.format.height * kind.format.width - 1] {
      let own = Array(
        outputs[(pixel * model.layout.outputCount)...].prefix(model.layout.outputCount))
      var sum = 0.0
      for code in 0..<(0..<channels).reduce(1, { product, _ in product * levels }) {
        var rest = code
        var trial = values
        for channel in 0..<channels {
          trial[pixel * channels + channel] = model.levels.value(of: rest % levels)
          rest /= levels
        }
        sum += exp(-model.distribution.loss(of: trial, at: pixel, outputs: own))
      }
      #expect(abs(sum - 1) < 1e-5)
    }
  }

  @Test(arguments: PixelModelCase.allCases)
  func classChangesTheDistributionOfEveryPixel(_ kind: PixelModelCase) throws {
    let model = try kind.model()
    var image = ImageArray.random(1, kind.format)
    image.classes = [0]
    let first = model.outputs(of: image)
    image.classes = [2]
    let second = model.outputs(of: image)
    for pixel in 0..<(kind.format.height * kind.format.width) {
      let own = (pixel * model.layout.outputCount)..<((pixel + 1) * model.layout.outputCount)
      #expect(first[own] != second[own], "pixel \(pixel)")
    }
  }
}
