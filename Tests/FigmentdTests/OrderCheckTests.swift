import ArgumentParser
import Control
import Models
import Datasets
import FoundationEssentials
import Privacy
import Synchronization
import Testing

@testable import Runs
@testable import figmentd

/// An order that no run can carry out is refused before anything is queued or written.
@Suite struct OrderCheckTests {
  private let bench: RunBench
  private let engine: LocalEngine

  init() throws {
    bench = try RunBench()
    engine = LocalEngine(
      recipes: bench.scratch.path, threads: 1,
      state: StatePaths(path: bench.scratch.path + "/state")
    ) { _, _ in FileUse(units: 64) }
  }

  private func dataset(
    _ policy: PrivacyPolicy = PrivacyPolicy(epsilonMaximum: 8, delta: 1e-5),
    population: Int? = nil
  ) -> DatasetConfiguration {
    DatasetConfiguration(
      name: "glyphs", root: bench.order.root, population: population, policy: policy)
  }

  private func train(
    _ epsilon: Double? = 2, delta: Double? = nil, hardened: Bool? = nil,
    answers: [String: Double]? = nil, nonPrivate: Bool? = nil, count: Int? = nil
  ) -> TrainRequest {
    TrainRequest(
      dataset: "glyphs", recipe: "tiny", epsilon: nonPrivate == true ? nil : epsilon, delta: delta,
      nonPrivate: nonPrivate, hardened: hardened, answers: answers,
      count: count)
  }

  /// The errors of a check and a plan; both must refuse.
  private func refusal(
    _ request: TrainRequest, _ dataset: DatasetConfiguration, isCounted: Bool = true,
    isPlanned: Bool = true
  ) -> ControlError? {
    if isPlanned {
      #expect(throws: ControlError.self) { try engine.plan(request, dataset: dataset) }
    }
    return #expect(throws: ControlError.self) {
      try engine.check(request, dataset: dataset, isCounted: isCounted)
    }
  }

  @Test func whatIsPossiblePasses() throws {
    try engine.check(train(), dataset: dataset(), isCounted: true)
    try engine.check(train(delta: 1e-6), dataset: dataset(), isCounted: true)
    try engine.check(train(nil), dataset: dataset(), isCounted: true)
    try engine.check(train(answers: ["class-counts": 0.2]), dataset: dataset(), isCounted: true)
    let lax = PrivacyPolicy(epsilonMaximum: 8, delta: 1e-5, allowsNonPrivate: true)
    try engine.check(train(nonPrivate: true), dataset: dataset(lax), isCounted: true)
  }

  @Test(arguments: [1e-3, 0.9999]) func aLargerDeltaThanThePolicysIsRefusedNotLowered(
    _ delta: Double
  ) throws {
    let error = try #require(refusal(train(delta: delta), dataset()))
    #expect(error.exitCode == .refused)
    #expect(
      error.message.contains("asks for delta \(Rounded.number(delta)) (at most 1e-5 expected"))
    let plan = try engine.plan(train(delta: 1e-6), dataset: dataset())
    #expect(plan.privacy?.delta == 1e-6)
  }

  @Test func impossibleNumbersAreRefused() throws {
    for (request, text) in [
      (train(delta: 1e-300), "delta: 1e-300 found"),
      (train(1, answers: ["class-counts": 1]), "class-counts 1.0, not below"),
      (train(1, answers: ["class-counts": 0.6, "accuracy": 0.5]), "together not below"),
      (train(1, answers: ["accuracy": 0.5], count: 0), "count is 0"),
      (train(1e-9, delta: 1e-12), "cannot be reached"),
      (
        train(1, answers: ["age": 0.5]),
        "'age' is unknown (class-counts, class-means or accuracy expected)"
      ),
    ] {
      let error = try #require(refusal(request, dataset()))
      #expect(error.exitCode == .usage, "\(error)")
      #expect(error.message.contains(text), "\(error)")
    }
  }

  @Test func whatDoesNotDependOnTheFilesIsCheckedBeforeTheyAreCounted() throws {
    #expect(
      refusal(train(1, answers: ["class-counts": 1]), dataset(), isCounted: false)?.exitCode
        == .usage)
    try engine.check(train(1e-9, delta: 1e-12), dataset: dataset(), isCounted: false)
    // A declared population is known at once.
    #expect(
      refusal(train(1e-9, delta: 1e-12), dataset(population: 64), isCounted: false)?.exitCode
        == .usage)
  }

  @Test func aBudgetWithoutRoomIsRefusedBeforeTheQueue() throws {
    let spent = try RunBench(epsilon: 1)
    try #require(try spent.run().isFinished)
    let state = try StateDirectory(spent.scratch.path + "/state")
    for (from, to) in [
      (spent.places.ledgers, state.paths.ledgers),
      (spent.places.ledgerMarks, state.paths.ledgerMarks),
    ] {
      try? FileManager.default.removeItem(atPath: to)
      try FileManager.default.moveItem(atPath: from, toPath: to)
    }
    let engine = LocalEngine(recipes: spent.scratch.path, threads: 1, state: state.paths) { _, _ in
      FileUse(units: 64)
    }
    let dataset = DatasetConfiguration(
      name: "glyphs", root: spent.order.root,
      policy: PrivacyPolicy(epsilonMaximum: 5, delta: 1e-5))
    let error = #expect(throws: ControlError.self) {
      try engine.check(train(4.5), dataset: dataset, isCounted: true)
    }
    #expect(error?.exitCode == .refused)
    #expect(error?.message.contains("What is left: epsilon ") ?? false, "\(error as Any)")
  }

  /// Jobs that wait have announced nothing yet, and will take their part all the same.
  @Test func jobsThatWaitBeforeAJobCountAgainstItsBudget() throws {
    func waiting(_ epsilons: Double?...) -> [WaitingTraining] {
      epsilons.enumerated().map {
        WaitingTraining(job: JobID(dataset: "glyphs", number: 7 + $0), request: train($1))
      }
    }
    func check(_ epsilon: Double?, behind jobs: [WaitingTraining]) throws -> [String] {
      try engine.check(train(epsilon), behind: jobs, dataset: dataset(), isCounted: true)
    }
    let fitting = try check(2, behind: waiting(2))
    #expect(
      fitting.contains {
        $0.hasPrefix("glyphs-7 waits before this job; after all of them, epsilon ")
      },
      "\(fitting)")
    #expect(try !check(7, behind: []).contains { $0.contains("before this job") })
    for (epsilon, jobs) in [(7.0, waiting(5)), (6, waiting(5, 5)), (2, waiting(nil))] {
      let error = #expect(throws: ControlError.self) { try check(epsilon, behind: jobs) }
      #expect(error?.exitCode == .refused)
      let message = error?.message ?? ""
      #expect(message.contains("before this job, and the budget does not suffice"), "\(message)")
      #expect(message.contains("glyphs-7"), "\(message)")
    }
    // One that would not fit itself takes nothing.
    #expect(try !check(7, behind: waiting(100)).contains { $0.contains("before this job") })
  }

  @Test func aJobOfWhichNoiseIsAllThatWillBeLeftIsWarnedOfAtItsSubmission() throws {
    let planned = try engine.plan(train(0.1), dataset: dataset())
    let warning = try #require(planned.warning)
    let remarks = try engine.check(train(0.1), dataset: dataset(), isCounted: true)
    #expect(remarks == [warning])
    // Before anybody has counted the images, nothing can be said.
    #expect(try engine.check(train(0.1), dataset: dataset(), isCounted: false).isEmpty)
  }

  @Test func aRunThatNoiseWillOutweighIsWarnedOfBeforeItsFirstCharge() throws {
    let noisy = try RunBench(epsilon: 0.1)
    let heard = Mutex<(warned: Bool, charged: Bool)>((false, false))
    _ = try noisy.run { report in
      switch report {
      case .note(let text) where text.value.hasPrefix("Noise will"):
        let charges = (try? noisy.history().reservationCount) ?? 0
        heard.withLock { $0 = (true, charges > 0) }
      default: break
      }
    }
    #expect(heard.withLock { $0.warned && !$0.charged })
  }

  @Test func aRecipeWithoutPrivacyTakesNoEpsilon() throws {
    try bench.scratch.write(
      "tiny.yaml",
      RunBench.recipe(side: 8, steps: 40).replacing("family:", with: "privacy: none\nfamily:"))
    for (epsilon, words) in [
      (2.0, "epsilon 2 and recipe tiny"), (nil, "the rest of the budget and recipe tiny"),
    ]
      as [(Double?, String)]
    {
      let error = try #require(refusal(train(epsilon), dataset()))
      #expect(error.exitCode == .usage && error.message.contains(words), "\(error)")
    }
    let lax = PrivacyPolicy(epsilonMaximum: 8, delta: 1e-5, allowsNonPrivate: true)
    try engine.check(train(nonPrivate: true), dataset: dataset(lax), isCounted: true)
    let request = TrainRequest(dataset: "d", recipe: "r", epsilon: 3, nonPrivate: true)
    let both = #expect(throws: ControlError.self) { try request.validate() }
    #expect(both?.message.contains("non_private and epsilon 3: both given") == true)
  }

  @Test func aHardenedRecipeIsNotSoftenedInSilence() throws {
    let recipe = RunBench.recipe(side: 8, steps: 40)
      .replacing("clip_norm: 1}", with: "clip_norm: 1, noise: discrete-gaussian}")
    try bench.scratch.write("tiny.yaml", recipe)
    let error = try #require(refusal(train(hardened: false), dataset()))
    #expect(error.message.contains("recipe tiny is hardened"))
  }

  @Test func aDeltaThatLetsSomebodyBePublishedIsRefusedUnlessItIsAllowedByName() throws {
    // 64 units: 1/64 is 0.015625.
    var policy = PrivacyPolicy(epsilonMaximum: 8, delta: 0.02)
    for population in [nil, 64] {
      let error = try #require(refusal(train(), dataset(policy, population: population)))
      #expect(error.exitCode == .refused)
      #expect(error.message.contains("Delta 0.02 is not below 1/64"), "\(error)")
      #expect(error.message.contains("allow_large_delta"))
    }
    var run = bench
    run.order = try order(delta: 0.02)
    let error = #expect(throws: ControlError.self) { try run.run() }
    #expect(error?.exitCode == .refused)
    // Only a declared number decides: a refusal must not reveal the number that was found.
    try engine.check(train(delta: 0.01), dataset: dataset(policy, population: 64), isCounted: true)
    let few = try #require(refusal(train(delta: 0.01), dataset(policy, population: 100)))
    #expect(few.exitCode == .refused)

    policy.allowsLargeDelta = true
    try engine.check(train(), dataset: dataset(policy), isCounted: true)
    let plan = try engine.plan(train(), dataset: dataset(policy))
    #expect(plan.privacy?.remark?.contains("Delta 0.02 is not below 1/64") ?? false)
    run.order.allowsLargeDelta = true
    #expect(try run.run().isFinished)
    for name in ["PRIVACY.md", "privacy.json"] {
      let text = try run.text(run.places.release + "/" + name)
      #expect(text.contains("Delta 0.02 is not below 1/64"))
    }
  }

  private func order(delta: Double) throws -> RunOrder {
    RunOrder(
      name: bench.order.name, dataset: "glyphs", root: bench.order.root, rules: bench.order.rules,
      recipe: bench.order.recipe, loss: .epsilon(2), delta: delta,
      budget: try PrivacyBudget(epsilon: 8, delta: delta), count: 12, seed: 5)
  }

  @Test func aBatchThatIsLargerThanTheDatasetIsRemarkedOn() throws {
    let plan = try engine.plan(train(), dataset: dataset(population: 10))
    #expect(plan.expectedBatch == 10)
    #expect(plan.privacy?.remark?.contains("batch of 16 is larger than the 10 units") ?? false)
  }

  /// A run of few steps has little noise and a network that has learnt little.
  @Test func aSmallPartOfTheStepsOfARecipeIsRemarkedOn() throws {
    var request = train()
    let all = bench.order.recipe.training.steps
    try #require(all >= 20)
    request.steps = all / 10 - 1
    let few = try engine.plan(request, dataset: dataset())
    #expect(few.privacy?.remark?.contains("small part of the recipe's \(all)") == true)
    #expect(
      try engine.check(request, behind: [], dataset: dataset(), isCounted: true)
        .contains { $0.contains("small part") })
    request.steps = all / 10
    #expect(try engine.plan(request, dataset: dataset()).privacy?.remark?.contains("part") != true)
  }

  /// The ledger would name its unit, and nobody would know what to do.
  @Test func aRecipeForImagesIsRefusedWhereAColumnNamesPersons() throws {
    var tables = dataset()
    tables.policy.unit = .folder
    tables.policy.maximumPerUnit = 3
    tables.personColumn = "who"
    #expect(refusal(train(), tables)?.message.contains("names persons in the column 'who'") == true)
  }

  @Test func aRunThatCannotBeWritesNothing() throws {
    let output = bench.scratch.path + "/output"
    let state = bench.scratch.path + "/run-state"
    let common = [
      "--images", bench.order.root, "--recipe", bench.scratch.path + "/tiny.yaml", "--output",
      output, "--state", state,
    ]
    for (options, code) in [
      (["--epsilon", "2", "--delta", "1e-5", "--count-epsilon", "2"], Control.ExitCode.usage),
      (["--epsilon", "2", "--delta", "1e-300"], .usage),
      (["--epsilon", "2", "--delta", "0.02", "--population", "64"], .refused),
      (["--epsilon", "1e-9", "--delta", "1e-12", "--population", "64"], .usage),
      (
        ["--epsilon", "3", "--delta", "1e-5", "--epsilon-maximum", "2", "--population", "64"],
        .refused
      ),
      (["--epsilon", "2", "--delta", "1e-5", "--hold-out", bench.order.root], .usage),
      (["--epsilon", "2", "--delta", "1e-5", "--classes", "arrow,crcle"], .usage),
    ] {
      let command = try RunCommand.parse(common + options)
      let error = #expect(throws: ArgumentParser.ExitCode.self, "\(options)") { try command.run() }
      #expect(error?.rawValue == code.rawValue, "\(options)")
      #expect(!FileManager.default.fileExists(atPath: output), "\(options)")
      #expect(!FileManager.default.fileExists(atPath: state), "\(options)")
    }
  }

  @Test func aMisspeltClassIsNamedWithTheOneThatWasMeant() throws {
    let rules = DatasetRules(classes: ["arrow", "crcle", "all"])
    let (missing, folders) = try rules.classesWithoutFolder(in: bench.order.root)
    #expect(missing == ["crcle"] && folders.contains("circle"))
    #expect(try DatasetRules().classesWithoutFolder(in: bench.order.root).missing.isEmpty)
    try FileManager.default.createDirectory(
      atPath: bench.order.root + "/crcle", withIntermediateDirectories: true)
    #expect(try rules.classesWithoutFolder(in: bench.order.root).missing.isEmpty)
  }

  /// Nothing was done, so nothing is left, and nobody is sent to a daemon.
  @Test func aRunOnAnEmptyFolderLeavesNothing() throws {
    let images = bench.scratch.path + "/empty"
    try FileManager.default.createDirectory(
      atPath: images + "/cat", withIntermediateDirectories: true)
    let output = bench.scratch.path + "/a/b/output"
    let state = bench.scratch.path + "/run-state"
    let command = try RunCommand.parse([
      "--images", images, "--recipe", bench.scratch.path + "/tiny.yaml", "--output", output,
      "--state", state, "--epsilon", "2", "--delta", "1e-5",
    ])
    #expect(throws: ArgumentParser.ExitCode.self) { try command.run() }
    #expect(!FileManager.default.fileExists(atPath: bench.scratch.path + "/a"))
    #expect(!FileManager.default.fileExists(atPath: state))
    var empty = bench
    empty.order = RunOrder(
      name: "run", dataset: "glyphs", root: images, rules: DatasetRules(),
      recipe: bench.order.recipe, loss: .epsilon(2), delta: 1e-5, budget: bench.order.budget,
      count: 12)
    let error = #expect(throws: ControlError.self) { try empty.run() }
    let message = error?.message ?? ""
    #expect(message.contains("none of its files is an accepted image"), "\(message)")
    #expect(!message.contains("daemon") && !message.contains("figment files"), "\(message)")
    #expect(!message.contains("files.jsonl"), "\(message)")
    // With files, their list is kept and named; for a job, the command that prints it.
    try bench.scratch.write("empty/cat/notes.png", "text")
    let listed = #expect(throws: ControlError.self) { try empty.run() }
    #expect(listed?.message.contains("internal/files.jsonl lists the reason") == true)
    empty.order.fileListing = "'figment files glyphs'"
    let job = #expect(throws: ControlError.self) { try empty.run() }
    #expect(job?.message.contains("'figment files glyphs' lists the reason") == true)
    // What was there before stays.
    try FileManager.default.createDirectory(
      atPath: output, withIntermediateDirectories: true)
    MadeFolders(for: output + "/internal/tiny").removeEmpty()
    #expect(FileManager.default.fileExists(atPath: output))
  }

  @Test(arguments: [
    ["--non-private", "--delta", "1e-5"], ["--non-private", "--epsilon-maximum", "4"],
    ["--non-private", "--allow-large-delta"],
    ["--epsilon", "2", "--delta", "1e-5", "--maximum-per-unit", "3"],
    ["--epsilon", "2", "--delta", "1e-5", "--classes", "a,,b"],
    ["--epsilon", "2", "--delta", "1e-5", "--epsilon-maximum", "0"],
  ]) func optionsThatWouldBeIgnoredAreRefused(_ options: [String]) {
    #expect(throws: (any Error).self) {
      try RunCommand.parse(["--images", "i", "--recipe", "r", "--output", "o"] + options)
    }
  }
}
