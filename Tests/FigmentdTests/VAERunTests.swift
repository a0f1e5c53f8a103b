import Compute
import Control
import Datasets
import Models
import Privacy
import Testing

@testable import Runs
@testable import figmentd

/// A run of a variational autoencoder: noisy steps, and one noisy sum of the codes' moments.
@Suite struct VAERunTests {
  private static let recipe = RunBench.vaeRecipe(steps: 12, share: 0.2)
  private static let charged = ["training": 12, "codes": 1]

  @Test(arguments: [false, true])
  func theDistributionOfCodesIsChargedApartWithItsShare(_ isHardened: Bool) throws {
    let bench = try RunBench(hardened: isHardened, recipe: Self.recipe)
    #expect(try bench.run().isFinished)
    let history = try bench.history()
    #expect(try bench.charges() == Self.charged)
    let plan = try #require(try ResolvedPlan.saved(in: bench.places.internalFiles))
    #expect(plan.phases.map(\.name) == ["training", "codes", "drawing"])
    let codes = plan.phases[1]
    #expect(codes.share == 0.2 && codes.plan?.samplingProbability == 1)
    let alone = try PrivacyCost(of: EventTally(#require(codes.event())), delta: 1e-5).epsilon
    #expect(alone <= 0.8 && alone > 0.78, "\(alone)")
    let whole = try history.cost(atDelta: 1e-5).epsilon
    #expect(whole <= 4 && whole > 3.9 && !history.isAdaptive)
    let page = try bench.text(bench.places.release + "/PRIVACY.md")
    #expect(page.contains("- training (") && page.contains("- codes ("))
  }

  @Test func moreSamplesMakeTheBoundOfALikelihoodTighter() throws {
    let bench = try RunBench(recipe: Self.recipe)
    #expect(try bench.run().isFinished)
    func report(_ samples: Int?) throws -> LikelihoodReport {
      try LikelihoodReport(
        ofModelAt: bench.places.release, forImagesIn: bench.order.root, samples: samples,
        on: Machine(threadCount: 1), makeDecoder: { ImageCodec() })
    }
    let (single, usual) = try (report(1), report(nil))
    #expect(single.importanceSamples == 1 && usual.importanceSamples == 256)
    #expect(try report(256) == usual)
    #expect(usual.natsPerImage < single.natsPerImage)
  }

  @Test(arguments: ["training", "the end of training", "codes", "drawing"])
  func aRunThatIsStoppedInAnyPhaseEndsWithAnExactLedger(_ place: String) throws {
    let bench = try RunBench(recipe: Self.recipe)
    let stop = StopSignal()
    _ = try bench.run(stop: stop) { report in
      guard case .progress(let progress) = report else { return }
      let isHere =
        switch place {
        case "training": progress.name == "training" && progress.done < progress.total
        case "the end of training": progress.name == "training" && progress.done == progress.total
        case "codes": progress.name == "codes"
        default: progress.phase == .generate
        }
      if isHere { stop.raise() }
    }
    #expect(stop.isRaised, "the place was never reached")
    #expect(try bench.run().isFinished)
    let history = try bench.history()
    #expect(try bench.charges() == Self.charged)
    #expect(!history.isAdaptive && history.openReservationCount == 0)
    #expect(try history.cost(atDelta: 1e-5).epsilon <= 4)
  }

  /// Codes of a distribution that was never learnt would give poor images under the name of good ones.
  @Test func aSumThatACrashLostIsNotPublishedAsTheStandardDistribution() throws {
    let bench = try RunBench(recipe: Self.recipe)
    try bench.leaveReservation(times: 1, for: "codes")
    let error = #expect(throws: ControlError.self) { try bench.run() }
    #expect(error?.message.contains("0 of 1 planned steps") == true)
    #expect(try DurableFile.names(in: bench.places.release).isEmpty)
  }
}
