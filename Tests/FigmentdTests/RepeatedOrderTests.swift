import Control
import Datasets
import Models
import Privacy
import Testing

@testable import Runs
@testable import figmentd

/// A command that is given again with other options is told what differs.
@Suite struct RepeatedOrderTests {
  @Test func anotherOrderDoesNotGoOnWithAnEarlierAttempt() throws {
    let bench = try RunBench()
    #expect(try bench.run().isFinished)
    let folder = bench.places.internalFiles
    let design = try #require(try ResolvedPlan.saved(in: folder))
    try design.requireAgreement(with: bench.order, at: folder)
    for (words, change) in Self.otherOptions {
      var order = bench.order
      change(&order)
      let error = #expect(throws: ControlError.self) {
        try design.requireAgreement(with: order, at: folder)
      }
      #expect(error?.message.contains(words) == true, "\(words): \(error?.message ?? "")")
    }
    // A plan of an earlier version does not hold the options themselves.
    var former = design
    former.asked = nil
    try former.requireAgreement(with: bench.order, at: folder)
    var order = bench.order
    order.loss = .epsilon(5)
    let error = #expect(throws: ControlError.self) {
      try former.requireAgreement(with: order, at: folder)
    }
    #expect(error?.message.contains("then, epsilon 5 at delta 1e-5 now") == true)
  }

  /// An attempt that goes on has learnt from what the first one was given.
  @Test func otherPublicImagesAndAnotherReleaseAreOtherOptions() throws {
    var bench = try RunBench()
    (bench.order.publicImages, bench.order.startFrom) = ("/a", "/b")
    let plan = try ResolvedPlan.resolve(
      bench.order, classes: ["a", "b"], units: 64, after: LedgerHistory()
    ).plan
    try plan.requireAgreement(with: bench.order, at: "/run")
    var order = bench.order
    (order.publicImages, order.startFrom) = ("/c", nil)
    let error = #expect(throws: ControlError.self) {
      try plan.requireAgreement(with: order, at: "/run")
    }
    #expect(error?.message.contains("public-images: /a then, /c now") == true)
    #expect(error?.message.contains("start-from: /b then, none now") == true)
  }

  /// Changed options and what is said of them: the value of then, and that of now.
  private static let otherOptions: [(String, @Sendable (inout RunOrder) -> Void)] = [
    ("epsilon: 4 then, 5 now", { $0.loss = .epsilon(5) }),
    ("epsilon: 4 then, none now", { $0.loss = .unlimited }),
    ("steps: 40 then, 41 now", { $0.steps = 41 }),
    ("batch-size: 16 then, 17 now", { $0.batchSize = 17 }),
    ("seed: 5 then, 6 now", { $0.seed = 6 }),
    ("population: 64 then, 65 now", { $0.population = 65 }),
    ("kind of noise: Gaussian then, discrete Gaussian now", { $0.isHardened = true }),
    ("answer class-counts: none then, 0.5 now", { $0.answers = ["class-counts": 0.5] }),
    ("white-level: none then, 4095 now", { $0.rules.whiteLevel = 4095 }),
    ("colour: convert then, as-stored now", { $0.rules.colour = .asStored }),
    ("maximum-per-unit: none then, 3 now", { $0.rules.maximumPerUnit = 3 }),
  ]
}
