import Testing

@testable import Models

/// The choice of a recipe, from facts about a set and a table of measured runs.
@Suite struct AdviceTests {
  /// Runs of shipped recipes, with round figures: 10 classes, guessing 10 %.
  static let table = MeasurementTable([
    row("pixel-28-private", epsilon: 10, accuracy: 97, real: 100, batch: 512, steps: 2500),
    row("pixel-28-private", epsilon: 1, accuracy: 91, real: 100, batch: 1024, steps: 600),
    row("embedding-28", family: "embedding", epsilon: 10, accuracy: 82, real: 100),
    row(
      "embedding-28", family: "embedding", data: "few digits", images: 1000, epsilon: 3,
      accuracy: 70, real: 100),
    row(
      "dp-gan-28", family: "dp-gan", epsilon: 10, accuracy: 73, real: 100, batch: 512, steps: 3000),
    row(
      "multiscale-64", family: "multiscale", side: 64, channels: 3, data: "land", images: 2000,
      epsilon: 10, accuracy: 55, real: 100, batch: 512, steps: 200),
  ])

  static func row(
    _ recipe: String, family: String = "pixel", side: Int = 28, channels: Int = 1,
    data: String = "digits", images: Int = 60_000, epsilon: Double?, accuracy: Double?,
    real: Double? = nil, batch: Int? = nil, steps: Int? = nil, settings: [String: Double]? = nil,
    drawn: Int? = 10_000, interval: [Double]? = nil, sheet: String? = nil
  ) -> Measurement {
    Measurement(
      recipe: recipe, family: family, height: side, width: side, channels: channels,
      batchSize: batch, steps: steps, settings: settings, data: data, images: images, classes: 10,
      epsilon: epsilon, delta: epsilon.map { _ in 1e-5 }, drawn: drawn, accuracy: accuracy,
      interval: interval, classifiers: nil, classifierSteps: nil, real: real, baseline: nil,
      bitsPerDimension: nil,
      processorMinutes: nil, sheet: sheet)
  }

  static func recipe(_ name: String) throws -> Recipe {
    try RecipeValues(yaml: Repository.text("Models/\(name).yaml")).recipe()
  }

  static let grey = ["dp-gan-28", "embedding-28", "pixel-28-private", "pixel-28-taught"]
  static let colour = ["dp-gan-32", "multiscale-64", "pixel-32-private"]

  private func advice(
    units: Int, epsilon: Double = 10, hours: Double? = nil, classes: Int? = 10,
    isColoured: Bool? = false, recipes: [String] = grey + colour, larger: Set<String> = []
  ) throws -> Advice {
    Advice(
      AdviceQuestion(epsilon: epsilon, hours: hours, classes: classes, isColoured: isColoured),
      among: try recipes.map {
        AdviceCandidate(
          try Self.recipe($0), units: units, isLargerThanImages: larger.contains($0))
      }, table: Self.table)
  }

  /// Plans until enough is known.
  private func planned(
    _ advice: Advice, _ trial: (AdvisedRun) -> AdvisedRun.Trial
  ) -> Advice {
    var advice = advice
    while let run = advice.next { advice.take(trial(run), for: run) }
    return advice
  }

  private static let clear = AdvisedRun.Trial(seconds: 600, noise: .clear)

  // MARK: The choice

  @Test func adviceForFewerImagesThanWereMeasuredSaysSo() throws {
    let found = planned(
      Advice(
        AdviceQuestion(epsilon: 20, classes: 10, isColoured: false),
        among: [AdviceCandidate(try Self.recipe("pixel-28-private"), units: 500)],
        table: ExpectedQualityTests.sizes
      )
    ) { _ in Self.clear }
    #expect(found.choice?.quality?.percent == 20)
    #expect(found.choice?.batchSize == 256 && found.choice?.steps == 100)
    #expect(found.expectation.contains { $0.contains("was not measured with so few images") })
    #expect(found.help.first == "More images: with 2 times as many, what was measured counts.")
  }

  @Test func aHigherFigureOfAWideIntervalComesAfterALowerOneOfANarrowInterval() throws {
    let names = ["embedding-28", "pixel-28-private"]
    let candidates = try names.map {
      AdviceCandidate(try Self.recipe($0), named: $0, units: 60_000)
    }
    let order = { (interval: [Double]) in
      let table = MeasurementTable([
        Self.row(
          "embedding-28", family: "embedding", epsilon: 10, accuracy: 97, real: 100,
          interval: interval),
        Self.row("pixel-28-private", epsilon: 10, accuracy: 96, real: 100, interval: [95, 97]),
      ])
      return Advice(AdviceQuestion(epsilon: 10), among: candidates, table: table).runs.map(\.recipe)
    }
    #expect(order([60, 100]) == ["pixel-28-private", "embedding-28"])
    #expect(order([96, 98]) == ["embedding-28", "pixel-28-private"])
  }

  @Test func aLargeGreySetGetsTheMeasuredRecipeThatPromisesMost() throws {
    let advice = planned(try advice(units: 60_000)) { _ in Self.clear }
    let choice = try #require(advice.choice)
    #expect(choice.recipe == "pixel-28-private")
    #expect(choice.batchSize == nil && choice.steps == nil, "the measured run is the recipe itself")
    #expect(
      advice.runs.map(\.recipe).prefix(3) == ["pixel-28-private", "embedding-28", "dp-gan-28"])
    #expect(advice.possible.count == Advice.enough, "no more is planned than needed")
    #expect(advice.expectation[0].contains("about 97 % of the way"))
    #expect(
      advice.expectation[1]
        == "Measured: digits, 60,000 images at epsilon 10, 2,500 steps of 512: 97 % of test images classified "
        + "correctly (from 10,000 drawn images; 100 % with as many real images).")
    #expect(advice.help.isEmpty)
  }

  @Test(arguments: [(60_000, 1.0), (5_000, 10.0)])
  func aWeakSignalGetsBatchAndStepsOfTheNearestRun(_ units: Int, _ epsilon: Double) throws {
    let advice = planned(try advice(units: units, epsilon: epsilon)) { _ in Self.clear }
    let choice = try #require(advice.choice)
    #expect(choice.recipe == "pixel-28-private")
    #expect(choice.batchSize == 1024 && choice.steps == 600)
  }

  @Test func aSmallSetGetsWhatNoiseLeavesAlone() throws {
    let found = planned(try advice(units: 400, epsilon: 3)) { run in
      run.family == "embedding"
        ? AdvisedRun.Trial(seconds: 60, noise: .coarse, warning: "Coarse images.")
        : AdvisedRun.Trial(seconds: 60, noise: .noise, warning: "Nothing but noise.")
    }
    let choice = try #require(found.choice)
    #expect(choice.recipe == "embedding-28")
    #expect(found.expectation.contains("Coarse images."))
    #expect(found.expectation.contains { $0.contains("times less signal") })
    #expect(found.help.contains { $0.hasPrefix("Fewer classes: 400 images in 10 classes") })
  }

  /// The outlook counts parameters and may be hopeful where measured runs are not.
  @Test func whatMeasuredRunsLetExpectToBeNoiseIsNotRecommended() throws {
    let few = planned(try advice(units: 60, epsilon: 1, recipes: ["pixel-28-private"])) { _ in
      Self.clear
    }
    #expect(few.choice == nil)
    let more = planned(try advice(units: 9_000, epsilon: 1, recipes: ["pixel-28-private"])) { _ in
      Self.clear
    }
    #expect(more.choice?.quality?.percent == 30)
  }

  @Test func whereOnlyNoiseIsLeftNothingIsRecommended() throws {
    let advice = planned(try advice(units: 50, epsilon: 0.1)) { _ in
      AdvisedRun.Trial(seconds: 60, noise: .noise, warning: "It would take 9000 images.")
    }
    #expect(advice.choice == nil)
    #expect(
      advice.expectation == [
        "Nothing here gives more than noise from these images at epsilon 0.1: do not spend a budget on it."
      ])
    #expect(advice.help.first == "It would take 9000 images.")
  }

  @Test func colourImagesGetColourRecipesFirst() throws {
    let found = planned(try advice(units: 4_000, isColoured: true)) { _ in Self.clear }
    #expect(found.choice?.recipe == "multiscale-64")
    #expect(
      found.runs.map(\.recipe).prefix(3) == ["multiscale-64", "dp-gan-32", "pixel-32-private"],
      "unmeasured ones come after the measured one")
    // If noise outweighs all of them, a grey recipe is possible, and the advice says that it draws in grey.
    let grey = planned(try advice(units: 1_000, isColoured: true)) { run in
      AdvisedRun.Trial(seconds: 60, noise: run.image.channels == 3 ? .noise : .clear)
    }
    #expect(grey.choice?.recipe == "embedding-28")
    #expect(grey.expectation.contains { $0.contains("draws in grey") })
  }

  /// The outlook counts parameters, and knows nothing of priors.
  @Test func whatWasMeasuredWithAsLittleSignalOutweighsTheOutlook() throws {
    let found = planned(try advice(units: 4_000, isColoured: true)) { _ in
      AdvisedRun.Trial(seconds: 60, noise: .noise, warning: "Nothing but noise.")
    }
    #expect(found.choice?.recipe == "multiscale-64")
    #expect(found.expectation.contains { $0.hasSuffix("the measured run shows otherwise.") })
    #expect(!found.expectation.contains("Nothing but noise."))
  }

  @Test func aRecipeThatWouldEnlargeTheImagesIsRuledOut() throws {
    var found = try advice(
      units: 4_000, isColoured: true, larger: ["multiscale-64"])
    #expect(found.next?.recipe == "dp-gan-32")
    found = planned(found) { _ in Self.clear }
    #expect(found.runs.last?.recipe == "multiscale-64")
    #expect(found.runs.last?.trial == nil, "it is not even planned")
    guard case .impossible(let why) = found.runs.last?.state else {
      Issue.record("it was not ruled out")
      return
    }
    #expect(why.contains("larger than most of the images"))
    let none = try advice(units: 4_000, larger: Set(Self.grey + Self.colour))
    #expect(none.next == nil && none.choice == nil)
    #expect(none.expectation == ["No recipe suits these images; the table names the reasons."])
  }

  @Test func unseenImagesAreAssumedToSuitAnyColour() throws {
    let found = planned(try advice(units: 60_000, classes: nil, isColoured: nil)) { _ in Self.clear
    }
    #expect(found.choice?.recipe == "pixel-28-private")
    #expect(!found.expectation.contains { $0.contains("grey") || $0.contains("colour") })
  }

  @Test func aRecipeWithoutMeasuredRunsComesLastAndSaysSo() throws {
    let found = planned(try advice(units: 60_000, recipes: ["pixel-28-taught", "dp-gan-28"])) {
      _ in Self.clear
    }
    #expect(found.runs.map(\.recipe) == ["dp-gan-28", "pixel-28-taught"])
    let alone = planned(try advice(units: 60_000, recipes: ["pixel-28-taught"])) { _ in Self.clear }
    #expect(alone.choice?.quality == nil)
    #expect(alone.expectation[0].hasPrefix("Nothing was measured with this recipe"))
    #expect(
      alone.expectation.contains { $0.contains("teacher (15 % of epsilon)") },
      "shares are part of the advice: \(alone.expectation)")
  }

  @Test func aRecipeOfAnotherFileDoesNotInheritFigures() throws {
    let recipe = try Self.recipe("pixel-28-private")
    let question = AdviceQuestion(epsilon: 10, classes: 10, isColoured: false)
    let found = Advice(
      question, among: [AdviceCandidate(recipe, named: "mine", units: 60_000)], table: Self.table)
    #expect(found.runs.map(\.recipe) == ["mine"])
    #expect(found.runs[0].quality == nil)
  }

  @Test func recipesWithoutPrivacyAreNotAdvised() throws {
    let found = try advice(units: 60_000, recipes: ["pixel-28", "pixel-28-bytes"])
    #expect(found.runs.isEmpty && found.next == nil)
    #expect(found.expectation[0].hasPrefix("There is no recipe for private training."))
  }

  // MARK: Time

  @Test func aRunThatTakesTooLongGivesWayToMeasuredSettingsWithLessWork() throws {
    // 2,500 steps of 512 are 1.28 million gradients, 600 of 1,024 are 0.61.
    let found = planned(try advice(units: 60_000, hours: 0.5, recipes: ["pixel-28-private"])) {
      run in
      AdvisedRun.Trial(seconds: run.steps == nil ? 3000 : 1500, noise: .clear)
    }
    let choice = try #require(found.choice)
    #expect(choice.recipe == "pixel-28-private" && choice.steps == 600 && choice.batchSize == 1024)
    #expect(choice.quality?.percent == 90, "its own measured run, not that of the longer settings")
    #expect(
      found.help.contains { $0.hasPrefix("More time: pixel-28-private takes about 0.9 hours") })
  }

  @Test func timeRulesOutWhatTakesLonger() throws {
    let found = planned(try advice(units: 60_000, hours: 0.1)) { run in
      AdvisedRun.Trial(seconds: run.family == "embedding" ? 200 : 4000, noise: .clear)
    }
    #expect(found.choice?.recipe == "embedding-28")
    let none = planned(try advice(units: 60_000, hours: 0.01)) { _ in Self.clear }
    #expect(none.choice == nil)
    #expect(none.expectation == ["Nothing that gives more than noise fits into the time."])
    #expect(none.help.contains { $0.hasPrefix("More time: ") })
  }

  /// What a table rules out is no help.
  @Test func aSmallerRecipeThatIsNoiseTooIsNotNamedAsAHelp() throws {
    for isNoise in [true, false] {
      let found = planned(
        try advice(
          units: 4_000, isColoured: true, recipes: ["multiscale-64", "pixel-28-private"])
      ) { run in
        AdvisedRun.Trial(
          seconds: 60, noise: run.image.channels == 3 || isNoise ? .noise : .clear,
          warning: "Noise.")
      }
      #expect(
        found.help.contains { $0.hasPrefix("Smaller or grey images") } != isNoise, "\(found.help)")
    }
  }

  @Test func fewRunsArePlannedHoweverManyRecipesThereAre() throws {
    let recipe = try Self.recipe("dp-gan-28")
    var found = Advice(
      AdviceQuestion(epsilon: 10),
      among: (0..<100).map { AdviceCandidate(recipe, named: "r\($0)", units: 100) },
      table: Self.table)
    var planned = 0
    while let run = found.next {
      planned += 1
      found.take(failure: "too much memory", for: run)
    }
    #expect(planned == Advice.mostPlans)
    #expect(found.choice == nil)
  }

  @Test func aFailedPlanRulesOutItsRunAlone() throws {
    var found = try advice(units: 60_000)
    let first = try #require(found.next)
    found.take(failure: "too much memory", for: first)
    #expect(found.next?.recipe == "embedding-28")
    #expect(found.runs.last?.state == .impossible("too much memory"))
  }

  @Test func theAdviceIsTheSameForAnyOrderOfRecipes() throws {
    let forwards = try advice(units: 5_000)
    let backwards = try advice(units: 5_000, recipes: (Self.grey + Self.colour).reversed())
    #expect(forwards.runs == backwards.runs)
  }
}
