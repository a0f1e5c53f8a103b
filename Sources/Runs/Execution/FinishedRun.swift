import Control
import FoundationEssentials
import Glibc
import Models
import Privacy

/// What a finished run returns when it is started again: only results that its ledger confirms.
extension TrainingRun {
  /// The results of the run, if it is finished and its files exist; nil otherwise.
  ///
  /// - Throws: `ControlError` when they claim something that the ledger does not record.
  func finishedResults() throws -> JobResults? {
    guard let results = try ResultsFile.read(in: places.internalFiles, count: order.count) else {
      return nil
    }
    guard order.loss != .unlimited || results.epsilon != nil else { return results }
    let history = try history()
    guard let epsilon = results.epsilon, let delta = results.delta,
      history.releases.contains(where: {
        // Results of earlier versions do not contain the claim.
        $0.run == order.name && $0.delta == delta
          && $0.epsilon == results.totalEpsilon ?? $0.epsilon
      }),
      try epsilon >= history.cost(of: order.name, atDelta: delta).epsilon * (1 - 1e-9),
      try privateSteps(of: results) <= history.spent(by: order.name).total
    else {
      throw ControlError.failed(
        "\(ResultsFile.path(in: places.internalFiles)): the ledger of the images knows no release of run "
          + "\(order.name) at this privacy loss (a recorded one expected). The file was changed, or this is "
          + "another ledger. Restore them; figment ledger verify lists the releases.")
    }
    return results
  }

  /// Steps that a ledger was charged for; results of earlier versions count those that read no private image too.
  private func privateSteps(of results: JobResults) throws -> Int {
    let steps = results.steps ?? 0
    guard results.freeSteps == nil else { return steps }
    return try steps - (ResolvedPlan.saved(in: places.internalFiles)?.freeStepCount ?? 0)
  }

  /// Refuses to continue with the files of a run if a copy of them made a release elsewhere: two different
  /// sets would have the same name.
  func requireOwnReleases() throws {
    let made = try places.set(isProtected: true).recordedManifests()
    let released = try history().releases.filter { $0.run == order.name }.map(\.artefact)
    guard released.allSatisfy(made.contains) else {
      throw ControlError.conflict(
        "run \(order.name): its ledger records a release that these files did not make: they are a copy, or "
          + "older than it (\(places.internalFiles) as the run left it expected). Continue where the release was "
          + "made, or start a new run with another name.")
    }
  }
}
