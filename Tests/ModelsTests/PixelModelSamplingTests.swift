import Compute
import Glibc
import Learning
import Testing

@testable import Models

@Suite struct PixelModelSamplingTests {
  private struct Drawn: Equatable {
    var images: [Float] = []
    var logLikelihoods: [Double] = []
  }

  private func draw(
    _ model: PixelModel, _ sampling: SampleRequest, completing completion: Completion? = nil
  ) throws -> Drawn {
    var all = Drawn()
    try model.draw(sampling, completing: completion) { drawn in
      #expect(drawn.first * model.format.shape.count == all.images.count)
      all.images += drawn.images.array
      all.logLikelihoods += drawn.logLikelihoods
    }
    return all
  }

  /// Draws without any cache: evaluates the whole network for every pixel and every channel group.
  private func drawNaively(_ model: PixelModel, _ sampling: SampleRequest) -> [Float] {
    let format = model.format
    var images = ImageArray(
      shape: format.shape,
      values: [Float](repeating: 0, count: sampling.labels.count * format.shape.count),
      classes: sampling.labels)
    var streams = sampling.labels.indices.map {
      PixelSampler.stream(seed: sampling.seed, index: $0)
    }
    let pixels = format.height * format.width
    for pixel in 0..<pixels {
      for channels in model.distribution.steps {
        let outputs = model.rawOutputs(of: images)
        for image in images.classes.indices {
          let place = (image * pixels + pixel)
          let logits = Array(
            outputs[(place * model.layout.outputCount)...].prefix(model.layout.outputCount))
          let own = model.distribution.draw(
            channels, at: pixel, of: images[image], outputs: logits,
            temperature: sampling.temperature, from: &streams[image])
          images.values.replaceSubrange(
            (place * format.channels)..<((place + 1) * format.channels), with: own)
        }
      }
    }
    return images.values
  }

  @Test(arguments: PixelModelCase.allCases)
  func cachedSamplingIsBitIdenticalToTheWholeNetworkForEveryPixel(_ kind: PixelModelCase) throws {
    let model = try kind.model()
    let sampling = SampleRequest(
      labels: kind.labels([2, 0, 1, 1, 2]), seed: 11, temperature: 0.9)
    #expect(try draw(model, sampling).images == drawNaively(model, sampling))
  }

  @Test func guidanceOfOneChangesNothingAndMoreSharpensTheClass() throws {
    let model = try PixelModelCase.greyGuided.model()
    let labels = [Int](repeating: 2, count: 60)
    let plain = try draw(model, SampleRequest(labels: labels, seed: 4))
    let guided = try draw(model, SampleRequest(labels: labels, seed: 4, guidance: 3))
    #expect(plain.images != guided.images)
    // How much likelier the images are with their class than without.
    func evidence(_ drawn: Drawn) -> Double {
      let images = { (label: Int) in
        ImageArray(
          shape: model.format.shape, values: drawn.images,
          classes: [Int](repeating: label, count: 60))
      }
      let absent = model.negativeLogLikelihoods(of: images(3)).reduce(0, +)
      return absent - model.negativeLogLikelihoods(of: images(2)).reduce(0, +)
    }
    #expect(evidence(guided) > evidence(plain) + 30)
  }

  /// The guided logits, computed with the whole network for every pixel.
  @Test func guidedSamplingEqualsTheWholeNetwork() throws {
    let model = try PixelModelCase.greyGuided.model()
    let sampling = SampleRequest(labels: [0, 2, 1], seed: 12, guidance: 1.75)
    let size = model.format.shape.count
    var own = ImageArray(
      shape: model.format.shape, values: [Float](repeating: 0, count: 3 * size),
      classes: sampling.labels)
    var streams = (0..<3).map { PixelSampler.stream(seed: sampling.seed, index: $0) }
    for pixel in 0..<size {
      var absent = own
      absent.classes = [3, 3, 3]
      let outputs = zip(model.rawOutputs(of: own), model.rawOutputs(of: absent)).map {
        $1 + 1.75 * ($0 - $1)
      }
      for image in 0..<3 {
        let logits = Array(outputs[((image * size + pixel) * 4)...].prefix(4))
        own.values[image * size + pixel] =
          model.distribution.draw(
            0..<1, at: pixel, of: own[image], outputs: logits, from: &streams[image])[0]
      }
    }
    #expect(try draw(model, sampling).images == own.values)
  }

  @Test(arguments: PixelModelCase.allCases)
  func columnsComputeTheNetworksOutputsBitForBit(_ kind: PixelModelCase) throws {
    let model = try kind.model()
    var images = ImageArray.random(3, kind.format)
    images.classes = kind.labels(images.classes)
    let expected = model.outputs(of: images)
    let columns = GatedColumns(model.layout, capacity: 4) { name in
      model.network.parameters.values(
        of: model.network.parameters.parameters.first { $0.name == name }!)
    }
    columns.images.examples(from: 0, count: 3).assign(images.quantized(model))
    columns.begin(labels: images.classes)
    let size = model.layout.outputCount
    for row in 0..<kind.format.height {
      columns.beginRow(row)
      for column in 0..<kind.format.width {
        let found = columns.outputs(row: row, column: column, isFirstVisit: true).array
        for image in 0..<3 {
          let place = ((image * kind.format.height + row) * kind.format.width + column) * size
          #expect(
            Array(found[(image * size)...].prefix(size)) == Array(expected[place...].prefix(size)))
        }
      }
    }
  }

  @Test(arguments: PixelModelCase.allCases)
  func likelihoodOfDrawnImagesIsTheModelsOwn(_ kind: PixelModelCase) throws {
    let model = try kind.model()
    let labels = kind.labels((0..<40).map { $0 % 3 })
    let drawn = try draw(model, SampleRequest(labels: labels, seed: 3))
    let losses = model.negativeLogLikelihoods(
      of: ImageArray(shape: kind.format.shape, values: drawn.images, classes: labels))
    for (logLikelihood, loss) in zip(drawn.logLikelihoods, losses) {
      #expect(abs(logLikelihood + loss) < 1e-9 * loss)
    }
  }

  /// Compares the first pixel's joint distribution over all channels with many samples.
  @Test(arguments: PixelModelCase.allCases)
  func drawnLevelsFollowTheirProbabilities(_ kind: PixelModelCase) throws {
    let model = try kind.model()
    let (levels, channels) = (model.levels, kind.format.channels)
    let count = 10_000
    let drawn = try draw(model, SampleRequest(labels: Array(repeating: 1, count: count), seed: 6))
    let size = kind.format.shape.count
    var shares: [[Float]: Double] = [:]
    for image in 0..<count {
      shares[Array(drawn.images[(image * size)...].prefix(channels)), default: 0] +=
        1 / Double(count)
    }
    for code in 0..<(0..<channels).reduce(1, { product, _ in product * levels.count }) {
      var rest = code
      let pixel = (0..<channels).map { _ -> Float in
        defer { rest /= levels.count }
        return levels.value(of: rest % levels.count)
      }
      // The outputs depend on the pixel's own earlier channels.
      let first = ImageArray(
        shape: kind.format.shape,
        values: pixel + [Float](repeating: 0, count: size - channels), classes: [1])
      let outputs = Array(model.rawOutputs(of: first).prefix(model.layout.outputCount))
      let probability = exp(-model.distribution.loss(of: pixel, outputs: outputs))
      // Five standard deviations of a share, plus one sample where almost none is expected.
      let deviation = (probability * (1 - probability) / Double(count)).squareRoot()
      #expect(
        abs((shares[pixel] ?? 0) - probability) < 5 * deviation + 1 / Double(count), "\(pixel)")
    }
  }

  @Test func imagesDependOnTheirPlaceAndSeedAndNotOnThreads() throws {
    let kind = PixelModelCase.greySoftmax
    let sampling = SampleRequest(labels: (0..<150).map { $0 % 3 }, seed: 5)
    let one = try draw(kind.model(threads: 1), sampling)
    #expect(try draw(kind.model(threads: 3), sampling) == one)
    var fewer = sampling
    fewer.labels = Array(sampling.labels.prefix(7))
    let size = kind.format.shape.count
    #expect(try draw(kind.model(), fewer).images == Array(one.images.prefix(7 * size)))
    var other = sampling
    other.seed = 6
    #expect(try draw(kind.model(), other).images != one.images)
  }

  @Test func lowTemperatureDrawsTheLikeliestLevels() throws {
    let model = try PixelModelCase.greySoftmax.model()
    let cold = try draw(model, SampleRequest(labels: [1, 1, 1], seed: 5, temperature: 1e-6))
    let size = model.format.shape.count
    #expect(cold.images[..<size] == cold.images[size..<(2 * size)])
    #expect(cold.images[..<size] == cold.images[(2 * size)...])
    let warm = try draw(model, SampleRequest(labels: [1, 1, 1], seed: 5))
    #expect(cold.logLikelihoods.reduce(0, +) > warm.logLikelihoods.reduce(0, +))
  }

  @Test(arguments: PixelModelCase.allCases)
  func completionKeepsTheUpperRowsAndDrawsTheOthers(_ kind: PixelModelCase) throws {
    let model = try kind.model()
    let labels = [0, 1, 2, 0, 1]
    let given = try draw(model, SampleRequest(labels: labels, seed: 1)).images
    let source = ImageArray(shape: kind.format.shape, values: given, classes: labels)
    let rows = 2
    let completed = try draw(
      model, SampleRequest(labels: labels, seed: 2), completing: .init(rows: rows, of: source))
    let size = kind.format.shape.count
    let kept = rows * kind.format.width * kind.format.channels
    for index in labels.indices {
      let before = source[index]
      let after = Array(completed.images[(index * size)...].prefix(size))
      #expect(after.prefix(kept) == before.prefix(kept))
      #expect(after.dropFirst(kept) != before.dropFirst(kept))
    }
    // The log-likelihood of the drawn rows given the others is that of the image minus the kept rows.
    let losses = model.negativeLogLikelihoods(
      of: ImageArray(shape: kind.format.shape, values: completed.images, classes: labels))
    let again = try draw(
      model, SampleRequest(labels: labels, seed: 3), completing: .init(rows: rows, of: source))
    let othersLosses = model.negativeLogLikelihoods(
      of: ImageArray(shape: kind.format.shape, values: again.images, classes: labels))
    for index in labels.indices {
      #expect(-completed.logLikelihoods[index] < losses[index])
      // Two completions of one image differ only in their drawn rows.
      let difference = again.logLikelihoods[index] - completed.logLikelihoods[index]
      #expect(abs(difference - (losses[index] - othersLosses[index])) < 1e-3)
    }
    // If every row is given, nothing is drawn.
    let whole = try draw(
      model, SampleRequest(labels: labels, seed: 2),
      completing: .init(rows: kind.format.height, of: source))
    #expect(whole.images == given)
    #expect(whole.logLikelihoods.allSatisfy { $0 == 0 })
  }

  @Test(arguments: PixelModelCase.allCases)
  func divergedModelDrawsSomethingAndDoesNotTrap(_ kind: PixelModelCase) throws {
    let model = try kind.model()
    model.averaged.average.values.fill(.nan)
    let drawn = try draw(model, SampleRequest(labels: [0, 1], seed: 1))
    #expect(drawn.images.allSatisfy { $0 >= -1 && $0 <= 1 })
  }

  @Test func classCountsBecomeLabelsInOrder() {
    #expect(SampleRequest(classCounts: [2, 0, 1], seed: 1).labels == [0, 0, 2])
  }

  @Test func invalidRequestsAreRefused() throws {
    let model = try PixelModelCase.greySoftmax.model()
    let image = ImageArray.random(1, model.format)
    for sampling in [
      SampleRequest(labels: [3], seed: 1), SampleRequest(labels: [0], seed: 1, temperature: 0),
      SampleRequest(labels: [0], seed: 1, temperature: .infinity),
      SampleRequest(labels: [0], seed: 1, temperature: 1e-9),
      SampleRequest(labels: [0], seed: 1, temperature: .nan),
      SampleRequest(labels: [0], seed: 1, guidance: 2),
    ] {
      #expect(throws: RecipeFailure.self) { try model.draw(sampling) { _ in } }
    }
    for (labels, rows) in [([0], 6), ([0, 1], 1)] {
      #expect(throws: RecipeFailure.self) {
        try model.draw(
          SampleRequest(labels: labels, seed: 1), completing: .init(rows: rows, of: image)
        ) { _ in }
      }
    }
    try model.draw(SampleRequest(labels: [], seed: 1)) { _ in
      Issue.record("an empty request drew an image")
    }
  }
}

extension PixelModel {
  /// The network's outputs for the given images.
  func rawOutputs(of images: ImageArray) -> [Float] {
    let pass = Pass(on: machine)
    pass.begin(exampleCount: images.count, labels: images.classes)
    let input = pass.make(format.shape)
    images.fill(input, from: 0..<images.count)
    return network.network.forward(input, in: pass).array
  }
}
