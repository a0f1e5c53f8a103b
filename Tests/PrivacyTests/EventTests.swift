import FoundationEssentials
import Testing

@testable import Privacy

@Suite struct EventTests {
  private func decode<Value: Decodable>(_ type: Value.Type, _ json: String) throws -> Value {
    try JSONDecoder().decode(type, from: Data(json.utf8))
  }

  private func roundTrip<Value: Codable & Equatable>(_ value: Value) throws {
    #expect(try JSONDecoder().decode(Value.self, from: JSONEncoder().encode(value)) == value)
  }

  @Test func storedFormsAreReadBack() throws {
    let step = try ElementaryEvent(samplingProbability: 0.25, noiseMultiplier: 1.5).event
    try roundTrip(step)
    try roundTrip(PrivacyEvent.composed([.repeated(event: step, times: 7), step]))
    try roundTrip(
      SubsampledGaussian(
        samplingProbability: 0.01, noiseMultiplier: 1.1, clipNorm: 0.5, nominalBatchSize: 64))
    try roundTrip(PrivacyEvent.discreteGaussian(noiseMultiplier: 2))
    try roundTrip(PrivacyUnit.file)
    try roundTrip(PrivacyUnit.subfolder(maximumImages: 12))
    try roundTrip(PrivacyBudget(epsilon: 3, delta: 1e-6))
    try roundTrip(PrivacyCost(of: step, times: 10, delta: 1e-6))
  }

  @Test func theStoredFormOfAnEventNeverChanges() throws {
    let json = #"""
      {"kind":"repeated","times":3,"event":{"kind":"poisson_sampled","probability":0.25,
      "event":{"kind":"gaussian","noise_multiplier":1.5}}}
      """#
    let step = PrivacyEvent.poissonSampled(
      probability: 0.25, event: .gaussian(noiseMultiplier: 1.5))
    #expect(try decode(PrivacyEvent.self, json) == .repeated(event: step, times: 3))
  }

  @Test(arguments: [
    #"{"kind":"gaussian","noise_multiplier":0}"#, #"{"kind":"gaussian","noise_multiplier":-1}"#,
    #"{"kind":"gaussian"}"#, #"{"kind":"laplace","scale":1}"#,
    #"{"kind":"repeated","times":-1,"event":{"kind":"gaussian","noise_multiplier":1}}"#,
    #"{"kind":"poisson_sampled","probability":2,"event":{"kind":"gaussian","noise_multiplier":1}}"#,
  ])
  func invalidStoredEventsAreRefused(_ json: String) {
    #expect(throws: (any Error).self) { try decode(PrivacyEvent.self, json) }
  }

  @Test func mechanismsWithoutMeaningAreRefusedByNameAlsoWhenDecoded() throws {
    let bad: [(Double, Double, Double, Int, String)] = [
      (0, 1, 1, 1, "sampling probability"), (1.5, 1, 1, 1, "sampling probability"),
      (.nan, 1, 1, 1, "sampling probability"), (0.5, 0, 1, 1, "noise multiplier"),
      (0.5, .nan, 1, 1, "noise multiplier"), (0.5, .infinity, 1, 1, "noise multiplier"),
      (0.5, 1, -1, 1, "clip norm"), (0.5, 1, .infinity, 1, "clip norm"),
      (0.5, 1e-300, 1e-300, 1, "noise multiplier times clip norm"),
      (0.5, 1, 1, 0, "nominal batch size"), (0.5, 1, 1, -3, "nominal batch size"),
    ]
    for (q, noise, clip, batch, name) in bad {
      let error = #expect(throws: PrivacyError.self) {
        _ = try SubsampledGaussian(
          samplingProbability: q, noiseMultiplier: noise, clipNorm: clip, nominalBatchSize: batch)
      }
      guard case .outOfRange(let argument, _, _) = try #require(error) else {
        Issue.record("another refusal")
        continue
      }
      #expect(argument == name)
      guard q.isFinite, noise.isFinite, clip.isFinite else { continue }
      let json = """
        {"sampling_probability":\(q),"noise_multiplier":\(noise),"clip_norm":\(clip),\
        "nominal_batch_size":\(batch)}
        """
      #expect(throws: (any Error).self) { try decode(SubsampledGaussian.self, json) }
    }
  }

  @Test func budgetsWithoutMeaningAreRefused() {
    for (epsilon, delta) in [
      (0, 1e-5), (-1, 1e-5), (.nan, 1e-5), (.infinity, 1e-5), (1, 0), (1, 1), (1, .nan), (1, 1e-13),
    ] {
      #expect(throws: PrivacyError.self) { _ = try PrivacyBudget(epsilon: epsilon, delta: delta) }
    }
  }

  @Test func theMechanismTellsTheAccountantsWhatItIs() throws {
    let sampled = try SubsampledGaussian(
      samplingProbability: 0.25, noiseMultiplier: 1.5, clipNorm: 2, nominalBatchSize: 10)
    #expect(
      sampled.event == .poissonSampled(probability: 0.25, event: .gaussian(noiseMultiplier: 1.5)))
    #expect(sampled.noiseStandardDeviation == 3)
    let hardened = try SubsampledGaussian(
      samplingProbability: 0.25, noiseMultiplier: 1.5, clipNorm: 2, nominalBatchSize: 10,
      noise: .discreteGaussian)
    #expect(
      hardened.event
        == .poissonSampled(probability: 0.25, event: .discreteGaussian(noiseMultiplier: 1.5)))
    for (noise, event) in [
      (NoiseDistribution.gaussian, PrivacyEvent.gaussian(noiseMultiplier: 1.5)),
      (.discreteGaussian, .discreteGaussian(noiseMultiplier: 1.5)),
    ] {
      let everyone = try SubsampledGaussian(
        samplingProbability: 1, noiseMultiplier: 1.5, clipNorm: 2, nominalBatchSize: 10,
        noise: noise)
      #expect(everyone.event == event)
    }
  }

  @Test func aMechanismWithoutAKindOfNoiseIsTheGaussianOne() throws {
    let text =
      #"{"sampling_probability":0.25,"noise_multiplier":1.5,"clip_norm":2,"#
      + #""nominal_batch_size":10"#
    let old = try JSONDecoder().decode(SubsampledGaussian.self, from: Data((text + "}").utf8))
    #expect(old.noise == .gaussian && old.grid == nil)
    let hardened = try JSONDecoder().decode(
      SubsampledGaussian.self, from: Data((text + #","noise":"discrete-gaussian"}"#).utf8))
    #expect(hardened.noise == .discreteGaussian)
    #expect(
      try JSONDecoder().decode(SubsampledGaussian.self, from: JSONEncoder().encode(hardened))
        == hardened)
  }

  @Test func moreNoiseThanTheGridSupportsIsRefusedByName() throws {
    let mechanism = { (multiplier: Double, noise: NoiseDistribution) throws(PrivacyError) in
      try SubsampledGaussian(
        samplingProbability: 0.5, noiseMultiplier: multiplier, clipNorm: 1, nominalBatchSize: 1,
        noise: noise)
    }
    let grid = try #require(try mechanism(1024, .discreteGaussian).grid)
    #expect(grid.sensitivity == 1 << 20 && grid.noiseScale == 1 << 30 && grid.step == 0x1p-20)
    _ = try mechanism(1025, .gaussian)
    for multiplier in [1024.001, 1e9, 1e300] {
      let error = #expect(throws: PrivacyError.self) {
        _ = try mechanism(multiplier, .discreteGaussian)
      }
      #expect(error?.description.contains("noise multiplier: \(multiplier) found") == true)
      #expect(error?.description.contains("at most 1024.0 with discrete Gaussian noise") == true)
    }
  }

  @Test func historiesReduceToCounts() throws {
    let gaussian = PrivacyEvent.gaussian(noiseMultiplier: 2)
    let sampled = PrivacyEvent.poissonSampled(probability: 0.5, event: gaussian)
    let nested = PrivacyEvent.poissonSampled(probability: 0.5, event: sampled)
    let history = PrivacyEvent.composed([
      .repeated(event: .repeated(event: sampled, times: 3), times: 4), gaussian, nested,
      .repeated(event: gaussian, times: 0), .composed([]),
    ])
    let tally = try EventTally(history, times: 2)
    #expect(
      try tally.counts == [
        ElementaryEvent(samplingProbability: 0.5, noiseMultiplier: 2): 24,
        ElementaryEvent(samplingProbability: 1, noiseMultiplier: 2): 2,
        ElementaryEvent(samplingProbability: 0.25, noiseMultiplier: 2): 2,
      ])
    #expect(try EventTally(tally.event) == tally)
    #expect(try EventTally(.composed([])).isEmpty)
  }

  @Test func oneSampleUsedTwiceIsNotAccountedAsTwoSamples() throws {
    let twice = PrivacyEvent.repeated(event: .gaussian(noiseMultiplier: 1), times: 2)
    for event in [
      twice, .composed([.gaussian(noiseMultiplier: 1), .gaussian(noiseMultiplier: 2)]),
    ] {
      let sampled = PrivacyEvent.poissonSampled(probability: 0.1, event: event)
      #expect(throws: PrivacyError.self) { _ = try EventTally(sampled) }
      #expect(throws: PrivacyError.self) { _ = try RenyiAccountant(sampled) }
    }
    #expect(try EventTally(.poissonSampled(probability: 1, event: twice)).total == 2)
  }

  @Test func countsBeyondDoublePrecisionAreRefusedAndChangeNothing() throws {
    let gaussian = PrivacyEvent.gaussian(noiseMultiplier: 1)
    var tally = try EventTally(gaussian, times: 5)
    let before = tally
    for times in [Int.max, (1 << 53) + 1, -1] {
      #expect(throws: PrivacyError.self) { try tally.add(gaussian, times: times) }
      #expect(throws: PrivacyError.self) {
        try tally.add(.repeated(event: .repeated(event: gaussian, times: 1 << 40), times: 1 << 40))
      }
      #expect(tally == before)
    }
    #expect(throws: PrivacyError.self) { try tally.add(gaussian, times: 1 << 53) }
    #expect(throws: PrivacyError.self) {
      _ = try tally.subtracting(EventTally(gaussian, times: 6))
    }
  }

  @Test func printedFiguresAreNeverSmallerThanTheComputedOnes() {
    // Times ten thousand, the last three would be rounded to smaller whole numbers.
    for value in [
      0.0, 1e-7, 0.00012345, 0.1, 1.00001, 2.3854380495769063, 7.99999, 123456.78901,
      3.4909000000000003, 7.096500000000001, 6.654800000000001,
    ] {
      for text in [Decimals.epsilon(value), Decimals.roundedUp(value, places: 2)] {
        let printed = Double(text) ?? -1
        #expect(printed >= value, "\(value) printed as \(text)")
      }
      #expect((Double(Decimals.epsilon(value)) ?? 0) <= value * 1.001 + 1e-12)
    }
    let short = [1.690_234_567, 0.000_123_456_7, 12345.678, 0.3, 0].map(Decimals.short)
    #expect(short == ["1.6902", "0.00012346", "12346", "0.3", "0"])
    #expect(Decimals.roundedUp(2.5, places: 4) == "2.5")
    #expect(Decimals.roundedUp(2.00001, places: 2) == "2.01")
  }
}

@Suite struct PrivacyStatementTests {
  private func statement(
    _ basis: PrivacyCost.Basis = .planned, declared: [String] = ["class names"],
    found: [String] = [],
    population: Int? = nil
  ) throws -> PrivacyStatement {
    let mechanism = try SubsampledGaussian(
      samplingProbability: 0.01, noiseMultiplier: 1.1, clipNorm: 1, nominalBatchSize: 64)
    var history = try LedgerHistory([
      .root(
        LedgerRoot(
          identity: "r", dataset: "faces", unit: .subfolder(maximumImages: 4),
          adjacency: .addOrRemoveOne))
    ])
    // Both runs are announced before anything is charged, or the second one after the end of the first.
    let runs = [("run-1", 500), ("run-2", 1000)]
    let steps: [[LedgerEntry]] = runs.enumerated().map { number, run in
      [
        .plan(
          LedgerPlan(
            run: run.0, attempt: 1, snapshot: "s",
            event: .repeated(event: mechanism.event, times: run.1), mechanism: mechanism,
            delta: 1e-5, software: "1.0")),
        .reserve(
          LedgerReserve(
            number: number, run: run.0, attempt: 1, event: mechanism.event, times: run.1,
            purpose: "p")),
      ]
    }
    let order =
      basis == .planned ? [(0, 0), (1, 0), (0, 1), (1, 1)] : [(0, 0), (0, 1), (1, 0), (1, 1)]
    for (run, step) in order { try history.append(steps[run][step]) }
    let subject = PrivacyStatement.Subject(
      root: LedgerRoot(
        identity: "r", dataset: "faces", unit: .subfolder(maximumImages: 4),
        adjacency: .addOrRemoveOne),
      run: "run-2", runs: ["run-1", "run-2"], mechanism: mechanism,
      witness: PrivacyStatement.LedgerWitness(hash: "abc"), software: "1.0",
      population: population, declared: declared, found: found)
    return try PrivacyStatement(of: subject, history: history, delta: 1e-5)
  }

  @Test func theClaimCoversEveryRunOnTheRoot() throws {
    let statement = try statement()
    let step = try ElementaryEvent(samplingProbability: 0.01, noiseMultiplier: 1.1).event
    #expect(try statement.total == PrivacyCost(of: step, times: 1500, delta: 1e-5))
    #expect(try statement.runCost == PrivacyCost(of: step, times: 1000, delta: 1e-5))
    #expect(statement.total.epsilon > statement.runCost.epsilon)
  }

  /// The claim of a planned history includes steps that were announced but never made.
  @Test func theAccessesOfAPlannedHistoryAreThoseThatItAnnounced() throws {
    let event = PrivacyEvent.gaussian(noiseMultiplier: 30)
    let root = LedgerRoot(identity: "r", dataset: "d", unit: .file, adjacency: .addOrRemoveOne)
    let history = try LedgerHistory([
      .root(root),
      .plan(
        LedgerPlan(
          run: "r", attempt: 1, snapshot: "s", event: .repeated(event: event, times: 100),
          mechanism: nil, delta: 1e-5, software: "1")),
      .reserve(
        LedgerReserve(number: 0, run: "r", attempt: 1, event: event, times: 60, purpose: "p")),
      .settle(LedgerSettle(number: 0, used: 20)),
    ])
    let statement = try PrivacyStatement(
      of: PrivacyStatement.Subject(
        root: root, run: "r", runs: ["r"], mechanism: nil, witness: nil, software: "1",
        declared: []),
      history: history, delta: 1e-5)
    #expect(statement.accesses.map(\.times) == [100])
    #expect(
      statement.sentence.contains("Accesses: 100 Gaussian releases, each with noise of 30 times"))
    #expect(try statement.total == PrivacyCost(of: event, times: 100, delta: 1e-5))
  }

  @Test func unitAdjacencyAndClaimStandInOneSentence() throws {
    let statement = try statement()
    let epsilon = Decimals.epsilon(statement.total.epsilon)
    #expect(statement.sentence.contains("(\(epsilon), 1e-5)-differentially private"))
    #expect(
      statement.sentence.contains(
        "adding or removing one sub-folder (one person) of at most 4 images, clipped together"))
    #expect(
      statement.sentence.contains(
        "1500 Gaussian releases, each with noise of 1.1 times the clip norm"))
    #expect(statement.sentence.contains("here \(statement.total.accountant)"))
    #expect(statement.notCovered.contains { $0.contains("class names") })
    #expect(statement.markdown.contains("| Delta | 1e-5 |"))
    #expect(statement.markdown.contains(statement.sentence))
  }

  /// A person without a declared limit is not a person of at most 2,147,483,647 rows.
  @Test func aUnitWithoutALimitIsNamedWithoutOne() {
    let limit = PrivacyUnit.noLimit
    #expect(
      PrivacyUnit.person(maximumRows: limit, column: "patient").words
        == "all rows of one person (column 'patient'), clipped together")
    #expect(
      PrivacyUnit.person(maximumRows: 3, column: "patient").words
        == "all rows of one person (column 'patient'), at most 3, clipped together")
    #expect(
      PrivacyUnit.subfolder(maximumImages: limit).words
        == "one sub-folder (one person), clipped together")
  }

  @Test func whatNobodyDeclaredIsSaidToBeFound() throws {
    let found = try statement(declared: [], found: ["the names of the classes (a, b)"])
    let sentence =
      "the names of the classes (a, b): read from the dataset's folder and treated as public; if "
      + "they are not, declare the classes and the population (in the configuration, or with "
      + "--classes and --population), or rename the folders"
    #expect(found.notCovered.last == sentence)
    #expect(found.markdown.contains("- " + sentence))
    #expect(!found.markdown.contains("administrator declared"))
    #expect(!(try statement().markdown.contains("read from the dataset")))
  }

  @Test func whatTheNumbersMeanStandsBesideThem() throws {
    let told = try statement(population: 99_999)
    let meaning = try #require(told.meaning)
    let strength = GuaranteeStrength(epsilon: told.total.epsilon)
    #expect(
      meaning
        == "Epsilon \(Decimals.epsilon(told.total.epsilon)): \(strength.words). This epsilon counts all runs on "
        + "the data, so it is the one to quote. Run 'run-2' by itself has epsilon "
        + "\(Decimals.epsilon(told.runCost.epsilon)), which would hold if nothing else had been computed from the data. "
        + "Delta 1e-5 is below 1/99999, one divided by the number of units, but not below a tenth of it, as is recommended."
    )
    #expect(told.markdown.contains(meaning))
    #expect(try statement(population: 5000).meaning.map { !$0.contains("Delta") } ?? false)
    #expect(try statement(population: 100_000).meaning?.contains("is not below 1/100000") ?? false)
    // In the definition delta is an addend, not an exception: Dwork and Roth, definition 2.4.
    #expect(told.sentence.contains("had one such unit been added or removed, plus 1e-5."))
  }

  @Test func mechanismsChosenAfterLookingAreClaimedByRenyiAlone() throws {
    let statement = try statement(.adaptive)
    let step = try ElementaryEvent(samplingProbability: 0.01, noiseMultiplier: 1.1).event
    let tally = try EventTally(step, times: 1500)
    #expect(try statement.total.renyi == RenyiOdometer.bound(of: tally, atDelta: 1e-5))
    #expect(statement.total.epsilon == statement.total.renyi.epsilon)
    #expect(statement.total.accountant == "RDP odometer")
    #expect(statement.sentence.contains("chosen after results of earlier accesses"))
    #expect(
      statement.markdown.contains(
        "(PLD) | does not apply: some of it was chosen after earlier results |"))
    // The run itself was planned before its first step, regardless of the root's history.
    #expect(try statement.runCost == PrivacyCost(of: step, times: 1000, delta: 1e-5))
  }

  @Test func theStoredFormIsReadBack() throws {
    let statement = try statement()
    let json = try JSONEncoder().encode(statement)
    #expect(try JSONDecoder().decode(PrivacyStatement.self, from: json) == statement)
  }

  @Test func noGuaranteeIsNoStatement() throws {
    let root = LedgerRoot(
      identity: "r", dataset: "d", unit: .file, adjacency: .addOrRemoveOne)
    let subject = PrivacyStatement.Subject(
      root: root, run: "r", runs: ["r"], mechanism: nil, witness: nil, software: "1",
      declared: [])
    let hopeless = PrivacyEvent.gaussian(noiseMultiplier: 1e-170)
    let history = try LedgerHistory([
      .root(root),
      .plan(
        LedgerPlan(
          run: "r", attempt: 1, snapshot: "s", event: hopeless, mechanism: nil, delta: 1e-5,
          software: "1")),
      .reserve(
        LedgerReserve(
          number: 0, run: "r", attempt: 1, event: hopeless, times: 1, purpose: "p")),
    ])
    #expect(throws: LedgerError.invalid(.unboundedLoss(delta: 1e-5))) {
      _ = try PrivacyStatement(of: subject, history: history, delta: 1e-5)
    }
  }
}
