import ArgumentParser
import Control
import FoundationEssentials
import Glibc
import Testing

@testable import figment

@Suite struct RenderingTests {
  static let console = Console(isTerminal: false, hasColour: false, width: 80)
  static let id = JobID(dataset: "glyphs", number: 7)

  static func job(_ state: JobState, progress: JobProgress? = nil) -> Job {
    var job = Job(
      id: id, request: .train(TrainRequest(dataset: "glyphs", recipe: "dp-gan-28", epsilon: 10)),
      dataset: "glyphs", created: Date(timeIntervalSince1970: 1_700_000_000))
    job.state = state
    job.progress = progress
    return job
  }

  static let training = JobProgress(
    phase: .train, done: 1200, total: 4000, plannedEpsilon: 0.8312, targetEpsilon: 2, speed: 12.34,
    remainingSeconds: 226)

  @Test func tablesAreAligned() {
    var table = Table(["NAME", "COUNT", "NOTE"], numbers: [1])
    table.add(["a", "5", "x"])
    table.add(["longer", "12345", ""])
    #expect(table.lines == ["NAME    COUNT  NOTE", "a           5  x", "longer  12345"])
  }

  @Test func aBarForATerminal() {
    #expect(
      ProgressLine.bar(Self.training, width: 120)
        == "train     [#######-----------------] 30%  step 1,200/4,000  12.3/s  3 min 46 s left"
        + "  epsilon 0.832 of 2")
    #expect(
      ProgressLine.bar(JobProgress(phase: .scan, done: 0, total: 0), width: 120)
        == "scan      [------------------------]")
  }

  @Test func wordsForAPipe() {
    #expect(
      ProgressLine.plain(Self.training)
        == "train: 30%, step 1,200/4,000, 12.3/s, 3 min 46 s left, epsilon 0.832 of 2")
    #expect(ProgressLine.plain(JobProgress(phase: .decode, done: 5, total: 10)) == "decode: 50%")
  }

  @Test func aPipeGetsALineForEveryFivePercent() {
    var plain = PlainProgress()
    let shown = (0...100).filter {
      plain.deservesLine(JobProgress(phase: .train, done: $0, total: 100))
    }
    #expect(shown == Array(stride(from: 0, through: 100, by: 5)))
    let again = JobProgress(phase: .train, done: 100, total: 100)
    let isToldAgain = plain.deservesLine(again)
    #expect(!isToldAgain, "the end is told once")
    let next = JobProgress(phase: .generate, done: 0, total: 100)
    let isNextTold = plain.deservesLine(next)
    #expect(isNextTold)
  }

  @Test func aJobAndItsOutcome() {
    let results = JobResults(
      epsilon: 9.981, totalEpsilon: 15.2, meaning: "Epsilon 15.2: weak protection.", delta: 1e-5,
      steps: 4000, images: 100,
      outputs: [JobOutput(kind: "sheet", path: "/out/glyphs-7/sheet.png")])
    let lines = Show.lines(of: Self.job(.finished(.completed(results))))
    #expect(
      lines.contains(
        "completed: 100 images, 4,000 steps, epsilon 9.99 for this run and 15.2 for everything "
          + "computed from this data so far, at delta 1e-5"))
    #expect(lines.contains("  Epsilon 15.2: weak protection."))
    let first = JobResults(epsilon: 9.98, totalEpsilon: 9.98, delta: 1e-5)
    #expect(first.privacyText == "epsilon 9.98 at delta 1e-5", "said once where both are the same")
    let named = JobResults(epsilon: 1, totalEpsilon: 1, delta: 1e-5, unit: "one image file")
    #expect(named.privacyText == "epsilon 1 at delta 1e-5 for one image file")
    #expect(lines.contains("  sheet: /out/glyphs-7/sheet.png"))
    let failed = Show.lines(of: Self.job(.finished(.failed(JobFailure(message: "why")))))
    #expect(failed.last == "failed: why")
  }

  @Test func jobsInATable() {
    let lines = Jobs.lines(of: [Self.job(.running, progress: Self.training), Self.job(.paused)])
    #expect(
      lines == [
        "JOB       STATE    DOES             EPSILON  SUBMITTED         PROGRESS",
        "glyphs-7  running  train dp-gan-28  10       2023-11-14 22:13  "
          + ProgressLine.plain(Self.training),
        "glyphs-7  paused   train dp-gan-28  10       2023-11-14 22:13",
      ])
    #expect(Jobs.lines(of: []) == ["no jobs"])
  }

  /// Lists and status print one job's progress in the same words.
  @Test func progressIsTheSameWhereverItIsAskedFor() {
    let job = Self.job(.running, progress: Self.training)
    var status = DaemonStatus(
      version: "1", process: 5, started: .distantPast, threads: 1, instructionSet: "avx2")
    status.running = job
    let words = ProgressLine.plain(Self.training)
    for lines in [
      Jobs.lines(of: [job]), Status.lines(of: status, Self.console), Show.lines(of: job),
    ] {
      #expect(lines.contains { $0.contains(words) }, "\(lines)")
    }
  }

  @Test func freeStepsAreToldApartFromPrivateOnes() {
    let results = JobResults(epsilon: 1, delta: 1e-5, steps: 1, freeSteps: 2000, images: 100)
    let lines = Show.lines(of: Self.job(.finished(.completed(results))))
    #expect(
      lines.contains {
        $0.contains("100 images, 1 step on private images and 2,000 free steps, epsilon")
      }, "\(lines)")
    #expect(JobResults(steps: 39, plannedSteps: 40).stepsText == "39 of 40 planned steps")
    #expect(JobResults(images: 3).stepsText == nil)
    let progress = JobProgress(
      phase: .train, name: "generator", isFree: true, done: 900, total: 2000)
    #expect(ProgressLine.plain(progress) == "generator: 45%, free step 900/2,000")
    // Each phase of a plan begins at 0: its lines are not those of the phase before.
    var plain = PlainProgress()
    #expect(
      ProgressLine.plain(JobProgress(phase: .train, name: "training", done: 9, total: 20))
        == "train: 45%, step 9/20")
    let first = plain.deservesLine(
      JobProgress(phase: .train, name: "pre-training", done: 100, total: 100))
    let second = plain.deservesLine(
      JobProgress(phase: .train, name: "training", done: 0, total: 100))
    #expect(first && second)
  }

  @Test func whatASubmissionToldIsShownWithTheJob() {
    var job = Self.job(.queued)
    job.remarks = ["Noise will outweigh the signal."]
    #expect(Show.lines(of: job).contains("note: Noise will outweigh the signal."))
  }

  @Test(arguments: [80, 100, 60]) func jobsFitTheTerminal(_ width: Int) {
    var long = Self.job(.running, progress: Self.training)
    long = Job(
      id: JobID(dataset: "chest-x-rays-2024", number: 123),
      request: .train(TrainRequest(dataset: "d", recipe: "pixel-model-28-attention", epsilon: 2.5)),
      dataset: "chest-x-rays-2024", created: long.created)
    long.state = .running
    long.progress = Self.training
    let lines = Jobs.lines(of: [long, Self.job(.paused)], width: width)
    #expect(lines.allSatisfy { $0.count <= max(width, 80) }, "\(lines)")
    let all = lines.joined(separator: " ")
    for word in ["chest-x-rays-2024-123", "pixel-model-28-attention", "30%", "paused"] {
      #expect(all.contains(word), "nothing is cut: \(word)")
    }
  }

  @Test func tablesGoOnBelowThemselvesWhereTheyAreTooWide() {
    var table = Table(["A", "B", "C"], droppable: [1])
    table.add(["x", "yyyyyyyyyyyyyyyyyyyy", "one two three four five six seven eight"])
    #expect(
      table.lines(width: 30) == ["A  C", "x  one two three four five six", "   seven eight"])
    #expect(table.lines(width: 200) == table.lines)
  }

  @Test func datasetsFitEightyColumns() {
    let budget = BudgetStatus(epsilonMaximum: 10, delta: 1e-5, epsilonSpent: 0.25, unit: .file)
    let dataset = DatasetStatus(
      name: "chest-x-rays", state: .scanning, watch: "inotify", usable: 60_000, rejected: 1234,
      duplicates: 5, budget: budget)
    let terminal = Console(isTerminal: true, hasColour: false, width: 80)
    let lines = Datasets.lines(of: [dataset], terminal)
    #expect(lines.allSatisfy { $0.count <= 80 }, "\(lines)")
    #expect(lines[1].contains("60,000"))
  }

  @Test func interruptingAFollowerSaysThatTheJobGoesOn() {
    let words = InterruptNotice.words(about: Self.id)
    for part in [
      "glyphs-7 continues in the daemon", "figment watch glyphs-7", "figment cancel glyphs-7",
      "figment pause glyphs-7",
    ] { #expect(words.contains(part)) }
  }

  @Test func datasetsInATable() {
    let budget = BudgetStatus(epsilonMaximum: 10, delta: 1e-5, epsilonSpent: 0.25, unit: .file)
    let dataset = DatasetStatus(
      name: "glyphs", state: .offline, watch: "poll", remark: "not mounted", usable: 12,
      rejected: 1, budget: budget)
    let lines = Datasets.lines(of: [dataset], Self.console)
    #expect(lines[1].hasPrefix("glyphs   offline  poll       12         1"))
    #expect(lines[1].hasSuffix("0.25  10"))
    #expect(lines[2] == "glyphs: not mounted")
    var odd = dataset
    odd.folderRemarks = ["train looks like a split"]
    #expect(Datasets.lines(of: [odd], Self.console)[3] == "glyphs: train looks like a split")
    let hidden = Datasets.lines(of: [dataset.withoutCounts], Self.console)
    #expect(
      hidden[1].split(separator: " ").map { String($0) } == [
        "glyphs", "offline", "poll", "-", "-", "-", "-", "-", "0.25", "10",
      ])
  }

  @Test func aJobBehindAnotherOneSaysWhatItWaitsFor() {
    var status = DaemonStatus(
      version: "1", process: 5, started: .distantPast, threads: 1, instructionSet: "avx2")
    var own = Job(
      id: JobID(dataset: "shoes", number: 2), request: Self.job(.queued).request, dataset: "shoes",
      created: .distantPast)
    own.state = .queued
    #expect(QueueNote.text(for: own, status) == nil)
    status.running = Self.job(.running)
    status.queued = 1
    #expect(
      QueueNote.text(for: own, status)
        == "shoes-2 waits for glyphs-7, which is running. 'figment jobs' lists them.")
    status.queued = 3
    #expect(
      QueueNote.text(for: own, status)
        == "shoes-2 waits for glyphs-7, which is running, and 2 more jobs are in the queue. 'figment jobs' lists them."
    )
    #expect(QueueNote.text(for: Self.job(.queued), status) == nil)
    // Whoever follows an ended job sees that it was queued once.
    own.state = .finished(.completed(JobResults()))
    #expect(QueueNote.text(for: own, status) == nil)
  }

  @Test func statesOfTheDaemon() {
    let idle = DaemonStatus(
      version: "1", process: 5, started: .distantPast, threads: 1, instructionSet: "avx2",
      remarks: ["disk full"])
    #expect(
      Status.lines(of: idle, Self.console) == [
        "figmentd 1, process 5, 1 thread, avx2", "idle", "note: disk full",
      ])
    var busy = idle
    busy.running = Self.job(.running, progress: Self.training)
    busy.queued = 2
    #expect(
      Status.lines(of: busy, Self.console)[1]
        == "running glyphs-7: \(ProgressLine.plain(Self.training)), 2 waiting")
  }

  @Test func ledgersAndTheirVerdicts() {
    let budget = BudgetStatus(epsilonMaximum: 10, delta: 1e-5, epsilonSpent: 2.5, unit: .file)
    var report = LedgerReport(
      dataset: "glyphs", budget: budget,
      entries: [
        LedgerEntry(number: 1, purpose: "glyphs-1", event: "gaussian", reserved: 64, used: 60),
        LedgerEntry(number: 2, purpose: "glyphs-1", event: "gaussian", reserved: 64),
      ], verified: true, head: "ab12")
    let lines = Ledger.lines(of: report)
    #expect(
      lines[1].split(separator: " ").map { String($0) } == [
        "1", "glyphs-1", "64", "60", "gaussian",
      ])
    #expect(lines[2].contains("all"), "what is not settled counts as used")
    #expect(
      lines[3]
        == "glyphs: verified, 2 records, epsilon 2.5 of 10 at delta 1e-5 spent, newest record ab12")
    #expect(lines[4].contains("announced and not settled") && lines[4].contains("count in full"))
    #expect(lines.count == 5)
    var many = report
    many.entries = (1...60).map {
      LedgerEntry(number: $0, purpose: "glyphs-1", event: "gaussian", reserved: 64, used: 60)
    }
    let grouped = Ledger.lines(of: many)
    #expect(grouped.count == 3, "records that are alike are one line, and all of them are settled")
    #expect(
      grouped[1].split(separator: " ").map { String($0) } == [
        "1-60", "glyphs-1", "3,840", "3,600", "gaussian",
      ])
    report.verified = false
    report.problem = "record 2 was changed"
    #expect(Ledger.verdict(on: report) == "glyphs: NOT VERIFIED: record 2 was changed")
  }

  @Test func eventsOfALog() {
    var plain = PlainProgress()
    let time = Date(timeIntervalSince1970: 1_700_000_000)
    func line(_ content: JobEvent.Content) -> String? {
      Logs.line(of: JobEvent(id: 1, job: Self.id, time: time, content: content), &plain)
    }
    #expect(line(.state(.running, secondsBefore: 1)) == "2023-11-14T22:13:20Z running")
    #expect(line(.note("hello")) == "2023-11-14T22:13:20Z hello")
    #expect(line(.progress(Self.training))?.hasSuffix("epsilon 0.832 of 2") ?? false)
    #expect(line(.progress(Self.training)) == nil)
  }

  @Test func colours() {
    #expect(Self.console.coloured("x", .red) == "x")
    let bright = Console(isTerminal: true, hasColour: true, width: 80)
    #expect(bright.coloured("x", .red) == "\u{1B}[31mx\u{1B}[0m")
  }
}

@Suite struct PlanRenderingTests {
  @Test func whatAPlanDecidedUnaskedIsTold() {
    var plan = PlanReport(
      dataset: "glyphs", recipe: "dp-gan-28", steps: 100, expectedBatch: 64, images: 10)
    plan.privacy = PlannedPrivacy(
      epsilon: 3, delta: 1e-5, noiseMultiplier: 1, samplingProbability: 0.1, clipNorm: 1,
      unit: .file, epsilonAfter: 10, epsilonMaximum: 10, statement: "In words.")
    #expect(Plan.lines(of: plan).last == "In words.")
    plan.privacy?.remark = "It takes what is left."
    #expect(Plan.lines(of: plan).suffix(3) == ["In words.", "", "It takes what is left."])
    plan.remark = "The folder is still being read."
    #expect(Plan.lines(of: plan).last == "The folder is still being read.")
    #expect(
      Plan.lines(of: plan).contains { $0.hasPrefix("images to write ") && $0.hasSuffix(" 10") })
    plan.usableImages = 1_190
    #expect(
      Plan.lines(of: plan).contains { $0.hasPrefix("images to use") && $0.hasSuffix(" 1,190") })
    plan.tooSmallImages = 22
    plan.folderRemarks = ["Class b has no image."]
    #expect(
      Plan.lines(of: plan).contains {
        $0.hasSuffix(" 1,190; another 22 are too small for the recipe")
      })
    #expect(Plan.lines(of: plan).last == "Class b has no image.")
    plan.freeSteps = 2000
    plan.phases = [PlannedPhase(name: "training", kind: "training", purpose: "steps", epsilon: 3)]
    let lines = Plan.lines(of: plan)
    #expect(
      lines.contains { $0.hasPrefix("steps") && $0.hasSuffix("100 on private images, 2,000 free") })
    #expect(lines.contains { $0.hasPrefix("EPSILON ALONE is what a phase would cost by itself.") })
    let narrow = Plan.lines(of: plan, width: 20)
    #expect(narrow.contains("It takes what is") && narrow.contains("left."))
  }
}

@Suite struct PreviewCommandTests {
  @Test func aSheetIsDescribedInWords() {
    var sheet = PreviewSheet(
      dataset: "scans", recipe: "pixel-28-private", height: 28, width: 28, channels: 1,
      classes: ["a", "b"], rowsPerClass: 3, classCount: 5, images: 1_072,
      missing: ["2 of 72: too small"], png: Data())
    #expect(
      Preview.lines(of: sheet, at: "x.png") == [
        "1,072 images of scans as recipe pixel-28-private transforms them (28x28 pixels, grey): x.png",
        "Classes from top to bottom: a, b. 3 more are not shown.", "Not shown, 2 of 72: too small",
        "The sheet shows real images. Do not share it.",
      ])
    sheet.levels = 2
    #expect(Preview.lines(of: sheet, at: "x.png")[0].contains("(28x28 pixels, grey, 2 levels)"))
    sheet.recipe = nil
    #expect(Preview.lines(of: sheet, at: "x.png")[0].contains("in a common form"))
  }

  @Test func filesWithRealImagesAreForTheirOwnerAlone() throws {
    var template = Array("/tmp/figment-test-XXXXXX".utf8CString)
    let folder = try #require(mkdtemp(&template).map { String(cString: $0) })
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let path = folder + "/sheet.png"
    try Data("older".utf8).write(to: URL(filePath: path))
    chmod(path, 0o644)
    try PrivateFile.write(Data("newer".utf8), to: path)
    var status = stat()
    #expect(stat(path, &status) == 0 && status.st_mode & 0o777 == 0o600)
    #expect(try Data(contentsOf: URL(filePath: path)) == Data("newer".utf8))
    #expect(throws: ControlError.self) {
      try PrivateFile.write(Data(), to: folder + "/none/sheet.png")
    }
    // A sheet never replaces a photo of that name, or a device.
    #expect(throws: ControlError.self) {
      try PrivateFile.write(Data("sheet".utf8), to: path, inPlaceOfFilesWith: "MARK")
    }
    #expect(throws: ControlError.self) { try PrivateFile.write(Data(), to: "/dev/null") }
    #expect(try Data(contentsOf: URL(filePath: path)) == Data("newer".utf8))
    try PrivateFile.write(Data("one MARK".utf8), to: path)
    try PrivateFile.write(Data("two MARK".utf8), to: path, inPlaceOfFilesWith: "MARK")
    #expect(try Data(contentsOf: URL(filePath: path)) == Data("two MARK".utf8))
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["sheet.png"])
  }
}

@Suite struct SocketLocationTests {
  private func find(
    _ given: String?, _ environment: [String: String], user: UInt32 = 1000,
    existing: Set<String> = []
  ) -> String {
    SocketLocation.find(
      given: given, user: user, environment: { environment[$0] }, exists: { existing.contains($0) })
  }

  @Test func theNearestWordCounts() {
    let own = "/run/user/1/figment/control.sock"
    let environment = ["FIGMENT_SOCKET": "/b", "XDG_RUNTIME_DIR": "/run/user/1"]
    #expect(find("/a", environment, existing: [own]) == "/a")
    #expect(find(nil, environment, existing: [own]) == "/b")
    #expect(find(nil, ["XDG_RUNTIME_DIR": "/run/user/1"], existing: [own]) == own)
    #expect(find(nil, ["XDG_RUNTIME_DIR": "/run/user/1"]) == "/run/figment/control.sock")
    #expect(find(nil, ["FIGMENT_SOCKET": ""]) == "/run/figment/control.sock")
    let fallback = "/tmp/figment-1000/figment/control.sock"
    #expect(find(nil, [:], existing: [fallback]) == fallback, "under su or cron")
    #expect(find(nil, [:], user: 0, existing: [fallback]) == "/run/figment/control.sock")
  }
}

@Suite struct LineBufferTests {
  @Test func linesAreWholeHoweverTheyArrive() {
    let text = Data("one\n\ntwo\nthree".utf8)
    for size in 1...text.count {
      var buffer = LineBuffer()
      var lines: [String] = []
      var rest = text[...]
      while !rest.isEmpty {
        lines += buffer.append(rest.prefix(size)).map { String(decoding: $0, as: UTF8.self) }
        rest = rest.dropFirst(size)
      }
      #expect(lines == ["one", "", "two"])
      #expect(buffer.append(Data("\n".utf8)) == [Data("three".utf8)])
    }
  }
}

@Suite struct CommandLineTests {
  @Test(arguments: [
    ["status"], ["datasets", "--json"], ["rescan", "glyphs"],
    ["files", "glyphs", "--verdict", "rejected"], ["recipes", "-q"],
    ["plan", "glyphs", "--recipe", "dp-gan-28", "--epsilon", "10", "--delta", "1e-5"],
    ["plan", "glyphs", "--epsilon", "10"],
    ["recommend", "glyphs", "--epsilon", "3", "--hours", "0.5", "--json"],
    ["train", "glyphs", "--recipe", "r", "--non-private", "--steps", "5", "--watch"],
    ["jobs", "--state", "failed"], ["show", "glyphs-7"], ["watch"], ["watch", "glyphs-7"],
    ["logs", "glyphs-7", "-f"], ["pause", "glyphs-7"], ["resume", "glyphs-7"],
    ["cancel", "glyphs-7"], ["generate", "glyphs-7", "--count", "5", "--per-class"],
    ["generate", "glyphs-7", "--class-counts", "a=5,b=1", "--temperature", "0.9"],
    ["ledger"], ["ledger", "glyphs"], ["ledger", "verify"], ["ledger", "verify", "glyphs"],
    ["config", "check", "--config", "/x.yaml"], ["version"],
    ["status", "--socket", "/x", "--no-color"],
    ["--socket", "/x", "status"], ["--json", "--socket=/x", "ledger", "verify", "glyphs"],
    ["--no-color", "train", "glyphs", "--recipe", "r"],
    ["--socket", "/x", "--json", "config", "check"],
    ["--json", "privacy", "audit"],
  ]) func everyVerbParses(_ arguments: [String]) {
    #expect(throws: Never.self) {
      let moved = GlobalArguments.moved(arguments)
      try Figment.words.check(moved, of: "figment")
      _ = try Figment.parseAsRoot(moved)
    }
  }

  /// Every verb accepts the daemon's options before its name, and prints JSON.
  @Test func everyVerbHasTheGlobalOptions() throws {
    let needed: [String: [String]] = [
      "rescan": ["d"], "files": ["d"], "rows": ["d"], "preview": ["d"], "plan": ["d"],
      "recommend": ["d"],
      "train": ["d", "--recipe", "r"], "show": ["d-1"], "logs": ["d-1"], "pause": ["d-1"],
      "resume": ["d-1"], "cancel": ["d-1"], "remove": ["d-1"], "generate": ["d-1", "--count", "1"],
      "evaluate": ["d-1"], "report": ["d-1"], "config": ["check"], "privacy": ["audit"],
    ]
    for verb in Figment.words.commands.keys.sorted() {
      let arguments = ["--socket", "/x", "--json", verb] + needed[verb, default: []]
      #expect(throws: Never.self, "\(verb)") {
        try Figment.parseAsRoot(GlobalArguments.moved(arguments))
      }
    }
  }

  @Test func optionsBeforeTheVerbReachIt() throws {
    let command = try Figment.parseAsRoot(
      GlobalArguments.moved(["--socket", "/x", "--json", "jobs", "--state", "failed"]))
    let jobs = try #require(command as? Jobs)
    #expect(jobs.global.socket == "/x" && jobs.global.json && jobs.state == "failed")
    #expect(GlobalArguments.moved(["--help"]) == ["--help"])
    #expect(GlobalArguments.moved(["--socket"]) == ["--socket"])
  }

  @Test(
    arguments: [
      (["--epsilon", "-1"], -1.0, nil), (["--epsilon=-1"], -1, nil), (["--count", "-5"], nil, -5),
    ] as [([String], Double?, Int?)])
  func negativeNumbersReachTheCheckThatNamesTheRange(
    _ options: [String], _ epsilon: Double?, _ count: Int?
  ) throws {
    let command = try Figment.parseAsRoot(["train", "glyphs", "--recipe", "r"] + options)
    let request = try #require(command as? Train).request
    #expect(request.epsilon == epsilon && request.count == count)
    let error = #expect(throws: ControlError.self) { try request.validate() }
    #expect(error?.exitCode == .usage)
    #expect(
      error?.message.contains("expected") ?? false || error?.message.contains("above 0") ?? false)
  }

  @Test func aMisspeltVerbGetsASuggestion() {
    let error = #expect(throws: ControlError.self) {
      try Figment.words.check(["staus"], of: "figment")
    }
    #expect(error == .invalid("command 'figment staus': unknown. Did you mean 'figment status'?"))
  }

  @Test(arguments: [
    ["staus"], ["train", "glyphs"], ["train", "--recipe", "r"], ["generate", "glyphs-7"],
    ["generate", "glyphs-7", "--count", "5", "--class-counts", "a=5"],
    ["generate", "glyphs-7", "--class-counts", "a=5", "--per-class"],
    ["train", "glyphs", "--recipe", "r", "--epsilom", "1"], ["show"],
    ["train", "glyphs", "--recipe", "r", "--epsilon", "ten"],
  ]) func misspeltCommandsAreUsageErrors(_ arguments: [String]) {
    do {
      _ = try Figment.parseAsRoot(arguments)
      Issue.record("\(arguments) parsed")
    } catch {
      #expect(Figment.exitCode(for: error).rawValue == 64)
    }
  }

  @Test func theRequestOfATrainCommand() throws {
    let command = try Figment.parseAsRoot([
      "train", "glyphs", "--recipe", "dp-gan-28", "--epsilon", "10", "--delta", "1e-5",
      "--count", "50", "--seed", "3",
    ])
    let train = try #require(command as? Train)
    #expect(
      try train.request
        == TrainRequest(
          dataset: "glyphs", recipe: "dp-gan-28", epsilon: 10, delta: 1e-5, count: 50, seed: 3))
  }

  @Test(arguments: ["bash", "zsh", "fish"]) func shellsCanComplete(_ shell: String) throws {
    do {
      _ = try Figment.parseAsRoot(["--generate-completion-script", shell])
      Issue.record("no script")
    } catch {
      #expect(Figment.fullMessage(for: error).contains("rescan"))
    }
  }
}
