import Compute
import FoundationEssentials
import Learning
import Privacy
import TestSupport
import Testing

@testable import Models

/// The forms of a GAN's networks and losses: those that older recipes mean, and what each adds.
@Suite struct AdversarialFormTests {
  private static let format = ImageSpecification.tiny(height: 16, width: 16, classes: 3)

  private static func settings() -> DPGANSettings {
    DPGANSettings(
      width: 4, generatorWidth: 4, latentSize: 4, generatorBatchSize: 6,
      schedule: .init(start: 1, threshold: nil), averageDecay: 0.5)
  }

  private func trained(_ settings: DPGANSettings) throws -> Checkpoint {
    let model = try DPGAN(
      settings, for: Self.format, seed: 1, on: Machine(threadCount: 1))
    for index in 0..<3 {
      _ = try model.step(
        TrainingStep(
          index: index, stepCount: 3, batchSize: 6, protection: .test(nil), noise: NoiseStream()),
        on: PrivateExamples(ImageArray.random(5, Self.format)))
    }
    return model.savedState
  }

  @Test func aRecipeWithoutFormsMeansTheEarlierOnesBitForBit() throws {
    var explicit = Self.settings()
    explicit.loss = .logistic
    explicit.discriminatorClasses = .layers
    explicit.discriminatorNormalization = DCGANNetworks.DiscriminatorNormalization.none
    explicit.generatorNormalization = DCGANNetworks.GeneratorNormalization.none
    explicit.discriminatorFakes = 6
    #expect(try trained(Self.settings()).tensors == trained(explicit).tensors)
    let written = String(
      decoding: try JSONEncoder().encode(Self.settings()), as: UTF8.self)
    for field in [
      "loss", "classes", "normalization", "fakes", "discriminator_average", "seeking", "final",
    ] {
      #expect(!written.contains(field), "\(field)")
    }
  }

  @Test(arguments: [
    "loss", "classes", "discriminator", "generator", "average", "rate", "seeking", "fakes",
  ])
  func everyFormChangesTheTraining(_ changed: String) throws {
    var other = Self.settings()
    switch changed {
    case "loss": other.loss = .hinge
    case "classes": other.discriminatorClasses = .projection
    case "discriminator": other.discriminatorNormalization = .group
    case "generator": other.generatorNormalization = .batch
    case "average": other.discriminatorAverageDecay = 0.9
    case "rate": other.finalRate = 0.1
    case "seeking": other.modeSeeking = 1
    default: other.discriminatorFakes = 3
    }
    #expect(try trained(Self.settings()).tensors != trained(other).tensors)
    let written = try JSONEncoder().encode(other)
    #expect(try JSONDecoder().decode(DPGANSettings.self, from: written) == other)
  }

  /// Each logit has the loss of its role, by either kind.
  @Test(arguments: [
    (AdversarialLoss.Kind.logistic, HingeLoss.Role.real, -0.5 as Float),
    (.logistic, .drawn, 0.5), (.logistic, .generator, -0.5), (.hinge, .real, -1),
    (.hinge, .drawn, 1), (.hinge, .generator, -1),
  ])
  func theSlopeOfAnUndecidedLogitHasTheSignOfItsRole(
    kind: AdversarialLoss.Kind, role: HingeLoss.Role, slope: Float
  ) {
    let pass = Pass(on: Machine(threadCount: 1))
    pass.begin(exampleCount: 1)
    let output = pass.make(Shape(1))
    output.assign([0])
    let gradient = pass.make(Shape(1))
    AdversarialLoss(kind: kind, role: role)
      .evaluate(output, gradient: gradient, values: nil, in: pass)
    #expect(gradient.array == [slope])
  }

  /// Statistics of drawn images are state: a released model draws with them, whatever is drawn beside.
  @Test func aGeneratorWithBatchNormDrawsAnImageAlikeInAnyCompany() throws {
    var settings = Self.settings()
    settings.generatorNormalization = .batch
    let model = try DPGAN(
      settings, for: Self.format, seed: 1, on: Machine(threadCount: 1))
    try model.restore(from: trained(settings))
    func first(of labels: [Int]) throws -> [Float] {
      var values: [Float] = []
      try model.sample(labels: labels, seed: 3) { _, images in values += images.array }
      return Array(values.prefix(Self.format.shape.count))
    }
    // Vectors are drawn in the order of the images, so the first is the same.
    #expect(try first(of: [1]) == first(of: [1, 0, 2, 0]))
    let released = model.savedGenerator
    let statistics = released.tensors.filter { $0.key.contains("running") }
    #expect(statistics.count == 4 && statistics.values.allSatisfy { !$0.values.isEmpty })
  }

  /// The private discriminator cannot normalise over a batch: its builder has no such layer.
  @Test func theDiscriminatorNormalisesWithinEachImage() {
    let network = DCGANNetworks.discriminator(
      width: 4, form: .init(classes: .projection, normalization: .group), for: Self.format,
      seed: 1, on: Machine(threadCount: 1)
    ).network
    #expect(network.description.contains("group norm, 8 groups"))
    #expect(network.description.contains("class projection 3×8"))
    #expect(!network.layers.contains { $0 is BatchNorm })
  }

  @Test func groupsHaveEqualSizes() {
    #expect([24, 32, 7, 1, 13].map(DCGANNetworks.groupCount) == [8, 8, 7, 1, 1])
  }
}
