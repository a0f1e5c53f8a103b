import ArgumentParser
import CommandLineOptions
import Compute
import Control
import Datasets
import FoundationEssentials
import Glibc
import Models
import Privacy
import Runs

/// One run in the foreground, for scripts and batch schedulers: the same ledger and the same files
/// as a job of the daemon.
struct RunCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run",
    abstract: "Train on a folder of images and write a synthetic set, without a daemon.",
    discussion: """
      Images lie in a sub-folder for each class. Results appear in OUTPUT/release/NAME, everything
      that must not be shared in OUTPUT/internal/NAME. Called again after an interruption (SIGTERM,
      SIGINT, SIGUSR1 or a crash), it goes on from the newest checkpoint; called again after the end,
      it tells the results, or draws anew if --count differs. The ledger belongs to the folder of
      images and lies in the state directory: all runs on a folder are counted together.
      """)

  @Option(help: ArgumentHelp("The folder of images.", valueName: "dir"), completion: .directory)
  var images: String

  @Option(help: "The recipe: a name, or a path of a YAML file.")
  var recipe: String

  @OptionGroup var options: RunOptions

  @Flag(help: "Allow a delta that is not below 1 / images; the statement says so.")
  var allowLargeDelta = false

  @Option(
    help: ArgumentHelp(
      "Real images that are never trained on, for a curve of how likely they are; it stays inside.",
      valueName: "dir"), completion: .directory)
  var holdOut: String?

  @Flag(help: "End when held-out images become no likelier; with --non-private alone.")
  var stopEarly = false

  @Option(help: ArgumentHelp("Where results appear.", valueName: "dir"), completion: .directory)
  var output: String

  @Option(help: "The run's name. (default: the recipe's)")
  var name: String?

  @Option(
    parsing: .unconditional,
    help: "The most that all runs on this folder may spend together. (default: 10000)")
  var epsilonMaximum: Double?

  @Option(help: "Who is protected: file, or folder for one person with several files.")
  var unit = UnitOption.file

  @Option(
    parsing: .unconditional,
    help: "The most images of one person that are used, with --unit folder.")
  var maximumPerUnit: Int?

  @Option(help: "Class names in order, separated by commas; public. (default: the sub-folders)")
  var classes: String?

  @Option(
    parsing: .unconditional,
    help: "The number of images, or of persons with --unit folder; public. (default: as found)")
  var population: Int?

  @OptionGroup var levels: LevelOptions

  @Option(
    help: ArgumentHelp(
      "The folder of recipes. (default: \(Locations.ofThisProcess().recipes), or Models in the working "
        + "folder)",
      valueName: "dir"), completion: .directory)
  var recipes: String?

  @Option(
    help: ArgumentHelp(
      "The folder of ledgers and locks. (default: \(Locations.ofThisProcess().state))",
      valueName: "dir"),
    completion: .directory)
  var state: String?

  @Option(
    parsing: .unconditional,
    help: "Threads to compute with. (default: the processors that are granted)")
  var threads: Int?

  @Flag(
    help: "Publish what was trained even if crashes cost more than a tenth of the planned steps.")
  var allowFewerSteps = false

  @Flag(help: "Print the results as JSON; progress is JSON lines on standard error.")
  var json = false

  enum UnitOption: String, ExpressibleByArgument, CaseIterable { case file, folder }

  func validate() throws {
    if options.nonPrivate {
      let meaningless = [
        ("epsilon", options.epsilon != nil), ("delta", options.delta != nil),
        ("epsilon-maximum", epsilonMaximum != nil), ("answer", !request.allAnswers.isEmpty),
        ("hardened", options.hardened), ("allow-large-delta", allowLargeDelta),
      ]
      if let option = meaningless.first(where: \.1)?.0 {
        throw ValidationError("--non-private: --\(option) is given too. Drop one of them.")
      }
    } else {
      guard options.epsilon != nil else {
        throw ValidationError(
          "--epsilon: a number above 0 is needed (1 to 10 are usual), or --non-private.")
      }
      guard options.delta != nil else {
        throw ValidationError(
          "--delta: a number between 0 and 1 is needed; take less than 1 / images, such as 1e-5.")
      }
    }
    do { try request.validateNumbers() } catch { throw ValidationError("--\(error.message)") }
    if stopEarly {
      guard holdOut != nil else {
        throw ValidationError("--stop-early: no --hold-out is given. Name a folder of images.")
      }
      guard options.nonPrivate else {
        throw ValidationError(
          "--stop-early: the length of a private run must not depend on held-out images, which "
            + "nobody pays for. Drop it: the curve is drawn all the same.")
      }
    }
    try validateRules()
    for (option, path) in [("images", images), ("output", output), ("recipe", recipe)]
    where path.isEmpty {
      throw ValidationError("--\(option): an empty text given (a path or name expected).")
    }
    if let population, population < 1 {
      throw ValidationError("--population: \(population) given (1 or more expected).")
    }
    if let threads, !ThreadOptions.range.contains(threads) {
      throw ValidationError(
        "--threads: \(threads) given (1 to \(ThreadOptions.range.upperBound) expected).")
    }
  }

  private func validateRules() throws {
    if maximumPerUnit != nil, unit == .file {
      throw ValidationError(
        "--maximum-per-unit: the unit is a file. Drop it, or give --unit folder.")
    }
    if let names = classes?.split(separator: ",", omittingEmptySubsequences: false) {
      do { _ = try ClassNames.folders(names.map(String.init)) } catch {
        throw ValidationError("--classes: \(error.description)")
      }
    }
    if let epsilonMaximum, !(epsilonMaximum > 0 && epsilonMaximum.isFinite) {
      throw ValidationError(
        "--epsilon-maximum: \(epsilonMaximum) given (a number above 0 expected).")
    }
  }

  func run() throws {
    let meter = RunMeter(json: json)
    do {
      try ControlError.translating { try train(meter) }
    } catch {
      meter.fail(error)
      throw ArgumentParser.ExitCode(error.exitCode.rawValue)
    }
  }

  private func train(_ meter: RunMeter) throws {
    let locations = Locations.ofThisProcess()
    let order = try order(locations)
    let rights = ReleaseRights.ofCaller()
    let stop = StopSignal()
    try StopSignals.raise(stop)
    defer { RoomPatience.ofThisProcess.endWaiting() }
    RoomPatience.ofThisProcess.wait(
      unless: stop, tell: { meter.say("no room on a disk: the run waits until there is some") })
    let stateFolder = try WorkingFolder.absolute(state ?? locations.state)
    try StateDirectory.requireOwn(stateFolder)
    let results = try WorkingFolder.absolute(output)
    let internalFiles = internalFiles(results, order.recipe)
    let (ledgers, marks) = (stateFolder + "/ledgers", stateFolder + "/ledger-marks")
    if let plan = try ResolvedPlan.saved(in: internalFiles) {
      try plan.requireAgreement(with: order, at: internalFiles)
    } else {
      try order.requirePossible(units: nil) {
        try RootLedger.history(
          root: order.root, dataset: order.dataset, unit: order.unit, ledgers: ledgers,
          marks: marks)
      }
    }
    let places = RunPlaces(
      internalFiles: internalFiles, checkpoints: internalFiles + "/checkpoints",
      release: "\(results)/release/\(name ?? order.recipe.name)",
      unprotected: internalFiles + "/samples", ledgers: ledgers, ledgerMarks: marks, rights: rights)
    try places.set(isProtected: !options.nonPrivate).requireFree()
    try rights.makeFolder(results)
    try RunName.keep(order.name, in: internalFiles)
    let run = TrainingRun(
      order, at: places,
      on: Machine(threadCount: threads ?? Processors.granted), stop: stop,
      makeDecoder: { DecoderProcess() }, report: { meter.show($0) })
    run.tellOwner = { meter.say($0) }
    switch try run.run() {
    case .finished(let outcome): try meter.finish(outcome)
    case .stopped:
      throw ControlError.failed(
        "stopped: a checkpoint is written. The same command continues from it.")
    }
  }

  private func order(_ locations: Locations) throws -> RunOrder {
    let recipe = try findRecipe(locations)
    try RunName.check(name ?? recipe.name)
    let output = try WorkingFolder.absolute(output)
    let root = try WorkingFolder.absolute(images)
    guard !WorkingFolder.overlap(root, output) else {
      throw ControlError.invalid(
        "--output \(self.output) and --images \(images) lie in one another (apart expected): the next "
          + "run would learn from synthetic images as if they were real. Choose another output.")
    }
    if holdOut != nil, !(recipe.familyType is any LikelihoodModel.Type) {
      throw ControlError.invalid(
        "--hold-out: models of family \(recipe.family) have no likelihood, of which a curve could "
          + "be drawn. Drop it.")
    }
    let delta = options.delta ?? 1e-5
    return try RunOrder(
      request, recipe: recipe,
      named: RunName.ofRun(
        name ?? recipe.name, at: output, in: internalFiles(output, recipe)),
      root: root,
      rules: DatasetRules(
        classes: classes?.split(separator: ",").map { String($0) },
        privacyUnit: unit == .file ? .file : .folder, maximumPerUnit: maximumPerUnit,
        whiteLevel: levels.whiteLevel, colour: levels.transformColour),
      settle: RunOrder.usualSettle, population: population,
      permission: .granted(byFlag: options.nonPrivate),
      budget: try PrivacyBudget(
        epsilon: epsilonMaximum ?? RootLedger.unlimitedEpsilon, delta: delta),
      allowsLargeDelta: allowLargeDelta, holdOut: try holdOut.map(WorkingFolder.absolute),
      stopsEarly: stopEarly, command: command)
  }

  /// The run that the options ask for.
  private var request: TrainRequest {
    var request = options.request(
      dataset: images.split(separator: "/").last.map(String.init) ?? "images", recipe: recipe)
    request.allowFewerSteps = allowFewerSteps ? true : nil
    return request
  }

  private func internalFiles(_ output: String, _ recipe: Recipe) -> String {
    "\(output)/internal/\(name ?? recipe.name)"
  }

  /// The command as reports quote it.
  private var command: String {
    var command = CommandText("figmentd run")
    command.add(path: "images", "IMAGES")
    let isPath = recipe.contains("/")
    command.add(path: "recipe", "RECIPE.yaml", isGiven: isPath)
    command.add("recipe", isPath ? nil : recipe)
    command.add("epsilon", options.epsilon)
    command.add("delta", options.delta)
    command.add(flag: "allow-large-delta", allowLargeDelta)
    command.add(flag: "non-private", options.nonPrivate)
    command.add(flag: "hardened", options.hardened)
    command.add(answers: request.allAnswers)
    command.add(path: "hold-out", "HOLD-OUT", isGiven: holdOut != nil)
    command.add(flag: "stop-early", stopEarly)
    command.add("count", options.count)
    command.add("steps", options.steps)
    command.add("name", name)
    command.add("seed", options.seed)
    command.add("unit", unit == .file ? nil : unit.rawValue)
    command.add("maximum-per-unit", maximumPerUnit)
    command.add("classes", classes)
    command.add("population", population)
    command.add("white-level", levels.whiteLevel)
    command.add("colour", levels.colour == .convert ? nil : levels.colour.rawValue)
    command.add(path: "output", "OUTPUT")
    return command.text
  }

  private func findRecipe(_ locations: Locations) throws -> Recipe {
    if recipe.contains("/") || recipe.hasSuffix(".yaml") { return try RecipeLibrary.read(recipe) }
    let folders = recipes.map { [$0] } ?? [locations.recipes, "Models"] + locations.checkouts
    let folder = folders.first { access($0, R_OK) == 0 }
    return try RecipeLibrary(folder: folder ?? locations.recipes).recipe(named: recipe)
  }
}
