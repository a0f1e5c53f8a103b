import Control
import FoundationEssentials
import Glibc
import Models
import Privacy

/// What a run that is finished already may answer with: only what its ledger says too.
extension TrainingRun {
  /// The results of the run, if it is finished and its files are there; nil otherwise.
  ///
  /// - Throws: `ControlError` when they claim something that the ledger does not know.
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
          + "\(order.name) at this privacy loss (one that it noted expected). The file was changed, or the "
          + "ledger is another. Restore them; figment ledger verify lists what was released.")
    }
    return results
  }

  /// Steps that a ledger was charged for; results of earlier versions count those that read no private image too.
  private func privateSteps(of results: JobResults) throws -> Int {
    let steps = results.steps ?? 0
    guard results.freeSteps == nil else { return steps }
    return try steps - (ResolvedPlan.saved(in: places.internalFiles)?.freeStepCount ?? 0)
  }

  /// Refuses to go on with files of a run of which a copy made a release elsewhere: two different sets
  /// would bear one name.
  func requireOwnReleases() throws {
    let made = try places.set(isProtected: true).recordedManifests()
    let released = try history().releases.filter { $0.run == order.name }.map(\.artefact)
    guard released.allSatisfy(made.contains) else {
      throw ControlError.conflict(
        "run \(order.name): its ledger notes a release that these files did not make: they are a copy, or "
          + "older than it (\(places.internalFiles) as the run left it expected). Go on where the release was "
          + "made, or start a new run of another name.")
    }
  }
}
