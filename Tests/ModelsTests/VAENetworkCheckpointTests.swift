import Learning
import Privacy
import TestSupport
import Testing

@testable import Models

/// Codes of a Bayesian network: what is saved, what may leave, and which settings are refused.
@Suite struct VAENetworkCheckpointTests {
  @Test func everyPhaseContinuesBitForBit() throws {
    let mechanism = try SubsampledGaussian(
      samplingProbability: 0.5, noiseMultiplier: 1, clipNorm: 1, nominalBatchSize: 40)
    let images = NetworkVAE.images(40)
    var saved = try NetworkVAE.model().savedState
    let whole = try NetworkVAE.model()
    try NetworkVAE.train(whole, images, steps: 0..<3, by: mechanism)
    try NetworkVAE.measure(whole, images, noise: 0.5)
    for index in 0..<4 { try NetworkVAE.round(whole, index, images, noise: 2) }
    let parts: [(VAE) throws -> Void] =
      [
        { try NetworkVAE.train($0, images, steps: 0..<2, by: mechanism) },
        { try NetworkVAE.train($0, images, steps: 2..<3, by: mechanism) },
        { try NetworkVAE.measure($0, images, noise: 0.5) },
      ] + (0..<4).map { index in { try NetworkVAE.round($0, index, images, noise: 2) } }
    for part in parts {
      let resumed = try NetworkVAE.model()
      try resumed.restore(from: saved)
      try part(resumed)
      saved = resumed.savedState
    }
    let expected = whole.savedState
    #expect(saved.tensors == expected.tensors && saved.metadata == expected.metadata)
    // What is released draws the same images, and has neither measured tables nor an optimiser.
    let release = whole.savedGenerator
    #expect(!release.tensors.keys.contains { $0.contains("measured") || $0.contains("optimizer") })
    let other = try NetworkVAE.model(seed: 8)
    try other.restoreGenerator(from: release)
    #expect(try NetworkVAE.drawn(other) == NetworkVAE.drawn(whole))
    #expect(try NetworkVAE.drawn(other) != NetworkVAE.drawn(NetworkVAE.model()))
  }

  @Test func aPhaseThatIsGivenUpLeavesTheModelAsItWas() throws {
    let model = try NetworkVAE.learnt(rounds: 1)
    let before = model.savedState
    let images = NetworkVAE.images(40)
    #expect(throws: AbandonedStep.self) { try NetworkVAE.measure(model, images, isStopped: true) }
    #expect(throws: AbandonedStep.self) { try NetworkVAE.round(model, 1, images, isStopped: true) }
    let after = model.savedState
    #expect(after.tensors == before.tensors && after.metadata == before.metadata)
  }

  @Test func figuresOfCodesLeaveOnlyWithNoise() throws {
    let images = NetworkVAE.images(20)
    let model = try NetworkVAE.model()
    let noisy = try NetworkVAE.measure(model, images, noise: 1)
    #expect(noisy.curves.keys.contains(.rowCount) && noisy.privateCurves.isEmpty)
    #expect(try NetworkVAE.round(model, 0, images, noise: 2).curves.keys.contains(.tableDistance))
    let plain = try NetworkVAE.measure(model, images)
    #expect(plain.curves.isEmpty && plain.privateCurves.keys.contains(.rowCount))
    #expect(try NetworkVAE.round(model, 0, images).curves.isEmpty)
  }

  @Test func aDamagedNetworkIsRefused() throws {
    let model = try NetworkVAE.learnt()
    let (whole, release) = (model.savedState, model.savedGenerator)
    for (key, value) in [
      ("network.tables", nil), ("network.tables", "1"), ("network.total", "nan"),
      ("network.variance.0", "0"), ("network.columns.0", "2"), ("network.columns.3", "0,9"),
    ] {
      var damaged = whole
      #expect(damaged.metadata[key] != nil)
      damaged.metadata[key] = value
      #expect(throws: Checkpoint.Failure.self, "\(key)") { try model.restore(from: damaged) }
    }
    for (key, value) in [
      ("network.order", nil), ("network.order", "2,1,0"), ("network.order", "0,1,2,3"),
      ("network.parents.0", "1"), ("network.parents.2", "2"), ("network.parents.1", "-1"),
    ] {
      var damaged = release
      #expect(damaged.metadata[key] != nil)
      damaged.metadata[key] = value
      #expect(throws: Checkpoint.Failure.self, "\(key)") {
        try model.restoreGenerator(from: damaged)
      }
    }
    var flat = release
    flat.tensors["network.probabilities.0"] = .init(shape: [2], values: [.nan, 1])
    #expect(throws: Checkpoint.Failure.self) { try model.restoreGenerator(from: flat) }
    // A release of other bins.
    #expect(throws: Checkpoint.Failure.self) {
      try NetworkVAE.model { $0.codeBins = 4 }.restoreGenerator(from: release)
    }
  }

  @Test func settingsThatDoNotFitAreRefused() {
    let cases: [(change: (inout VAESettings) -> Void, found: String)] = [
      ({ $0.codes = .full }, "code_bins is 3 (absent with codes full expected)"),
      (
        {
          $0.codes = .standard
          $0.share = nil
        }, "code_bins is 3 (absent with codes standard expected)"
      ),
      ({ $0.share = nil }, "share is absent (above 0, below 1 expected)"),
      ({ $0.codeBins = 1 }, "code_bins is 1 (2 to 64, or absent expected)"),
      ({ $0.codeBins = 65 }, "code_bins is 65 (2 to 64, or absent expected)"),
      ({ $0.latentSize = 64 }, "latent_size is 64 (up to 63 with codes network expected)"),
    ]
    for (change, found) in cases {
      #expect {
        try NetworkVAE.model(change)
      } throws: { error in
        (error as? RecipeFailure)?.description.contains(found) == true
      }
    }
    #expect {
      try NetworkVAE.model(format: .tiny(height: 8, width: 8, classes: 257))
    } throws: { error in
      (error as? RecipeFailure)?.description.contains("classes is 257 (up to 256") == true
    }
  }
}
