import Compute
import Datasets
import Glibc
import Learning
import Privacy
import TestSupport
import Testing

@testable import Models

/// Codes that a Bayesian network describes by their bins: what the network reads, draws and computes.
@Suite struct VAENetworkTests {
  @Test func theNetworksPhasesShareThePartOfTheCodes() {
    let training = TrainingSettings(batchSize: 8, steps: 9, clipNorm: 3)
    func phases(latentSize: Int, classes: Int) -> [PhaseOutline] {
      VAE.phases(
        of: VAESettings(latentSize: latentSize, codes: .network, share: 0.2), training: training,
        for: .tiny(height: 8, width: 8, classes: classes))
    }
    let several = phases(latentSize: 2, classes: 2)
    #expect(several.map(\.name) == ["training", "one-way marginals", "rounds"])
    #expect(several[0].work == .training(training) && several[0].share == nil)
    // Tables of the class and of two numbers; three rounds for each of them.
    #expect(several[1].work == .answer(clipNorm: 3.0.squareRoot()))
    #expect(several[2].work == .rounds(count: 9))
    let shares = several.compactMap(\.share)
    #expect(shares.count == 2 && abs(shares[0] - 0.06) < 1e-12 && abs(shares[1] - 0.14) < 1e-12)
    let single = phases(latentSize: 1, classes: 1)
    #expect(single.map(\.name) == ["training", "one-way marginals"] && single[1].share == 0.2)
  }

  /// Quantiles of the standard normal distribution from tables.
  @Test func theBinsAreQuantilesOfTheStandardNormalDistribution() {
    let bins = NormalBins(count: 8)
    let expected = [
      -1.1503493803760079, -0.6744897501960817, -0.3186393639643752, 0, 0.3186393639643752,
      0.6744897501960817, 1.1503493803760079,
    ]
    for (edge, value) in zip(bins.edges, expected) { #expect(abs(edge - value) < 1e-7) }
    #expect([-9, -1.16, -0.1, 0, 0.5, 9, .nan].map(bins.bin) == [0, 0, 3, 4, 5, 7, 0])
    // A bin's density is eight times that of the whole distribution.
    #expect(abs(bins.logDensity(of: 0.5) - (log(8) - 0.125 - log(2 * .pi) / 2)) < 1e-6)
    // A quarter of the lowest quarter lies below the sixteenth.
    #expect(abs(NormalBins(count: 4).number(in: 0, at: 0.25) + 1.5341205443525463) < 1e-6)
    for count in [2, 3, 8, 64] {
      let bins = NormalBins(count: count)
      for bin in 0..<count {
        for fraction in [0, 1e-9, 0.5, 1 - 0x1p-53] {
          let number = bins.number(in: bin, at: fraction)
          #expect(number.isFinite && bins.bin(of: Double(number)) == bin)
        }
      }
    }
  }

  /// The rows by the encoder alone, one image after another.
  private func rows(of images: ImageArray, by model: VAE) -> [[UInt8]] {
    model.layers.codes.round = .max
    let edge = 0.4307272992954576  // the upper third
    return (0..<images.count).map { index in
      model.pass.begin(
        exampleCount: 1, labels: [images.classes[index]], purpose: .sampling)
      let input = model.pass.make(NetworkVAE.format.shape)
      images.fill(input, from: index..<(index + 1))
      model.levels.quantize(input)
      let codes = (model.layers.encoder as [any Layer]).forward(input, in: model.pass)
      return codes.array.map { Double($0) < -edge ? 0 : Double($0) < edge ? 1 : 2 }
    }
  }

  private func tables(_ images: ImageArray, by model: VAE) -> [Double] {
    let codes = BinnedCodes(
      of: model.layers.encoder, bins: NormalBins(count: 3), on: Machine(threadCount: 1))
    model.layers.codes.round = .max
    return model.quantized(PrivateExamples(images)).rows(of: codes)
      .marginals([Marginal(columns: [0, 1], codeCounts: [3, 3])], .test)[0]
  }

  @Test func theBinsOfAnImageDependOnNoOtherImage() throws {
    let model = try NetworkVAE.model()
    // More than are encoded together.
    let images = NetworkVAE.images(300)
    var expected = [Double](repeating: 0, count: 9)
    for row in rows(of: images, by: model) { expected[Int(3 * row[0] + row[1])] += 1 }
    #expect(tables(images, by: model) == expected)
    // The codes of one image say nothing of the others' bins.
    #expect(expected.filter { $0 > 0 }.count > 2)
    for index in [0, 1, 7] {
      let one = ImageArray(
        shape: images.shape, values: images[index], classes: [images.classes[index]])
      let row = rows(of: one, by: model)[0]
      let table = tables(one, by: model)
      #expect(table[Int(3 * row[0] + row[1])] == 1 && table.reduce(0, +) == 1)
    }
  }

  @Test func aPersonWithSeveralImagesCountsOnce() throws {
    let model = try NetworkVAE.model()
    var images = NetworkVAE.images(6)
    images.units = [0, 0, 0, 1, 2, 2]
    let table = tables(images, by: model)
    #expect(abs(table.reduce(0, +) - 3) < 1e-9)
  }

  @Test func keptRowsAreThoseOfTheCurrentWeights() throws {
    let plain = NetworkVAE.images(40)
    let placed = PlacedImages(images: plain, places: ExamplePlaces(in: Collection(), [Int](0..<40)))
    var states: [Checkpoint] = []
    for images in [plain, placed] as [any ExampleSource] {
      let model = try NetworkVAE.model { $0.learningRate = 0.05 }
      try NetworkVAE.measure(model, images)
      try NetworkVAE.train(model, images, steps: 0..<15)
      try NetworkVAE.measure(model, images)
      for index in 0..<3 { try NetworkVAE.round(model, index, images) }
      let own = model.savedState
      let former = model.networkPrior?.network.learner.measured
      // Other weights come from a checkpoint too.
      try model.restore(from: NetworkVAE.model(seed: 9).savedState)
      try NetworkVAE.measure(model, images)
      #expect(model.networkPrior?.network.learner.measured.map(\.values) != former?.map(\.values))
      states += [own, model.savedState]
    }
    #expect(states[0].tensors == states[2].tensors && states[1].tensors == states[3].tensors)
  }

  /// Rows of which half have bins 0 and 2 in class 0; those of class 1 have bins 1 and 1, or 2 and 0.
  @Test func drawnCodesLieInTheirBinsAsOftenAsInTheNetwork() throws {
    let model = try NetworkVAE.model()
    let prior = try #require(model.networkPrior)
    let patterns: [(label: Int, codes: [UInt8])] = [
      (0, [0, 2]), (1, [1, 1]), (0, [0, 2]), (1, [2, 0]), (0, [1, 0]), (1, [2, 0]), (0, [2, 2]),
      (1, [2, 0]),
    ]
    let rows = CodeRows(
      rows: (0..<800).map { patterns[$0 % 8].codes },
      classes: (0..<800).map { patterns[$0 % 8].label })
    _ = try prior.network.step(
      TrainingStep(
        phase: BayesianNetwork.oneWay, index: 0, stepCount: 1, batchSize: 800,
        protection: .test(nil), noise: TestNoise.stream(1)), on: PrivateExamples(rows))
    for index in 0..<6 {
      _ = try prior.network.round(
        SelectionRound(
          phase: BayesianNetwork.rounds, index: index, count: 6, population: 800,
          protection: .none(.test), noise: TestNoise.stream(2)), on: PrivateExamples(rows))
    }
    for label in 0..<2 {
      let count = 8000
      var found: [[Int]: Double] = [:]
      var inMiddle: [Double] = []
      for index in 0..<count {
        var stream = SeededStream(seed: UInt64(10 * index + label))
        let code = model.drawCode(label, temperature: 1, from: &stream).map(Double.init)
        found[code.map(prior.bins.bin), default: 0] += 1 / Double(count)
        inMiddle += code.filter { prior.bins.bin(of: $0) == 2 }
      }
      for first in 0..<3 {
        for second in 0..<3 {
          let codes = [UInt8(first), UInt8(second)]
          let own = patterns.filter { $0.label == label && $0.codes == codes }
          let share = found[[first, second]] ?? 0
          // Three standard errors of a share are at most 0.017; the fit is not exact either.
          #expect(abs(share - Double(own.count) / 4) < 0.035, "\(label) \(codes) \(share)")
          let row = TableRow(label: label, codes: codes)
          #expect(abs(share - exp(prior.network.logProbability(ofCodesOf: row))) < 0.02)
        }
      }
      // The mean of the upper third of the normal distribution is three times its density at the edge.
      let edge = 0.4307272992954576
      let mean = 3 * exp(-edge * edge / 2) / (2 * Double.pi).squareRoot()
      let drawn = inMiddle.reduce(0, +) / Double(inMiddle.count)
      #expect(inMiddle.count > 1000 && abs(drawn - mean) < 0.04, "\(drawn), \(mean)")
    }
  }

  @Test func anUnlearntNetworkDrawsFromTheStandardDistribution() throws {
    let model = try NetworkVAE.model()
    var stream = SeededStream(seed: 4)
    let codes = (0..<4000).flatMap { _ in model.drawCode(1, temperature: 1, from: &stream) }
    let mean = codes.reduce(0, +) / 8000
    let square = codes.reduce(0) { $0 + $1 * $1 } / 8000
    #expect(abs(mean) < 0.04 && abs(square - 1) < 0.06, "\(mean), \(square)")
    let standard = -(0.09 + 4 + 2 * log(2 * Double.pi)) / 2
    #expect(abs(model.logDensity(ofCode: [0.3, -2], 0) - standard) < 1e-5)
  }

  /// The likelihood is an integral over one or two numbers, which a fine grid of codes gives without sampling.
  ///
  /// Its prior is computed from the probabilities of all rows, and from three bins of equal mass.
  @Test(arguments: [1, 2]) func theBoundLiesJustAboveTheIntegral(_ size: Int) throws {
    let model = try NetworkVAE.learnt { $0.latentSize = size }
    let network = try #require(model.networkPrior).network
    let rows: [[UInt8]] = (0..<(size == 1 ? 3 : 9)).map { size == 1 ? [$0] : [$0 / 3, $0 % 3] }
    let joint = network.logProbabilities(
      of: (0..<2).flatMap { label in rows.map { [UInt8(label)] + $0 } }
    ).map { exp($0) }
    #expect(abs(joint.reduce(0, +) - 1) < 1e-4)
    let images = NetworkVAE.images(4, seed: 8)
    let bounds = model.negativeLogLikelihoods(of: images, samples: 20_000)
    let edge = 0.4307272992954576
    // Midpoints of as many cells in each bin, so that no cell lies in two.
    let cells = size == 1 ? 1000 : 80
    let axis = [(-6, -edge), (-edge, edge), (edge, 6)].flatMap { low, high in
      (0..<cells).map { cell in
        let width = (high - low) / Double(cells)
        return (number: low + (Double(cell) + 0.5) * width, width: width)
      }
    }
    let points =
      size == 1 ? axis.map { [$0] } : axis.flatMap { first in axis.map { [first, $0] } }
    let codes = points.map { $0.map(\.number) }
    let areas = points.map { $0.reduce(1) { $0 * $1.width } }
    for index in 0..<4 {
      let label = images.classes[index]
      let own = joint[(label * rows.count)..<((label + 1) * rows.count)]
      let ofClass = own.reduce(0, +)
      let logMasses = zip(codes, areas).map { code, area -> Double in
        let cell = code.reduce(0) { $0 * 3 + ($1 < -edge ? 0 : $1 < edge ? 1 : 2) }
        let square = code.reduce(0) { $0 + $1 * $1 }
        let density =
          own[own.startIndex + cell] / ofClass * exp(-square / 2)
          * pow(3 / (2 * Double.pi).squareRoot(), Double(size))
        return log(density * area)
      }
      #expect(abs(logMasses.reduce(0) { $0 + exp($1) } - 1) < 0.002)
      let terms = zip(losses(of: images[index], label, codes, under: model), logMasses).map {
        $1 - $0
      }
      let largest = terms.max() ?? 0
      let exact = -largest - log(terms.reduce(0) { $0 + exp($1 - largest) })
      #expect(abs(bounds[index] - exact) < 0.12, "\(bounds[index]), \(exact)")
    }
  }

  /// Minus the log-likelihood of an image under the decoder's outputs for each code.
  private func losses(
    of values: [Float], _ label: Int, _ codes: [[Double]], under model: VAE
  ) -> [Double] {
    let image = values.map { model.levels.value(of: model.levels.level(of: $0)) }
    return model.averaged.withAverage { _ in
      stride(from: 0, to: codes.count, by: 200).flatMap { first -> [Double] in
        let own = codes[first..<min(codes.count, first + 200)]
        model.pass.begin(
          exampleCount: own.count, labels: [Int](repeating: label, count: own.count),
          purpose: .sampling)
        let input = model.pass.make(Shape(model.settings.latentSize))
        input.assign(own.flatMap { $0.map(Float.init) })
        let outputs = model.layers.decode(input, in: model.pass)
        let each = outputs.count / own.count
        return image.withUnsafeBufferPointer { buffer in
          guard let base = buffer.baseAddress else { return [] }
          return own.indices.map { index in
            model.distribution.loss(
              ofImage: base, model.format.shape,
              outputs: outputs.pointer + (index - first) * each, gradient: nil)
          }
        }
      }
    }
  }

  @Test func codesThatCannotOccurHaveNoLikelihood() {
    #expect(logSumExp(3) { _ in -.infinity } == -.infinity)
    #expect(abs(logSumExp(2) { _ in 1 } - (1 + log(2))) < 1e-12)
  }

  @Test func anImageDependsOnItsPlaceAndLabelAlone() throws {
    let model = try NetworkVAE.learnt()
    let many = try NetworkVAE.drawn(model, (0..<70).map { $0 % 2 })
    let other = try NetworkVAE.drawn(model, (0..<70).map { $0 == 40 ? $0 % 2 : 1 })
    #expect(Array(many[(64 * 40)..<(64 * 41)]) == Array(other[(64 * 40)..<(64 * 41)]))
    #expect(try NetworkVAE.drawn(model, (0..<70).map { $0 % 2 }) == many)
    #expect {
      try model.sample(SampleRequest(labels: [0], seed: 1, temperature: 0.5)) { _, _ in }
    } throws: { error in
      (error as? RecipeFailure)?.description.contains("temperature is 0.5 (1 expected") == true
    }
  }
}

/// A collection that never changes.
private final class Collection {}

/// Images of such a collection.
private struct PlacedImages: ExampleSource {
  let images: ImageArray
  let places: ExamplePlaces

  var count: Int { images.count }
  func labels(in range: Range<Int>) -> [Int] { images.labels(in: range) }
  func fill(_ target: Tensor, from range: Range<Int>) { images.fill(target, from: range) }
  func places(in range: Range<Int>) -> ExamplePlaces? {
    ExamplePlaces(in: places.collection, Array(places.indices[range]))
  }
}
