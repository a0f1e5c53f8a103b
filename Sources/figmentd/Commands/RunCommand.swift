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

/// One run in the foreground, for scripts and batch schedulers.
///
/// It uses the same ledger and writes the same files as a job of the daemon.
struct RunCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run",
    abstract: "Train on a folder of images and write a synthetic set, without a daemon.",
    discussion: """
      The folder of images contains a sub-folder for each class. The release is written to \
      OUTPUT/release/NAME; files that must not be shared are written to OUTPUT/internal/NAME.

      After an interruption (SIGTERM, SIGINT, SIGUSR1 or a crash), the same command continues from the \
      newest checkpoint. A signal stops the run at the next step, with a checkpoint and exit code 75; a \
      second signal ends it at once, with 128 plus its number. After the end, it prints the results again, or draws a new set if --count \
      differs. The state directory contains one ledger for each folder of images, which counts all \
      runs on that folder together.

      Exit codes: 0 success, 1 failure, 4 refused by the privacy budget, 5 not found, 64 usage error, 75 \
      stopped by a signal.
      """)

  @Option(help: ArgumentHelp("The folder of images.", valueName: "dir"), completion: .directory)
  var images: String

  @Option(help: "The recipe: a name, or the path of a YAML file.")
  var recipe: String

  @OptionGroup var options: RunOptions

  @Flag(help: "Allow a delta of 1 / number of images or more; the statement mentions it.")
  var allowLargeDelta = false

  @Option(
    help: ArgumentHelp(
      "Real images to hold out from training; the internal files get a curve of their likelihood.",
      valueName: "dir"), completion: .directory)
  var holdOut: String?

  @Option(
    help: ArgumentHelp(
      "Images that you declare public; recipes with 'prior: source: public' learn from them without noise.",
      valueName: "dir"), completion: .directory)
  var publicImages: String?

  @Option(
    help: ArgumentHelp(
      "A release whose model recipes with 'prior: source: release' start from.",
      valueName: "release"), completion: .directory)
  var startFrom: String?

  @Flag(help: "Stop when the likelihood of held-out images no longer rises; needs --non-private.")
  var stopEarly = false

  @Option(
    help: ArgumentHelp("The folder for the results.", valueName: "dir"), completion: .directory)
  var output: String

  @Option(help: "The run's name. (default: the recipe's)")
  var name: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Refuse this run if it would bring the total epsilon of all runs on this folder above this "
        + "limit. The limit is not stored: give it with every run. (default: 10000)"))
  var epsilonMaximum: Double?

  @Option(help: "The unit of privacy: file, or folder if each sub-folder is one person.")
  var unit = UnitOption.file

  @Option(
    parsing: .unconditional,
    help: "The maximum number of images to use of one person, with --unit folder.")
  var maximumPerUnit: Int?

  @Option(help: "The class names in order, separated by commas; public. (default: the sub-folders)")
  var classes: String?

  @Option(
    parsing: .unconditional,
    help: "The number of images, or of persons with --unit folder; public. (default: counted)")
  var population: Int?

  @Option(
    help: ArgumentHelp(
      "A YAML file that declares the columns of metadata.csv or metadata.jsonl, or of tables without images, with "
        + "their domains; public.", valueName: "file"),
    completion: .file(extensions: ["yaml"]))
  var columns: String?

  @Option(
    help: "The column that names the person of a row, in tables without images; with --unit folder."
  )
  var personColumn: String?

  @OptionGroup var levels: LevelOptions

  @Option(
    help: ArgumentHelp(
      "The folder of recipes. (default: \(Locations.ofThisProcess().recipes), else Models in the working "
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
    help: "Number of threads. (default: the processors that this process may use)")
  var threads: Int?

  @Flag(
    help: "Publish the result even if crashes cost more than a tenth of the planned steps.")
  var allowFewerSteps = false

  @Flag(help: "Print the results as JSON, and progress as JSON lines on standard error.")
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
        throw ValidationError(
          "--non-private and --\(option): both given (one expected). Drop one of them.")
      }
    } else {
      guard options.epsilon != nil else {
        throw ValidationError(
          "--epsilon: missing (a number above 0 expected). 1 to 10 is usual; "
            + "--non-private trains without it.")
      }
      guard options.delta != nil else {
        throw ValidationError(
          "--delta: missing (a number between 0 and 1 expected). Choose less than "
            + "1 / number of images, such as 1e-5.")
      }
    }
    do { try request.validateNumbers() } catch {
      // Requests write the names of options with underscores.
      let field = error.message.prefix { $0.isLetter || $0 == "_" }
      throw ValidationError(
        "--" + field.replacing("_", with: "-") + error.message.dropFirst(field.count))
    }
    if stopEarly {
      guard holdOut != nil else {
        throw ValidationError(
          "--stop-early: --hold-out is missing. Add --hold-out with a folder of images.")
      }
      guard options.nonPrivate else {
        throw ValidationError(
          "--stop-early: --non-private is missing. The length of a private run must not depend on "
            + "held-out images, because no budget covers them. Drop --stop-early; the run still writes "
            + "the curve.")
      }
    }
    try validateRules()
    for (option, path) in [("images", images), ("output", output), ("recipe", recipe)]
    where path.isEmpty {
      throw ValidationError("--\(option): empty (a path or name expected).")
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
        "--maximum-per-unit: the unit is a file (--unit folder expected). Drop it, or add --unit folder."
      )
    }
    if personColumn != nil, unit == .file {
      throw ValidationError(
        "--person-column: the unit is a file (--unit folder expected). Drop it, or add --unit folder."
      )
    }
    if let personColumn {
      do { try ColumnDomain.check(personColumn: personColumn) } catch {
        throw ValidationError("--person-column: \(error.description)")
      }
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
      unless: stop, tell: { meter.say("a disk is full: the run waits for free space") })
    let stateFolder = try WorkingFolder.absolute(state ?? locations.state)
    try StateDirectory.requireOwn(stateFolder)
    let results = try WorkingFolder.absolute(output)
    let internalFiles = internalFiles(results, order.recipe)
    let (ledgers, marks) = (stateFolder + "/ledgers", stateFolder + "/ledger-marks")
    if let plan = try ResolvedPlan.saved(in: internalFiles) {
      try plan.requireAgreement(with: order, at: internalFiles)
    } else {
      try requireClasses(order)
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
    let made = MadeFolders(for: internalFiles)
    defer {
      RunName.forgetUnused(in: internalFiles)
      made.removeEmpty()
    }
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
      let isSaved = try CheckpointFolder(path: places.checkpoints).hasFiles()
      throw ControlError.interrupted(
        isSaved
          ? "stopped: a checkpoint was written. Run the same command again to continue from it."
          : "stopped before the first step: nothing was spent. Run the same command again.")
    }
  }

  private func order(_ locations: Locations) throws -> RunOrder {
    let place = try RecipePlace(self.recipe, recipes: recipes, locations)
    let recipe = place.recipe
    try RunName.check(name ?? recipe.name)
    let output = try WorkingFolder.absolute(output)
    let root = try WorkingFolder.absolute(images)
    guard !WorkingFolder.overlap(root, output) else {
      throw ControlError.invalid(
        "--output \(self.output) and --images \(images): one contains the other (separate folders "
          + "expected). The next run would train on synthetic images as if they were real. Choose "
          + "another output.")
    }
    if holdOut != nil, !(recipe.drawingFamily is any LikelihoodModel.Type) {
      throw ControlError.invalid(
        "--hold-out: models of family \(recipe.family) have no likelihood (one of the families "
          + "\(Families.withLikelihood.joined(separator: ", ")) expected). Drop it.")
    }
    guard columns == nil || recipe.model.readsColumns else {
      throw ControlError.invalid(
        "--columns: recipe \(recipe.name) learns no columns (a recipe that reads a table, such as bayes-net-correlated "
          + "or bayes-net-and-pixel-28, expected). Drop it, or name another recipe.")
    }
    let publicImages = try publicFolder(for: recipe)
    let delta = options.delta ?? 1e-5
    return try RunOrder(
      request, recipe: recipe,
      named: RunName.ofRun(
        name ?? recipe.name, at: output, in: internalFiles(output, recipe)),
      root: root, rules: try rules(),
      settle: RunOrder.usualSettle, population: population,
      permission: .granted(byFlag: options.nonPrivate),
      budget: try PrivacyBudget(
        epsilon: epsilonMaximum ?? RootLedger.unlimitedEpsilon, delta: delta),
      allowsLargeDelta: allowLargeDelta, holdOut: try holdOut.map(WorkingFolder.absolute),
      publicImages: publicImages, startFrom: try release(for: recipe),
      recipes: place.folder, stopsEarly: stopEarly,
      command: command)
  }

  /// The release to start from; one that the recipe does not use is refused.
  private func release(for recipe: Recipe) throws -> String? {
    guard let startFrom else { return nil }
    guard recipe.model.startsFromRelease else {
      throw ControlError.invalid(
        "--start-from: recipe \(recipe.name) does not start from a released model (a recipe with 'prior: source: "
          + "release' expected). Drop it, or name another recipe.")
    }
    return try WorkingFolder.absolute(startFrom)
  }

  /// The folder of public images; one that the recipe does not use is refused.
  private func publicFolder(for recipe: Recipe) throws -> String? {
    guard let publicImages else { return nil }
    guard recipe.model.usesPublicImages else {
      throw ControlError.invalid(
        "--public-images: recipe \(recipe.name) does not learn from public images (a recipe with 'prior: source: "
          + "public' expected). Drop it, or name another recipe.")
    }
    let folder = try WorkingFolder.absolute(publicImages)
    let others =
      [("--images", images), ("--output", output)]
      + (holdOut.map { [("--hold-out", $0)] } ?? [])
    for (option, other) in others
    where WorkingFolder.overlap(folder, try WorkingFolder.absolute(other)) {
      throw ControlError.invalid(
        "--public-images \(publicImages) and \(option) \(other): one contains the other (separate folders "
          + "expected). Public images are learnt from without protection. Move one of them.")
    }
    return folder
  }

  /// What the options declare about the images.
  private func rules() throws -> DatasetRules {
    DatasetRules(
      classes: classes?.split(separator: ",").map { String($0) },
      privacyUnit: unit == .file ? .file : .folder, maximumPerUnit: maximumPerUnit,
      whiteLevel: levels.whiteLevel, colour: levels.transformColour,
      columns: try columns.map(ColumnsFile.read) ?? [], personColumn: personColumn)
  }

  /// Refuses a class of which there is no folder: it is misspelt, and would get images of nothing.
  private func requireClasses(_ order: RunOrder) throws {
    let (missing, folders) = try order.rules.classesWithoutFolder(in: order.root)
    guard let name = missing.first else { return }
    let near = Spelling.nearest(to: name, among: folders).map { "Did you mean '\($0)'? " } ?? ""
    let known = folders.prefix(20).joined(separator: ", ")
    throw ControlError.invalid(
      "--classes: '\(name)': \(images) has no folder of that name (one for each class expected). \(near)"
        + (known.isEmpty ? "It has no folders." : "It has: \(known).")
        + " An empty folder declares a class without images.")
  }

  /// The run that the options request.
  private var request: TrainRequest {
    var request = options.request(
      dataset: images.split(separator: "/").last.map(String.init) ?? "images", recipe: recipe)
    request.allowFewerSteps = allowFewerSteps ? true : nil
    return request
  }

  private func internalFiles(_ output: String, _ recipe: Recipe) -> String {
    "\(output)/internal/\(name ?? recipe.name)"
  }

  /// The command line for reports.
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
    command.add(path: "columns", "COLUMNS.yaml", isGiven: columns != nil)
    command.add("person-column", personColumn)
    command.add(path: "hold-out", "HOLD-OUT", isGiven: holdOut != nil)
    command.add(path: "public-images", "PUBLIC", isGiven: publicImages != nil)
    command.add(path: "start-from", "RELEASE", isGiven: startFrom != nil)
    command.add(flag: "stop-early", stopEarly)
    command.add("count", options.count)
    command.add("steps", options.steps)
    command.add("batch-size", options.batchSize)
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
}
