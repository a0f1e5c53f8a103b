import Compute
import Control
import Datasets
import FoundationEssentials
import Models
import Privacy
import Synchronization

/// What a run does before its first phase: it finds its plan and its images, or makes them.
extension TrainingRun {
  /// The plan and the frozen images of an earlier attempt, or new ones.
  func prepare() throws -> (ResolvedPlan, DatasetSnapshot) {
    let folder = places.internalFiles
    if let plan = try ResolvedPlan.saved(in: folder), try isUnderway(plan) {
      if plan.isProtected { try requireOwnReleases() }
      let images = try FrozenImages.open(named: plan.snapshot, in: folder, run: order.name)
      try plan.requireForm(of: images.snapshot, run: order.name)
      return (plan, images.snapshot)
    }
    guard try history().nextAttempt(of: order.name) == 1 else {
      throw ControlError.conflict(
        "run \(order.name): its ledger knows an earlier run of this name, whose files are gone. "
          + "Start a run with another name.")
    }
    try checkpoints.clear()
    try PaidAnswers.removeAll(in: folder)
    // Public images were compared with those that are frozen anew.
    PublicFolder.remove(from: folder)
    // Weights that cannot be used are refused before minutes of decoding.
    let starts = try starts()
    let snapshot = try whenThereIsRoom(
      for: "the frozen images", { JobProgress(phase: .scan, done: 0, total: 0) }, freeze)
    report(.progress(JobProgress(phase: .calibrate, done: 0, total: 1)))
    let (priced, remark) = try ResolvedPlan.resolve(
      order, classes: snapshot.snapshot.classes, units: snapshot.snapshot.unitCount,
      snapshot: snapshot.name, after: history())
    if let remark { note(remark) }
    let plan = priced.stating(starts)
    try plan.save(in: folder)
    return (plan, snapshot.snapshot)
  }

  /// Whether a saved plan belongs to a run that the ledger has recorded, or needs no ledger.
  ///
  /// A plan that was saved but never announced is not binding: nothing proves that it is unchanged, and
  /// nothing was done with it.
  private func isUnderway(_ plan: ResolvedPlan) throws -> Bool {
    if !plan.isProtected { return true }
    if try history().nextAttempt(of: order.name) > 1 { return true }
    guard let saved = try checkpoints.newest(), saved.step > 0
    else { return false }
    throw ControlError.failed(
      "run \(order.name): there is a checkpoint of \(saved.step) steps, and the ledger of the images "
        + "does not record this run (its announcement expected). The ledger was lost or moved. Restore it, "
        + "or start a new run.")
  }

  /// Reads the folder and packs what the recipe learns under a name that the run draws.
  private func freeze() throws -> FrozenImages {
    report(.progress(JobProgress(phase: .scan, done: 0, total: 0)))
    return order.recipe.model.readsImages ? try freezeImages() : try freezeTables()
  }

  /// Reads the tables of a folder without images.
  private func freezeTables() throws -> FrozenImages {
    let settled = SettledRoot(root: order.root, rules: order.rules, settle: order.settle)
    _ = try settled.listing(unless: stop)
    var builder = TableSnapshotBuilder(root: order.root, rules: order.rules)
    builder.isSettled = { settled.isSettled($1) }
    builder.isStopped = { [stop] in stop.isRaised }
    builder.onProgress = { [report] rows in
      report(.progress(JobProgress(phase: .decode, done: rows, total: 0)))
    }
    let found = Mutex<TableSummary?>(nil)
    builder.onSummary = { summary in found.withLock { $0 = summary } }
    defer { keep(found.withLock { $0 }) }
    return try FrozenImages.build(
      builder, named: conditions.drawSecret(), in: places.internalFiles)
  }

  /// Tells the owner what became of the rows, and keeps it beside the frozen images: it counts private rows.
  private func keep(_ summary: TableSummary?) {
    guard let summary else { return }
    tellOwner("\(summary)")
    if let missing = summary.missingText(order.rules.columns) { tellOwner(missing) }
    guard let data = try? ControlCoding.encodeForPeople(summary) else { return }
    try? DurableFile.write(data, to: places.internalFiles + "/table.json")
  }

  private func freezeImages() throws -> FrozenImages {
    let settled = SettledRoot(root: order.root, rules: order.rules, settle: order.settle)
    let listing = try settled.listing(unless: stop)
    var builder = SnapshotBuilder(
      root: order.root, rules: order.rules, transform: order.transform,
      threadCount: machine.threads.threadCount)
    builder.makeDecoder = makeDecoder
    builder.isSettled = { settled.isSettled($1) }
    builder.isStopped = { [stop] in stop.isRaised }
    builder.onProgress = { [report] progress in
      report(.progress(JobProgress(phase: .decode, done: progress.finished, total: progress.total)))
    }
    let folder = places.internalFiles
    let files = Mutex<[InspectedFile]>([])
    builder.onVerdicts = { found in files.withLock { $0 = found } }
    let table = Mutex<TableSummary?>(nil)
    builder.onAttributes = { summary in table.withLock { $0 = summary } }
    defer {
      tellOwnerOf(files.withLock { $0 }, builder.transform)
      keep(table.withLock { $0 })
    }
    do {
      let frozen = try FrozenImages.build(
        builder, of: listing, named: conditions.drawSecret(), in: folder)
      verdicts = frozen.files.countsByCode()
      try VerdictsFile.write(frozen.files, in: folder)
      return frozen.images
    } catch {
      // This includes folders without a usable file: the list names the reasons.
      let found = files.withLock { $0 }
      if !found.isEmpty { try? VerdictsFile.write(found, in: folder) }
      throw error
    }
  }

  /// Reports to the owner which files are used, and what is odd about the folder.
  private func tellOwnerOf(_ files: [InspectedFile], _ form: ImageTransform) {
    guard !files.isEmpty else { return }
    tellOwner("\(ImageSetSummary(of: files, classes: order.rules.classes)).")
    let remarks = FolderRemark.remarks(on: files, rules: order.rules, lookedAtWith: form)
    for remark in remarks { tellOwner("\(remark)") }
  }

  /// What all runs did to the root so far.
  func history() throws -> LedgerHistory {
    try RootLedger.history(
      root: order.root, dataset: order.dataset, unit: order.unit, ledgers: places.ledgers,
      marks: places.ledgerMarks)
  }
}
