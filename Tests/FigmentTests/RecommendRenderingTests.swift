import ArgumentParser
import Control
import Testing

@testable import figment

/// Advice on the command line.
@Suite struct RecommendRenderingTests {
  private static let advice = Recommendation(
    dataset: "scans", epsilon: 3, images: 5_000, isColoured: false,
    runs: [
      RecommendedRun(
        recipe: "pixel-28-private", family: "pixel", width: 28, height: 28, channels: 1,
        batchSize: 1024, steps: 600, expectedPercent: 96, seconds: 600, noise: "clear",
        verdict: .recommended),
      RecommendedRun(
        recipe: "pixel-28-taught", family: "taught", width: 28, height: 28, channels: 1,
        verdict: .unplanned),
      RecommendedRun(
        recipe: "multiscale-64", family: "multiscale", width: 64, height: 64, channels: 3,
        expectedPercent: 70, verdict: .impossible, reason: "larger than most of the images"),
    ],
    choice: TrainRequest(
      dataset: "scans", recipe: "pixel-28-private", epsilon: 3, steps: 600, batchSize: 1024),
    expectation: ["Expect digits."], help: ["More images."], remark: "Still being read.")

  @Test func adviceIsATableWordsAndACommand() {
    let lines = Recommend.lines(of: Self.advice)
    #expect(lines[0] == "Advice for scans: 5,000 grey images at epsilon 3")
    #expect(
      Array(lines[1...7]) == [
        "", "Still being read.", "",
        "RECIPE            FAMILY      SIZE     EXPECTED    TIME    NOISE  REMARK",
        "pixel-28-private  pixel       28x28x1  96%         10 min  clear  recommended, 600 steps, batches of 1,024",
        "pixel-28-taught   taught      28x28x1  unmeasured  -       -      not planned, others promise more",
        "multiscale-64     multiscale  64x64x3  70%         -       -      larger than most of the images",
      ])
    #expect(lines.contains("Recommended: pixel-28-private, 600 steps, batches of 1,024"))
    #expect(lines.contains("Expect digits.") && lines.contains("- More images."))
    #expect(
      lines.last
        == "  figment train scans --recipe pixel-28-private --epsilon 3.0 --steps 600 --batch-size 1024"
    )
  }

  @Test(arguments: [80, 100]) func adviceFitsTheTerminalButTheCommandStaysOneLine(_ width: Int) {
    let lines = Recommend.lines(of: Self.advice, width: width)
    #expect(lines.dropLast().allSatisfy { $0.count <= width }, "\(lines)")
    #expect(lines.last?.contains("--batch-size 1024") == true)
  }

  @Test func withoutAChoiceThereIsNoCommand() {
    var advice = Self.advice
    advice.choice = nil
    advice.command = nil
    advice.images = nil
    advice.isColoured = nil
    advice.expectation = ["Nothing here gives more than noise."]
    let lines = Recommend.lines(of: advice)
    #expect(lines[0] == "Advice for scans at epsilon 3")
    #expect(!lines.contains { $0.contains("figment train") || $0.hasPrefix("Recommended") })
    advice.runs = []
    let short = Recommend.lines(of: advice)
    #expect(!short.contains { $0.hasPrefix("RECIPE") })
    // No paragraph that is missing leaves its blank line behind.
    #expect(!zip(short, short.dropFirst()).contains { $0.isEmpty && $1.isEmpty }, "\(short)")
  }

  @Test func theOptionsMakeTheRequest() throws {
    let command = try Figment.parseAsRoot([
      "recommend", "scans", "--epsilon", "3", "--delta", "1e-6", "--hours", "2",
    ])
    #expect(
      try #require(command as? Recommend).request
        == RecommendRequest(dataset: "scans", epsilon: 3, delta: 1e-6, hours: 2))
    let negative = try Figment.parseAsRoot(["recommend", "scans", "--hours", "-1"])
    let request = try #require(negative as? Recommend).request
    let error = #expect(throws: ControlError.self) { try request.validate() }
    #expect(error?.message.contains("hours -1: out of range") == true)
  }

  @Test func aPlanWithoutARecipeFollowsTheAdvice() throws {
    let plan = try #require(
      try Figment.parseAsRoot(["plan", "scans", "--epsilon", "3", "--count", "7"]) as? Plan)
    #expect(plan.options.recipe == nil)
    let request = try plan.options.request(following: Self.advice)
    #expect(
      request
        == TrainRequest(
          dataset: "scans", recipe: "pixel-28-private", epsilon: 3, steps: 600, batchSize: 1024,
          count: 7))
    let own = try #require(
      try Figment.parseAsRoot(["plan", "scans", "--steps", "9", "--batch-size", "8"]) as? Plan)
    let changed = try own.options.request(following: Self.advice)
    #expect(changed.steps == 9 && changed.batchSize == 8)
    var none = Self.advice
    none.choice = nil
    none.expectation = ["Nothing here gives more than noise."]
    let error = #expect(throws: ControlError.self) {
      try plan.options.request(following: none)
    }
    #expect(error?.message.contains("Nothing here gives more than noise.") == true)
    #expect(error?.message.contains("'figment recommend scans'") == true)
  }

  @Test func aPlanSaysThatItsRecipeWasRecommended() {
    let plan = PlanReport(
      dataset: "scans", recipe: "pixel-28-private", steps: 9, expectedBatch: 8, images: 5)
    #expect(
      Plan.lines(of: plan, isRecommended: true).contains {
        $0.hasPrefix("recipe ") && $0.hasSuffix("pixel-28-private (recommended)")
      })
    #expect(!Plan.lines(of: plan).contains { $0.contains("(recommended)") })
  }

  @Test func aTrainingWithoutARecipeNamesTheCommandThatRecommendsOne() {
    let error = #expect(throws: (any Error).self) {
      try Figment.parseAsRoot(["train", "scans", "--epsilon", "3"])
    }
    guard let error else { return }
    #expect(Figment.exitCode(for: error).rawValue == 64)
    #expect(
      Figment.message(for: error).contains(
        "--recipe: missing (the name of a recipe expected). 'figment recommend scans' recommends one"
      ))
  }
}
