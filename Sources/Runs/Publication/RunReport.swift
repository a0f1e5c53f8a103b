package import Compute
import Control
package import Evaluation
import Models
package import Privacy

/// The report about a run, from its plan, its statement and its curves.
package struct RunReport {
  /// The run's plan.
  let plan: ResolvedPlan
  /// Its guarantee; nil without privacy.
  let statement: PrivacyStatement?
  /// Its curves.
  let curves: TrainingCurves
  /// Synthetic images at several steps of the training.
  let previews: [ProgressSheet]
  /// The findings about the previews; nil when there are too few.
  package let previewStudy: PreviewStudy?
  /// The answers that were paid for.
  let answers: PaidAnswers
  /// The command that makes the report again.
  let command: String
  /// The steps that were made on private images, if crashes cost some; nil for all planned ones.
  let steps: Int?
  /// What noise left of the images or rows, if that is little; known from the plan.
  let noiseWarning: String?

  /// Collects the records of a run from `internalFiles`.
  package init(
    _ plan: ResolvedPlan, _ statement: PrivacyStatement?, in internalFiles: String, command: String,
    steps: Int?, on machine: Machine
  ) throws {
    self.plan = plan
    self.statement = statement
    self.command = command
    self.steps = steps
    noiseWarning = try Self.noiseWarning(of: plan, statement, on: machine)
    answers = try PaidAnswers.saved(of: plan.phases, in: internalFiles)
    curves = try TrainingCurves(
      in: internalFiles, steps: plan.stepCount, family: plan.recipe.familyType,
      drawnBy: plan.recipe.drawingFamily)
    previews = try TrainingPreviews(in: internalFiles, plan).sheets()
    previewStudy = PreviewStudy(previews, on: machine)
  }

  private static func noiseWarning(
    of plan: ResolvedPlan, _ statement: PrivacyStatement?, on machine: Machine
  ) throws -> String? {
    guard plan.isProtected, let statement else { return nil }
    let model = try plan.recipe.makeModel(classes: plan.classes, seed: 0, on: machine)
    return plan.noise(
      parameterCount: model.privateParameterCount, units: statement.unit.plural
    ).warning
  }

  /// The report's data for some of the `total` images of the synthetic set.
  package func data(
    _ images: LabelledImages, total: Int, facts: [(name: String, value: String)] = []
  ) -> ReportData {
    let image = plan.recipe.image
    let synthetic = Releasable(images, .postProcessing)
    var data = ReportData(
      title: "\(total) synthetic \(plan.recipe.model.readsImages ? "images" : "rows")",
      subtitle: plan.recipe.model.readsImages
        ? "\(image.width)×\(image.height) pixels, \(plan.classes.count) classes, "
          + "recipe \(plan.recipe.name)"
        : "\(plan.recipe.columns.count) columns, recipe \(plan.recipe.name)",
      synthetic: synthetic,
      provenance: Provenance(
        command: command, commandNamesFolders: false, facts: planFacts + facts))
    if images.count < total, plan.recipe.model.readsImages {
      data.provenance.facts.append(("Images looked at", "every class's share of \(images.count)"))
    }
    data.guarantee = statement.map(guarantee)
    data.noiseWarning = noiseWarning.map { Releasable($0, .postProcessing) }
    data.paidAnswers = answers.tables
    data.progressSheets = Releasable(previews, .postProcessing)
    let drift = previewStudy?.drift
    data.trainingEnd = Releasable(
      TrainingEnd(
        drifts: drift?.values ?? [],
        balance: curves.watchedAtEnd.flatMap {
          plan.recipe.drawingFamily.balance(atEnd: $0.value)
        }),
      .postProcessing)
    let drifts = [drift].compactMap { $0 }
    if !plan.isProtected {
      // Without noise, no curve of a training may be released.
      data.freeSignals = curves.free
      data.privateSignals = curves.real.map { drifts + $0 }
    } else {
      data.freeSignals = curves.free.map { drifts + $0 }
      data.privateSignals = curves.real
    }
    return data
  }

  private var planFacts: [(name: String, value: String)] {
    var facts = [
      ("Recipe", plan.recipe.name), ("Family", plan.recipe.family),
      ("Steps", plan.stepsText(made: steps)),
      ("Seed", String(plan.seed)),
    ]
    if let loss = steps.flatMap(plan.lossSentence) { facts.append(("Lost steps", loss)) }
    if let remark = plan.recipe.model.releaseRemark { facts.append(("Origin", remark)) }
    if plan.recipe.model.readsImages, let main = plan.mainPlan {
      facts.append(("Expected images in a batch", String(main.batchSize)))
    }
    facts.append(("Software", "Figment \(Version.current)"))
    if let mechanism = plan.mechanism {
      facts += [
        ("Kind of noise", mechanism.noise.words),
        ("Noise, in clip norms", String(mechanism.noiseMultiplier)),
        ("Clip norm", String(mechanism.clipNorm)),
      ]
    }
    return facts
  }

  private func guarantee(_ statement: PrivacyStatement) -> Guarantee {
    let facts: [(name: String, value: String)] = [
      ("ε of this run alone", Decimals.epsilon(statement.runCost.epsilon)),
      ("Neighbouring data sets", statement.adjacency.words(for: statement.unit)),
      ("Sampling", statement.sampling), ("Bound claimed", statement.total.accountantInWords),
      ("Runs counted", statement.runs.joined(separator: ", ")),
    ]
    return Guarantee(
      epsilon: statement.total.epsilon, delta: statement.total.delta, unit: statement.unit.words,
      units: plan.population,
      statement: [
        statement.sentence, "Covered: \(statement.covered.joined(separator: "; ")).",
        "Not covered: \(statement.notCovered.joined(separator: "; ")).",
      ], facts: facts,
      phases: (statement.phases ?? []).map {
        Guarantee.Phase(name: $0.name, purpose: $0.purpose, cost: $0.cost)
      })
  }
}
