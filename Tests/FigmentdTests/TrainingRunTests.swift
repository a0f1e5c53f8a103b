import Compute
import Control
import Datasets
import FoundationEssentials
import Glibc
import Models
import Privacy
import Synchronization
import Testing

@testable import Runs
@testable import figmentd

/// A whole run, from a folder of images to a synthetic set, with a model of a few hundred weights.
@Suite struct TrainingRunTests {
  private func inode(of path: String) -> UInt {
    var status = stat()
    return stat(path, &status) == 0 ? status.st_ino : 0
  }

  @Test func aRunWritesItsReleaseAndChargesItsPlan() throws {
    let bench = try RunBench()
    #expect(try bench.run().isFinished)
    let history = try bench.history()
    #expect(history.spent.total == 40)
    #expect(history.attempts.map(\.outcome) == ["finished"])
    #expect(history.releases.count == 1)
    let cost = try PrivacyCost(of: history.spent, delta: 1e-5)
    #expect(cost.epsilon <= 4)
    let release = bench.places.release
    var images = 0
    for name in try DurableFile.names(in: release + "/data") {
      images += try DurableFile.names(in: "\(release)/data/\(name)").count
    }
    #expect(images == 12)
    let statement = try JSONDecoder().decode(
      PrivacyStatement.self, from: DurableFile.read(release + "/privacy.json"))
    #expect(statement.total.epsilon == cost.epsilon)
    #expect(
      try DurableFile.names(in: release) == [
        "PRIVACY.md", "README.md", "data", "manifest.json", "metadata.jsonl", "model",
        "privacy.json", "report.html", "report.json", "samples.png",
      ])
  }

  @Test func anInterruptedRunNeverCostsMoreThanItsPlan() throws {
    let bench = try RunBench()
    let stop = StopSignal()
    let ending = try bench.run(stop: stop) { report in
      if case .progress(let progress) = report, progress.phase == .train { stop.raise() }
    }
    #expect(!ending.isFinished)
    #expect(try bench.run().isFinished)
    #expect(try bench.history().spent.total == 40)
    #expect(try bench.history().attempts.count == 2)
  }

  /// More steps than any machine makes before the first report.
  @Test func whatAnInterruptedBlockDidNotBeginIsGivenBack() throws {
    let bench = try RunBench(steps: 200_000)
    for attempt in 1...2 {
      #expect(try !bench.run(stoppingAt: 1).isFinished)
      let history = try bench.history()
      let record = try JSONDecoder().decode(
        StepsOfRecord.self, from: DurableFile.read(bench.places.internalFiles + "/run.json"))
      #expect(record.made > 0 && record.made == record.charged)
      #expect(history.spent.total == record.charged)
      #expect(history.openReservationCount == 0)
      #expect(history.attempts.count == attempt)
    }
  }

  private struct StepsOfRecord: Decodable {
    let made: Int
    let charged: Int
    private enum CodingKeys: String, CodingKey {
      case made = "steps_made"
      case charged = "steps_charged"
    }
  }

  @Test func stepsLostToACrashStayChargedAndAreNotMadeAgain() throws {
    var bench = try RunBench()
    bench.order.allowsFewerSteps = true
    // The state after a kill -9: a plan, an unsettled reservation, no checkpoint.
    try bench.leaveReservation(times: 30)
    #expect(try bench.run().isFinished)
    let history = try bench.history()
    #expect(history.spent.total == 40)
    #expect(history.openReservationCount == 1)
    let record = try bench.text(bench.places.internalFiles + "/run.json")
    #expect(record.contains("\"steps_made\" : 10"))
    #expect(record.contains("\"steps_charged\" : 40"))
  }

  @Test func aFinishedRunIsNotDrawnAnewUnlessAnotherCountIsAsked() throws {
    var bench = try RunBench()
    guard case .finished(let first) = try bench.run() else {
      Issue.record("the run did not finish")
      return
    }
    let manifest = bench.places.release + "/manifest.json"
    let before = inode(of: manifest)
    guard case .finished(let again) = try bench.run() else {
      Issue.record("the second order did not finish")
      return
    }
    #expect(again == first)
    #expect(inode(of: manifest) == before)
    bench.order.count = 20
    guard case .finished(let larger) = try bench.run() else {
      Issue.record("the larger order did not finish")
      return
    }
    #expect(larger.images == 20)
    #expect(
      try bench.text(bench.places.release + "/metadata.jsonl").split(separator: "\n").count == 20)
    #expect(try bench.history().spent.total == 40)
  }

  @Test func theSpeedToldIsThatOfTheLastSteps() {
    var pace = TrainingPace(from: 100)
    #expect(pace.speed == nil)
    // The first step of an attempt is slow, then two per second, later one.
    pace.stepped(to: 101, at: 50)
    #expect(pace.speed == nil)
    for step in 1...200 { pace.stepped(to: 101 + step, at: 50 + Double(step) * 0.5) }
    #expect(pace.speed == 2)
    for step in 1...100 { pace.stepped(to: 301 + step, at: 150 + Double(step)) }
    #expect(pace.speed == 1)
  }

  @Test func aDamagedCheckpointGivesWayToTheOneBefore() throws {
    let bench = try RunBench()
    let model = try bench.order.recipe.makeModel(
      classes: ["a", "b"], seed: 1, on: Machine(threadCount: 1))
    let folder = CheckpointFolder(path: bench.places.checkpoints)
    #expect(try folder.newest()?.step == nil)
    for step in [3, 7, 9] {
      try folder.save(model, step: step, phase: Phase.training, made: step, learntFrom: "images")
    }
    #expect(try DurableFile.names(in: folder.path).count == 2)
    #expect(try folder.newest()?.step == 9)
    #expect(truncate(folder.path + "/step-9.safetensors", 100) == 0)
    #expect(try folder.newest()?.step == 7)
  }

  @Test func aRunBeyondTheBudgetIsRefusedBeforeItReadsAStep() throws {
    let bench = try RunBench(epsilon: 4, maximum: 1)
    let error = #expect(throws: ControlError.self) { try bench.run() }
    #expect(error?.exitCode == .refused)
    #expect(try bench.history().spent.isEmpty)
    #expect(try DurableFile.names(in: bench.places.release).isEmpty)
  }

  @Test func aReleaseHoldsNoKeyBesideThoseThatMayLeave() throws {
    let bench = try RunBench()
    #expect(try bench.run().isFinished)
    let keys = { (name: String) in
      try JSONDecoder().decode(
        ObjectKeys.self, from: DurableFile.read(bench.places.release + "/" + name)
      ).sorted
    }
    #expect(try keys("manifest.json") == ["files", "run", "software"])
    #expect(
      try keys("privacy.json") == [
        "accesses", "adjacency", "covered", "dataset", "format", "ledger", "meaning", "mechanism",
        "not_covered", "phases", "run", "run_cost", "runs", "sampling", "sentence", "software",
        "total",
        "unit",
      ])
    for line in try bench.text(bench.places.release + "/metadata.jsonl").split(separator: "\n") {
      #expect(line.hasPrefix("{\"file_name\":\"data/"))
      #expect(line.count { $0 == ":" } == 2 && line.contains(",\"label\":\""))
    }
    let model = try Safetensors.decode(
      DurableFile.read(bench.places.release + "/model/generator.safetensors"))
    #expect(model.metadata.keys.sorted() == ["classes", "recipe"])
    #expect(model.tensors.keys.allSatisfy { $0.hasPrefix("generator.") })
  }

  /// The command alone may leave the seed open.
  @Test func aReportNamesTheSeedOfItsRun() throws {
    let bench = try RunBench()
    #expect(try bench.run().isFinished)
    let seed = try #require(bench.order.seed)
    let report = try bench.text(bench.places.release + "/report.json")
      .filter { !$0.isWhitespace }
    #expect(report.contains("\"Seed\",\"\(seed)\""))
  }

  @Test(arguments: [4.0, 30, nil]) func whatIsReadWithASetClaimsNoMoreThanHolds(
    _ epsilon: Double?
  ) throws {
    let bench = try RunBench(epsilon: epsilon, steps: 4)
    #expect(try bench.run().isFinished)
    let folder = epsilon == nil ? bench.places.unprotected : bench.places.release
    let names = try DurableFile.names(in: folder).filter { name in
      [".md", ".html", ".json"].contains { name.hasSuffix($0) }
    }
    #expect(names.contains("README.md") && names.contains("report.html"))
    for name in names {
      let text = try bench.text(folder + "/" + name).lowercased()
      for claim in [
        "no image shows a real", "none of them is a real", "beyond doubt members", "anonymous",
        "is proved", "except with probability", "nothing looks copied",
        "no attack on the set found",
      ] {
        #expect(!text.contains(claim), "\(name): \(claim)")
      }
    }
    let card = try bench.text(folder + "/README.md")
    let report = try bench.text(folder + "/report.json")
    switch epsilon {
    case nil:
      #expect(card.contains("**No guarantee.**"))
      #expect(report.contains("No guarantee of privacy is known."))
    case 4:
      #expect(card.contains("moderate protection"))
      #expect(report.contains("moderate protection") && report.contains("\"Private: epsilon"))
    default:
      #expect(card.contains("no meaningful protection by epsilon alone"))
      #expect(
        report.contains("No meaningful protection: epsilon") && !report.contains("Private: eps"))
    }
  }

  /// Names of files are often names of people.
  @Test func noNameOfAFileLeavesWithAReleaseOrIsReported() throws {
    let bench = try RunBench()
    let planted = "Erika-Mustermann"
    for (number, name) in try DurableFile.names(in: bench.order.root).enumerated() {
      let folder = bench.order.root + "/" + name
      for file in try DurableFile.names(in: folder) {
        try FileManager.default.moveItem(
          atPath: "\(folder)/\(file)", toPath: "\(folder)/\(planted)-\(number)-\(file)")
      }
    }
    let told = Mutex("")
    #expect(try bench.run { report in told.withLock { $0 += "\(report)\n" } }.isFinished)
    #expect(told.withLock { $0.contains("plannedEpsilon") && !$0.contains(planted) })
    let release = bench.places.release
    var count = 0
    for file in try FileManager.default.subpathsOfDirectory(atPath: release) {
      var isFolder = false
      _ = FileManager.default.fileExists(atPath: "\(release)/\(file)", isDirectory: &isFolder)
      guard !isFolder else { continue }
      count += 1
      let content = try DurableFile.read("\(release)/\(file)")
      #expect(!file.contains(planted) && content.firstRange(of: Data(planted.utf8)) == nil)
    }
    #expect(count > 12, "images, statement, report and model were looked at")
  }

  @Test func factsThatWereOnlyFoundAreNotCalledDeclared() throws {
    let bench = try RunBench()
    #expect(try bench.run().isFinished)
    let found = try bench.text(bench.places.release + "/PRIVACY.md")
    #expect(
      found.contains(
        "the number of units in the plan (64): read from the dataset's folder and treated as public"
      ))
    #expect(!found.contains("declared public"))
    let names = try DurableFile.names(in: bench.order.root)
    let declaring = bench.next(named: "declared", classes: names.sorted(), population: 160)
    #expect(try declaring.run().isFinished)
    let declared = try declaring.text(declaring.places.release + "/PRIVACY.md")
    #expect(declared.contains("what the administrator declared public: the names of the classes ("))
    #expect(declared.contains("the number of units in the plan (160)"))
    #expect(!declared.contains("read from the dataset's folder"))
    // The declared number determines the sampling, not the number of files.
    let statement = try JSONDecoder().decode(
      PrivacyStatement.self, from: DurableFile.read(declaring.places.release + "/privacy.json"))
    #expect(statement.mechanism?.samplingProbability == 0.1)
    #expect(statement.mechanism?.nominalBatchSize == 16)
  }

  @Test func everyRunOnARootCostsAtMostWhatItAsked() throws {
    let first = try RunBench(epsilon: 1)
    for (bench, asked) in [
      (first, 1.0), (first.next(named: "second"), 1),
      (first.next(named: "third", loss: .epsilon(2)), 2),
    ] {
      guard case .finished(let results) = try bench.run() else {
        Issue.record("\(bench.order.name) did not finish")
        continue
      }
      let statement = try JSONDecoder().decode(
        PrivacyStatement.self, from: DurableFile.read(bench.places.release + "/privacy.json"))
      let epsilon = try #require(results.epsilon)
      #expect(epsilon <= asked && epsilon > 0.99 * asked)
      #expect(statement.runCost.epsilon == epsilon && statement.runCost.basis == .planned)
      // The value that the plan printed.
      let order = first.next(named: "again", loss: .epsilon(asked)).order
      let priced = try PricedPhases(
        order, classes: ["a", "b"], units: 64, after: LedgerHistory())
      #expect(priced.epsilon == epsilon)
      // From the second run on, the root's history is adaptive, and the total includes this.
      let total = try bench.history().cost(atDelta: 1e-5)
      #expect(statement.total == total)
      #expect(total.basis == (bench.order.name == first.order.name ? .planned : .adaptive))
      #expect(total.epsilon >= epsilon)
      #expect(
        statement.sentence.contains("chosen after results of earlier accesses")
          == (total.basis == .adaptive))
    }
  }

  @Test func aRunThatAsksNoEpsilonTakesWhatIsLeftAndTheNextIsRefused() throws {
    let bench = try RunBench(epsilon: 2, maximum: 4)
    #expect(try bench.run().isFinished)
    let rest = bench.next(named: "rest", loss: .remainder)
    let notes = Mutex<[String]>([])
    let ending = try rest.run { report in
      if case .note(let text) = report { notes.withLock { $0.append(text.value) } }
    }
    #expect(ending.isFinished)
    #expect(notes.withLock { $0 }.contains { $0.contains("takes what is left of 4,") })
    let history = try rest.history()
    let cost = try history.cost(atDelta: 1e-5)
    #expect(cost.basis == .adaptive && cost.epsilon <= 4 && cost.epsilon > 3.9)
    let third = rest.next(named: "third")
    let error = #expect(throws: ControlError.self) { try third.run() }
    #expect(error?.exitCode == .refused)
    #expect(try third.history().spent == history.spent)
  }

  @Test func aHardenedRunResumesAndStatesItsNoise() throws {
    var bench = try RunBench(hardened: true)
    bench.order.allowsFewerSteps = true
    try bench.leaveReservation(times: 30)
    #expect(try bench.run().isFinished)
    let spent = try bench.history().spent
    #expect(spent.total == 40 && spent.counts.keys.allSatisfy { $0.noise == .discreteGaussian })
    let statement = try JSONDecoder().decode(
      PrivacyStatement.self, from: DurableFile.read(bench.places.release + "/privacy.json"))
    #expect(statement.total.epsilon <= 4 && statement.total.accountant == "RDP")
    #expect(statement.sentence.contains("40 discrete Gaussian releases, each with noise"))
    #expect(statement.mechanism?.noise == .discreteGaussian)
  }

  @Test func moreNoiseThanTheGridHoldsIsRefusedBeforeAnythingIsReserved() throws {
    let bench = try RunBench(epsilon: 0.001, hardened: true)
    let error = #expect(throws: ControlError.self) { try bench.run() }
    #expect(error?.message.contains("with discrete Gaussian noise") == true)
    #expect(error?.exitCode == .usage)
    #expect(try DurableFile.names(in: bench.places.ledgers).isEmpty)
  }

  @Test func aRunWithoutPrivacyReleasesNothing() throws {
    let bench = try RunBench(epsilon: nil)
    #expect(try bench.run().isFinished)
    #expect(try DurableFile.names(in: bench.places.release).isEmpty)
    let card = try bench.text(bench.places.unprotected + "/README.md")
    #expect(card.contains("No guarantee"))
    #expect(try !DurableFile.names(in: bench.places.unprotected).contains("privacy.json"))
  }
}

extension RunBench {
  /// Runs, and stops at this step.
  fileprivate func run(stoppingAt step: Int) throws -> TrainingRun.Ending {
    let stop = StopSignal()
    return try run(stop: stop) { report in
      guard case .progress(let progress) = report, progress.phase == .train else { return }
      if progress.done >= step { stop.raise() }
    }
  }

  /// Plans like a run, reserves steps or another event of its plan, and vanishes.
  func leaveReservation(
    of event: (ResolvedPlan) -> PrivacyEvent? = { $0.mechanism?.event }, times: Int,
    for purpose: String = "training"
  ) throws {
    try DurableFile.makeFolder(places.internalFiles)
    let built = try SnapshotBuilder(
      root: order.root, rules: order.rules, transform: order.transform, threadCount: 1
    ).build(in: places.internalFiles)
    let design = try ResolvedPlan.resolve(
      order, classes: built.snapshot.classes, units: built.snapshot.unitCount,
      snapshot: "\(built.snapshot.digest)", after: LedgerHistory()
    ).plan
    try design.save(in: places.internalFiles)
    let account = try RunAccount(order, places, design)
    guard let event = event(design) else { return }
    _ = try account.ledger.reserve(event, times: times, for: purpose)
  }
}
