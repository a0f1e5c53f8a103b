import Control
import Logging
import Runs

extension Daemon {
  /// Starts a keeper for every dataset.
  func keepDatasets() {
    do { try index.keepOnly(configuration.datasets.map(\.name)) } catch {
      logger.error("index of files: \(ControlError(error))")
    }
    for dataset in configuration.datasets where keepers[dataset.name] == nil {
      let keeper = DatasetKeeper(
        dataset, reader: reader, index: index, pulse: pulse, logger: logger)
      keepers[dataset.name] = keeper
      keeperTasks[dataset.name] = Task { await keeper.run() }
    }
  }

  /// Stops all keepers.
  func releaseDatasets() {
    for task in keeperTasks.values { task.cancel() }
    keeperTasks = [:]
    keepers = [:]
  }

  /// Applies a changed configuration without disturbing jobs.
  ///
  /// Datasets and their policies apply at once. A remark names settings that require a restart.
  func adopt(_ changed: Configuration) async {
    var fixed: [String] = []
    if changed.output != configuration.output { fixed.append("output") }
    if changed.recipes != configuration.recipes { fixed.append("recipes") }
    if changed.threads != configuration.threads { fixed.append("threads") }
    if changed.socket != configuration.socket { fixed.append("socket") }
    remarks["configuration"] =
      fixed.isEmpty
      ? nil
      : "configuration: \(fixed.joined(separator: ", ")) changed. Restart figmentd to apply the change."
    configuration.datasets = changed.datasets
    configuration.retention = changed.retention
    configuration.minimumFree = changed.minimumFree
    space.adopt(changed.minimumFree)
    engine.keepFree(changed.minimumFree)
    for (name, task) in keeperTasks
    where !changed.datasets.contains(where: { $0.name == name }) {
      task.cancel()
      keeperTasks[name] = nil
      keepers[name] = nil
    }
    for dataset in changed.datasets { await keepers[dataset.name]?.adopt(dataset) }
    keepDatasets()
  }

  /// Creates the folder of releases, and reports in status and journal why they cannot be written or read.
  ///
  /// No such problem stops the daemon: ledgers, cancelling and other work need no output.
  func prepareOutput(inState state: String) {
    do {
      let rights = try ReleaseRights(configuration.release)
      try OutputFolder(path: configuration.output, rights: rights).prepare(inState: state)
    } catch {
      logger.error(
        "output \(configuration.output): cannot create it: \(ControlError(error).message)")
    }
    noteOutput()
  }

  /// Refuses a job whose release could not be written; checks again if it could not be before.
  func requireOutput() throws(ControlError) {
    guard remarks[Self.outputRemark] != nil else { return }
    noteOutput()
    do {
      try WritableFolder.require(configuration.output, as: "output")
    } catch {
      throw .conflict(error.message)
    }
  }

  private static let outputRemark = "output"

  private func noteOutput() {
    let problems = configuration.problemsOfMachine()
    for problem in problems { logger.error("\(problem)") }
    remarks[Self.outputRemark] = problems.isEmpty ? nil : problems.joined(separator: " ")
  }

  /// Keeps the current configuration and reports why.
  func refuse(_ error: any Error) {
    logger.error(
      "configuration not reloaded, the previous one stays in force: \(ControlError(error))")
    remarks["configuration"] = "configuration: not reloaded: \(ControlError(error))"
  }
}

/// A dataset's files as a run with one recipe judges them.
struct JudgedFiles: Sendable {
  let dataset: String
  let recipe: String
  /// The files in the order of their paths.
  let rows: [FileRow]

  /// Returns a page of the files.
  func page(_ query: FileQuery) -> FilePage {
    var first = 0
    if let after = query.after {
      var end = rows.count
      while first < end {
        let middle = (first + end) / 2
        if rows[middle].path <= after { first = middle + 1 } else { end = middle }
      }
    }
    let limit = min(max(1, query.limit), FileQuery.maximumLimit)
    let found = rows[first...].lazy.filter { row in
      switch query.verdict {
      case nil: true
      case "rejected": row.verdict != ImageIndex.usableVerdict
      case .some(let verdict): row.verdict == verdict
      }
    }
    let page = Array(found.prefix(limit + 1))
    let isLast = page.count <= limit
    return FilePage(
      files: Array(page.prefix(limit)), next: isLast ? nil : page[limit - 1].path)
  }
}

extension Daemon {
  /// The files of a dataset as a run with a recipe judges them.
  ///
  /// All images of a person determine which of them count, so all files are judged together, once for all
  /// pages of a list.
  func judgedFiles(
    of dataset: DatasetConfiguration, recipe: String, isFirstPage: Bool
  ) async throws -> JudgedFiles {
    if !isFirstPage, let judged, judged.dataset == dataset.name, judged.recipe == recipe {
      return judged
    }
    try await checkRecipe(recipe)
    let rows = try await plans.run { [engine, index] in
      try index.rows(of: dataset, under: engine.form(ofRecipe: recipe))
    }
    let files = JudgedFiles(dataset: dataset.name, recipe: recipe, rows: rows)
    judged = files.rows.count > FileQuery.maximumLimit ? files : nil
    return files
  }
}
