import Testing

@testable import Models

/// What measured runs let expect of a recipe.
@Suite struct ExpectedQualityTests {
  @Test func betweenTwoRunsTheShareFollowsTheLogarithmOfTheSignal() throws {
    let pixels = try AdviceTests.recipe("pixel-28-private")
    // Epsilon 3.16 is half-way between 1 and 10: (97 − 10) / 90 and (91 − 10) / 90.
    let middle = try #require(
      AdviceTests.table.quality(of: pixels, epsilon: 10.0.squareRoot(), units: 60_000))
    #expect(abs(middle.share - 84.0 / 90) < 1e-9)
    #expect(middle.halvingsBelow == 0 && middle.evidence.count == 2)
    // Half the images at twice the epsilon have the same signal.
    let same = AdviceTests.table.quality(of: pixels, epsilon: 20, units: 30_000)
    #expect(same == AdviceTests.table.quality(of: pixels, epsilon: 10, units: 60_000))
    #expect(same?.percent == 97)
  }

  @Test func belowTheWeakestRunTheShareFallsWithEachHalving() throws {
    let pixels = try AdviceTests.recipe("pixel-28-private")
    let low = try #require(AdviceTests.table.quality(of: pixels, epsilon: 1.0 / 8, units: 60_000))
    #expect(abs(low.share - (0.9 - 3 * MeasurementTable.fallPerHalving)) < 1e-9)
    #expect(abs(low.halvingsBelow - 3) < 1e-9)
    #expect(low.evidence.map(\.epsilon) == [1])
    #expect(low.percent.isMultiple(of: 10), "an extrapolation is rounded to tens")
    #expect(AdviceTests.table.quality(of: pixels, epsilon: 1e-5, units: 60_000)?.share == 0)
    let high = AdviceTests.table.quality(of: pixels, epsilon: 1e4, units: 60_000)
    #expect(high?.halvingsBelow == 0)
    #expect(
      abs((high?.share ?? 0) - 87.0 / 90) < 1e-9, "more signal promises no more than was measured")
  }

  @Test func setsThatEncloseTheSignalAreAveragedAndOthersDoNotCount() throws {
    let pixels = try AdviceTests.recipe("pixel-28-private")
    let table = MeasurementTable([
      AdviceTests.row("pixel-28-private", epsilon: 1, accuracy: 100, real: 100),
      AdviceTests.row("pixel-28-private", epsilon: 10, accuracy: 100, real: 100),
      AdviceTests.row("pixel-28-private", data: "shoes", epsilon: 1, accuracy: 82, real: 100),
      AdviceTests.row("pixel-28-private", data: "shoes", epsilon: 10, accuracy: 82, real: 100),
      AdviceTests.row(
        "pixel-28-private", data: "few", images: 10, epsilon: 1, accuracy: 10, real: 100),
    ])
    let found = try #require(table.quality(of: pixels, epsilon: 3, units: 60_000))
    #expect(abs(found.share - 0.9) < 1e-9)
    #expect(Set(found.evidence.map(\.data)) == ["digits", "shoes"])
  }

  /// Digits with 60,000, 5,000 and 1,000 images.
  static let sizes = MeasurementTable([
    AdviceTests.row("pixel-28-private", epsilon: 10, accuracy: 97, real: 100),
    AdviceTests.row(
      "pixel-28-private", data: "fewer digits", images: 5000, epsilon: 10, accuracy: 91, real: 100),
    AdviceTests.row(
      "pixel-28-private", data: "fewer digits", images: 5000, epsilon: 1, accuracy: 82, real: 100),
    AdviceTests.row(
      "pixel-28-private", data: "few digits", images: 1000, epsilon: 10, accuracy: 46, real: 100,
      batch: 256, steps: 100),
  ])

  /// A larger epsilon makes up for noise, not for images that are not there.
  @Test func fewImagesPromiseLessThanManyWithTheSameSignal() throws {
    let pixels = try AdviceTests.recipe("pixel-28-private")
    // The same signal lies between the two runs with 5,000 images, which do not count.
    let few = try #require(Self.sizes.quality(of: pixels, epsilon: 10, units: 1000))
    #expect(abs(few.share - 0.4) < 1e-9 && few.halvingsBelow == 0)
    #expect(few.evidence.map(\.images) == [1000])
    let fewer = try #require(Self.sizes.quality(of: pixels, epsilon: 100, units: 500))
    #expect(abs(fewer.share - (0.4 - MeasurementTable.fallPerHalving)) < 1e-9)
    #expect(fewer.lacksImages && abs(fewer.halvingsBelow - 1) < 1e-9)
    #expect(Self.sizes.quality(of: pixels, epsilon: 10, units: 200)?.isWorthless == true)
    let half = try #require(Self.sizes.quality(of: pixels, epsilon: 8, units: 500))
    #expect(abs(half.share - (0.4 - 0.23 * 1.321928)) < 1e-5)
    #expect(!half.lacksImages, "the signal is two fifths")
  }

  @Test func betweenTwoMeasuredNumbersOfImagesTheShareFollowsTheirLogarithm() throws {
    let pixels = try AdviceTests.recipe("pixel-28-private")
    // The geometric mean of 1,000 and 5,000; 0.4 and 0.9 with epsilon 10 and more.
    let between = try #require(
      Self.sizes.quality(of: pixels, epsilon: 10 * 5.0.squareRoot(), units: 2236))
    #expect(abs(between.share - 0.65) < 1e-3 && between.halvingsBelow == 0)
    #expect(Set(between.evidence.map(\.images)) == [1000, 5000])
    // 20,000 at epsilon 1: less signal than 60,000 were measured with, but not than 5,000 were.
    let many = try #require(Self.sizes.quality(of: pixels, epsilon: 1, units: 20_000))
    let lower = try #require(Self.sizes.quality(of: pixels, epsilon: 4, units: 5000))
    #expect(abs(many.share - lower.share) < 1e-9, "more images are not worse")
    // Above the largest number, it alone counts.
    let most = try #require(Self.sizes.quality(of: pixels, epsilon: 10, units: 100_000))
    #expect(abs(most.share - 87.0 / 90) < 1e-9)
  }

  @Test func aRecipeThatWasMeasuredOnManyImagesFallsBelowAThousand() throws {
    let pixels = try AdviceTests.recipe("pixel-28-private")
    let enough = try #require(AdviceTests.table.quality(of: pixels, epsilon: 60, units: 1000))
    #expect(abs(enough.share - 0.9) < 1e-9, "the signal is that of the run at epsilon 1")
    let few = try #require(AdviceTests.table.quality(of: pixels, epsilon: 240, units: 250))
    #expect(abs(few.share - (0.9 - 0.23 * 2)) < 1e-9 && few.lacksImages)
  }

  @Test func onlyPrivateRunsOfTheRecipesOwnNetworkCount() throws {
    let pixels = try AdviceTests.recipe("pixel-28-private")
    let decay = AdviceTests.row(
      "pixel-28-private", epsilon: 10, accuracy: 91, real: 100,
      settings: ["model.average_decay": 0.98])
    let others = [
      AdviceTests.row(
        "pixel-28-private", epsilon: 10, accuracy: 99, real: 100, settings: ["model.channels": 24]),
      AdviceTests.row("pixel-28-private", epsilon: nil, accuracy: 99, real: 100),
      AdviceTests.row("pixel-28-private", family: "dp-gan", epsilon: 10, accuracy: 99, real: 100),
      AdviceTests.row("pixel-28-private", side: 32, epsilon: 10, accuracy: 99, real: 100),
      AdviceTests.row("pixel-28-private", channels: 3, epsilon: 10, accuracy: 99, real: 100),
      AdviceTests.row("another", epsilon: 10, accuracy: 99, real: 100),
      AdviceTests.row("pixel-28-private", epsilon: 10, accuracy: nil, sheet: "Digits."),
    ]
    #expect(MeasurementTable(others).quality(of: pixels, epsilon: 1, units: 1000) == nil)
    let all = try #require(
      MeasurementTable(others + [decay]).quality(of: pixels, epsilon: 10, units: 60_000))
    #expect(all.evidence == [decay])
  }

  @Test func aRunWithoutAReferenceTakesThatOfTheSameData() {
    let own = AdviceTests.row("a", epsilon: 10, accuracy: 55, real: 60)
    let bare = AdviceTests.row("b", epsilon: 10, accuracy: 55)
    let other = AdviceTests.row("c", data: "shoes", epsilon: 10, accuracy: 55)
    let more = AdviceTests.row("d", epsilon: 10, accuracy: 55, drawn: 60_000)
    let table = MeasurementTable([own, bare, other, more])
    #expect(table.share(of: own) == 0.9 && table.share(of: bare) == 0.9)
    #expect(table.share(of: other) == 0.5, "no classifier of that data is known")
    #expect(table.share(of: more) == 0.5, "that reference learnt from fewer images")
  }

  @Test func impossibleFiguresAreRefused() throws {
    try AdviceTests.row("a", epsilon: 10, accuracy: 55, real: 60).validate()
    for wrong in [
      AdviceTests.row("a", images: 0, epsilon: 10, accuracy: 55),
      AdviceTests.row("a", channels: 2, epsilon: 10, accuracy: 55),
      AdviceTests.row("a", epsilon: -1, accuracy: 55),
      AdviceTests.row("a", epsilon: 10, accuracy: 155),
      AdviceTests.row("a", epsilon: 10, accuracy: 55, real: 5),
      AdviceTests.row("a", epsilon: 10, accuracy: nil),
      AdviceTests.row("a", epsilon: 10, accuracy: 55, batch: 0),
    ] {
      #expect(throws: RecipeFailure.self) { try wrong.validate() }
    }
  }
}
