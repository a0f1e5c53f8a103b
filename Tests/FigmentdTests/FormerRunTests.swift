import Compute
import Control
import FoundationEssentials
import Models
import Privacy
import Testing

@testable import Runs

/// A run of the version before phases is read as a plan of phases.
///
/// The files are those of `figmentd run` with both answers, stopped at step 1,888 of 4,000.
@Suite struct FormerRunTests {
  private let folder: String
  private let scratch = ScratchFolder()

  init() throws {
    let tests = #filePath.split(separator: "/").dropLast(2).joined(separator: "/")
    folder = scratch.path + "/run"
    try FileManager.default.copyItem(
      atPath: "/\(tests)/Golden/run-before-phases", toPath: folder)
  }

  @Test func itsDesignIsAPlanOfPhasesThatCostsTheSame() throws {
    let plan = try #require(try ResolvedPlan.saved(in: folder + "/internal"))
    #expect(plan.phases.map(\.name) == ["class counts", "training", "drawing", "score"])
    #expect(plan.phases.map(\.kind) == ["answer", "training", "free", "answer"])
    #expect(plan.population == 64 && plan.stepCount == 4000 && plan.isProtected)
    let history = try history()
    let announced = try #require(history.attempts.first?.plan)
    #expect(try EventTally(plan.event) == EventTally(announced.event))
    #expect(announced.phases == nil)
    try plan.requireAnnounced(
      by: announced, fingerprint: ResolvedPlan.fingerprint(in: folder + "/internal"),
      run: announced.run)
  }

  @Test func itsChargesBelongToItsPhases() throws {
    let history = try history()
    let run = try #require(history.attempts.first?.plan.run)
    let plan = try #require(try ResolvedPlan.saved(in: folder + "/internal"))
    let charged = try plan.phases.map { try history.spent(by: run, for: $0.name).total }
    #expect(charged == [1, 1888, 0, 0])
    let left = try EventTally(
      plan.phases.event(without: ["class counts": 1, "training": 1888]))
    #expect(left.total == 4000 - 1888 + 1)
    #expect(try !history.wouldBeAdaptive(left, of: run))
  }

  @Test func itsCheckpointLiesInItsOnlyTraining() throws {
    let plan = try #require(try ResolvedPlan.saved(in: folder + "/internal"))
    let saved = try #require(
      try CheckpointFolder(path: folder + "/internal/checkpoints").newest())
    #expect(saved.phase == nil && saved.step == 1888)
    let place = try RunPlace(saved.phase, step: saved.step, in: plan, of: "run")
    #expect(place.phase.name == "training" && place.stepInPhase == 1888)
    // It carries no checksum, as none did then, and its model is taken up.
    #expect(plan.format == 1 && saved.format == 1)
    let model = try plan.recipe.makeModel(
      classes: plan.classes, seed: plan.seed, on: Machine(threadCount: 1))
    try saved.restore(model, of: plan)
    #expect(throws: ControlError.self) {
      try RunPlace(nil, step: 4001, in: plan, of: "run")
    }
    #expect(throws: ControlError.self) {
      try RunPlace("pre-training", step: 0, in: plan, of: "run")
    }
  }

  @Test func itsAnswersKeepTheirFiles() throws {
    let answer = try #require(try ClassCountsAnswer.saved(in: folder + "/internal"))
    #expect(answer.value.counts.count == 8)
    // An answer under the name of that version is the same answer.
    let file = """
      {"accuracy": 0.5, "classifier": "cnn", "delta": 1e-05, "epsilon": 0.5, "images_per_unit": 1,
       "interval": {"high": 1, "low": 0, "method": "noise"}, "of": 60, "real_images": "those",
       "right": 30, "standard_deviation": 7.03, "synthetic_images": 12}
      """
    try DurableFile.write(Data(file.utf8), to: folder + "/internal/score.json")
    let saved = try SyntheticAccuracyAnswer.saved(in: folder + "/internal")
    #expect(saved?.value.right == 30)
    let plan = try #require(try ResolvedPlan.saved(in: folder + "/internal"))
    #expect(SyntheticAccuracyAnswer.phase(in: plan.phases)?.name == "score")
  }

  private func history() throws -> LedgerHistory {
    try LedgerFile.history(
      at: LedgerFile.Location(
        directory: folder + "/ledger", markDirectory: folder + "/mark"))
  }
}
