import Compute
import FoundationEssentials
import Learning
import TestSupport
import Testing

@testable import Models

@Suite struct StartingWeightsTests {
  private static func pixel(
    source: PriorSettings.Source?, channels: Int = 8, classes: [String] = ["a", "b"],
    seed: UInt64
  ) throws -> PixelModel {
    try PixelModel(
      PixelModelSettings(
        channels: channels, depth: 1, firstKernel: 3, bits: 2,
        prior: source.map { PriorSettings(source: $0) }),
      for: ImageSpecification(height: 6, width: 6, channels: 1, classes: classes), seed: seed,
      on: Machine(threadCount: 1))
  }

  private static func tables(_ model: PixelModel, areOfClasses: Bool) -> [Float] {
    model.network.parameters.parameters.filter { $0.name.hasSuffix(".table") == areOfClasses }
      .flatMap { model.network.parameters.values(of: $0).array }
  }

  @Test func weightsAndTheirAverageAreTakenOver() throws {
    let released = try Self.pixel(source: nil, seed: 1)
    let model = try Self.pixel(source: .release, seed: 2)
    #expect(model.network.parameters.values.array != released.network.parameters.values.array)
    try model.start(from: StartingWeights(of: released, classes: ["a", "b"]))
    #expect(model.network.parameters.values.array == released.network.parameters.values.array)
    #expect(model.averaged.average.values.array == released.network.parameters.values.array)
  }

  @Test func otherClassesKeepTheirOwnParameters() throws {
    let released = try Self.pixel(source: nil, seed: 1)
    // The average is what is released.
    released.averaged.average.values.fill(0.25)
    let model = try Self.pixel(source: .release, classes: ["a", "c"], seed: 2)
    let own = Self.tables(model, areOfClasses: true)
    try model.start(from: StartingWeights(of: released, classes: ["a", "b"]))
    #expect(!own.isEmpty && Self.tables(model, areOfClasses: true) == own)
    #expect(Self.tables(model, areOfClasses: false).allSatisfy { $0 == 0.25 })
  }

  @Test func aModelWithoutThePriorStaysAsItIs() throws {
    let model = try Self.pixel(source: nil, seed: 2)
    let before = model.network.parameters.values.array
    try model.start(from: StartingWeights(of: try Self.pixel(source: nil, seed: 1), classes: []))
    #expect(model.network.parameters.values.array == before)
  }

  @Test func otherNetworksAndFamiliesAreRefused() throws {
    let model = try Self.pixel(source: .release, channels: 12, seed: 2)
    let small = StartingWeights(of: try Self.pixel(source: nil, seed: 1), classes: ["a", "b"])
    let error = #expect(throws: RecipeFailure.self) { try model.start(from: small) }
    #expect(error?.description.contains("at least half expected") == true)
    let gan = try DPGAN(
      DPGANSettings(width: 2, generatorWidth: 2, latentSize: 4),
      for: .tiny(height: 8, width: 8), seed: 1, on: Machine(threadCount: 1))
    let family = #expect(throws: RecipeFailure.self) { try gan.start(from: small) }
    #expect(family?.description.contains("family dp-gan") == true)
  }

  @Test func weightsThatAreNotFiniteAreRefused() throws {
    let released = try Self.pixel(source: nil, seed: 1)
    released.averaged.average.values.pointer[5] = .nan
    let model = try Self.pixel(source: .release, seed: 2)
    let error = #expect(throws: RecipeFailure.self) {
      try model.start(from: StartingWeights(of: released, classes: ["a", "b"]))
    }
    #expect(error?.description.contains("not finite") == true)
  }

  @Test func aReleasePriorHasNoOtherFields() throws {
    let prior = PriorSettings(source: .release)
    let text = String(decoding: try JSONEncoder().encode(prior), as: UTF8.self)
    #expect(text == #"{"source":"release"}"#)
    #expect(try JSONDecoder().decode(PriorSettings.self, from: Data(text.utf8)) == prior)
    let error = #expect(throws: DecodingError.self) {
      try JSONDecoder().decode(
        PriorSettings.self, from: Data(#"{"source": "release", "steps": 3}"#.utf8))
    }
    #expect(String(describing: error).contains("has learnt already"))
    #expect(prior.outline.work == .free(.postProcessing, steps: 0))
  }
}
