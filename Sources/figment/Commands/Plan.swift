import ArgumentParser
import CommandLineOptions
import Control
import Privacy

/// Reports the cost of a training job.
struct Plan: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Report what a training job would cost, without spending anything.",
    discussion: "Without --recipe, the recommended one is planned; 'figment recommend' says why.")

  @OptionGroup var options: TrainOptions
  @OptionGroup var global: GlobalOptions

  func run() async throws {
    try await global.run { client, console in
      let isRecommended = options.recipe == nil
      let plan = try await client.plan(request(client, console))
      if global.json {
        try console.json(plan)
      } else {
        Self.lines(of: plan, isRecommended: isRecommended, width: console.lineWidth)
          .forEach(console.line)
      }
      if let refusal = plan.refusal { throw ControlError.refusedByPolicy(refusal) }
    }
  }

  /// The request to plan: the options, with the recommended recipe if they name none.
  private func request(
    _ client: some ControlAPI, _ console: Console
  ) async throws -> TrainRequest {
    if let recipe = options.recipe { return options.request(with: recipe) }
    guard !options.run.nonPrivate else {
      throw ControlError.invalid(
        "--recipe: missing (the name of a recipe expected; only private training is recommended one). 'figment "
          + "recipes' lists them.")
    }
    let advice = try await Recommend.advice(
      on: RecommendRequest(
        dataset: options.dataset, epsilon: options.run.epsilon, delta: options.run.delta),
      from: client, console)
    return try options.request(following: advice)
  }

  /// Formats a plan as lines of at most `width` columns; nil for any width.
  ///
  /// - Parameter isRecommended: whether the recipe was chosen by advice.
  static func lines(
    of plan: PlanReport, isRecommended: Bool = false, width: Int? = nil
  ) -> [String] {
    let noun = plan.isTable == true ? "rows" : "images"
    var facts = [
      ("dataset", plan.dataset), ("recipe", plan.recipe + (isRecommended ? " (recommended)" : "")),
      ("steps", Self.steps(of: plan)),
      ("expected batch", Rounded.text(plan.expectedBatch)),
    ]
    if let usable = plan.usableImages {
      facts.insert(("\(noun) to use", Self.images(usable, plan)), at: 2)
    }
    if let privacy = plan.privacy {
      facts += [
        ("epsilon", "\(Rounded.bound(privacy.epsilon)) at delta \(Rounded.number(privacy.delta))"),
        ("meaning", GuaranteeStrength(epsilon: privacy.epsilon).words),
        ("unit", Self.unit(privacy.unit, isTable: plan.isTable == true)),
        ("noise multiplier", Rounded.text(privacy.noiseMultiplier)),
        ("sampling probability", Rounded.text(privacy.samplingProbability)),
        ("clip norm", Rounded.text(privacy.clipNorm)),
        (
          "spent afterwards",
          "\(Rounded.bound(privacy.epsilonAfter)) of \(Rounded.number(privacy.epsilonMaximum)), all runs composed"
        ),
      ]
    } else {
      facts.append(("privacy", "none: this job gives no guarantee"))
    }
    facts.append(("\(noun) to write", Rounded.count(plan.images)))
    if let seconds = plan.seconds { facts.append(("time", Rounded.duration(seconds))) }
    if let bytes = plan.memoryBytes { facts.append(("memory", Rounded.bytes(bytes))) }
    if let bytes = plan.diskBytes { facts.append(("disk, at most", Rounded.bytes(bytes))) }
    var table = Table(["PLAN", ""])
    for fact in facts { table.add([fact.0, fact.1]) }
    let phases = (plan.phases ?? []).isEmpty ? [] : [""] + phaseLines(of: plan, width: width)
    let statement = plan.privacy.map { ["", $0.statement] } ?? []
    let warning = plan.warning.map { "Warning: \($0)" }
    let remarks =
      [warning, plan.privacy?.remark, plan.remark].compactMap { $0 } + (plan.folderRemarks ?? [])
    return table.lines(width: width) + phases
      + (statement + remarks.flatMap { ["", $0] }).flatMap { line in
        width.map { Terminal.lines(line, width: $0) } ?? [line]
      }
  }
}

extension Plan {
  /// The unit of privacy in words.
  private static func unit(_ unit: Control.PrivacyUnit, isTable: Bool) -> String {
    switch unit {
    case .file: isTable ? "one row" : "one file"
    case .folder: isTable ? "all rows of one person" : "all files of one folder"
    }
  }

  /// The phases of the run, each with what it costs alone.
  private static func phaseLines(of plan: PlanReport, width: Int?) -> [String] {
    var table = Table(["PHASE", "KIND", "STEPS", "EPSILON ALONE", "NOISE"], droppable: [4])
    for phase in plan.phases ?? [] {
      table.add([
        phase.name, phase.kind, phase.steps.map { Rounded.count($0) } ?? "-",
        phase.epsilon.map { Rounded.bound($0) } ?? (phase.free == nil ? "-" : "costs nothing"),
        phase.noise ?? "-",
      ])
    }
    let note =
      "EPSILON ALONE is what a phase would cost by itself. Together the phases cost less than the sum: the "
      + "epsilon of the plan."
    return table.lines(width: width)
      + (plan.privacy == nil
        ? [] : width.map { Terminal.lines(note, width: $0) } ?? [note])
  }

  private static func steps(of plan: PlanReport) -> String {
    guard let free = plan.freeSteps else { return Rounded.count(plan.steps) }
    return "\(Rounded.count(plan.steps)) on private images, \(Rounded.count(free)) free"
  }

  private static func images(_ usable: Int, _ plan: PlanReport) -> String {
    guard let tooSmall = plan.tooSmallImages, tooSmall > 0 else { return Rounded.count(usable) }
    return
      "\(Rounded.count(usable)); another \(Rounded.count(tooSmall)) are too small for the recipe"
  }
}

/// Lists the recipes.
struct Recipes: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "List the recipes that a job may name.",
    discussion: "'figmentd recipe-reference' prints how to write one: every field and its values.")

  @OptionGroup var global: GlobalOptions

  @Flag(name: .shortAndLong, help: "Print names only.")
  var quiet = false

  func run() async throws {
    try await global.run { client, console in
      let recipes = try await client.recipes()
      if global.json { return try console.json(recipes) }
      if quiet { return recipes.forEach { console.line($0.name) } }
      var table = Table(["RECIPE", "FAMILY", "SIZE", "SUMMARY"], droppable: [1])
      for recipe in recipes {
        let size =
          recipe.height == 0
          ? "table" : "\(recipe.width)x\(recipe.height)x\(recipe.channels)"
        table.add([recipe.name, recipe.family, size, recipe.summary])
      }
      table.lines(width: console.lineWidth).forEach(console.line)
    }
  }
}
