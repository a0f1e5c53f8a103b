package import Compute
import Control
package import Evaluation
import Models
package import Privacy

/// The report about a run: what its design, its statement and its curves say.
package struct RunReport {
  /// What the run decided.
  let design: RunDesign
  /// Its guarantee; nil without privacy.
  let statement: PrivacyStatement?
  /// Its curves.
  let curves: TrainingCurves
  /// Synthetic images over time.
  let previews: [ProgressSheet]
  /// What they show of the training; nil when there are too few.
  package let previewStudy: PreviewStudy?
  /// How the report is made again.
  let command: String

  /// Gathers what `internalFiles` hold of a run.
  package init(
    _ design: RunDesign, _ statement: PrivacyStatement?, in internalFiles: String, command: String,
    on machine: Machine
  ) throws {
    self.design = design
    self.statement = statement
    self.command = command
    curves = try TrainingCurves(in: internalFiles, steps: design.plan.steps)
    previews = try TrainingPreviews(in: internalFiles, design).sheets()
    previewStudy = PreviewStudy(previews, on: machine)
  }

  /// The report's data about images of the synthetic set, of which there are `total`.
  package func data(
    _ images: LabelledImages, total: Int, facts: [(name: String, value: String)] = []
  ) -> ReportData {
    let image = design.recipe.image
    let synthetic = Releasable(images, .postProcessing)
    var data = ReportData(
      title: "\(total) synthetic images",
      subtitle: "\(image.width)×\(image.height) pixels, \(design.classes.count) classes, "
        + "recipe \(design.recipe.name)",
      synthetic: synthetic,
      provenance: Provenance(
        command: command, commandNamesFolders: false, facts: planFacts + facts))
    if images.count < total {
      data.provenance.facts.append(("Images looked at", "every class's share of \(images.count)"))
    }
    data.guarantee = statement.map(guarantee)
    data.progressSheets = Releasable(previews, .postProcessing)
    let drift = previewStudy?.drift
    data.trainingEnd = Releasable(
      TrainingEnd(drifts: drift?.values ?? [], fakeAccuracy: curves.fakeAccuracyAtEnd?.value),
      .postProcessing)
    let drifts = [drift].compactMap { $0 }
    if design.plan.mechanism == nil {
      // Without noise nothing of a training is free.
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
      ("Recipe", design.recipe.name), ("Family", design.recipe.family),
      ("Steps", String(design.plan.steps)),
      ("Expected images in a batch", String(design.plan.batchSize)),
      ("Software", "Figment \(Version.current)"),
    ]
    if let mechanism = design.plan.mechanism {
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
      ("Batches", statement.sampling), ("Bound claimed", statement.total.accountantInWords),
      ("Runs counted", statement.runs.joined(separator: ", ")),
    ]
    return Guarantee(
      epsilon: statement.total.epsilon, delta: statement.total.delta, unit: statement.unit.words,
      units: design.plan.population,
      statement: [
        statement.sentence, "Covered: \(statement.covered.joined(separator: "; ")).",
        "Not covered: \(statement.notCovered.joined(separator: "; ")).",
      ], facts: facts)
  }
}
