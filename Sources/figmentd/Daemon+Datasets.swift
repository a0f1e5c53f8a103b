import Control
import Logging

extension Daemon {
  /// Sets a keeper to work for every dataset.
  func keepDatasets() {
    do { try index.keepOnly(configuration.datasets.map(\.name)) } catch {
      logger.error("index of files: \(error)")
    }
    for dataset in configuration.datasets where keepers[dataset.name] == nil {
      let keeper = DatasetKeeper(
        dataset, reader: reader, index: index, pulse: pulse, logger: logger)
      keepers[dataset.name] = keeper
      keeperTasks[dataset.name] = Task { await keeper.run() }
    }
  }

  /// Lets all keepers go.
  func releaseDatasets() {
    for task in keeperTasks.values { task.cancel() }
    keeperTasks = [:]
    keepers = [:]
  }

  /// Follows a changed configuration without disturbing jobs.
  ///
  /// Datasets and their policies hold from now on. What cannot change while the daemon runs is
  /// remarked upon.
  func adopt(_ changed: Configuration) async {
    var fixed: [String] = []
    if changed.output != configuration.output { fixed.append("output") }
    if changed.recipes != configuration.recipes { fixed.append("recipes") }
    if changed.threads != configuration.threads { fixed.append("threads") }
    if changed.socket != configuration.socket { fixed.append("socket") }
    remarks["configuration"] =
      fixed.isEmpty
      ? nil
      : "configuration: \(fixed.joined(separator: ", ")) changed. Restart figmentd to follow."
    configuration.datasets = changed.datasets
    configuration.retention = changed.retention
    configuration.minimumFree = changed.minimumFree
    space.adopt(changed.minimumFree)
    for (name, task) in keeperTasks
    where !changed.datasets.contains(where: { $0.name == name }) {
      task.cancel()
      keeperTasks[name] = nil
      keepers[name] = nil
    }
    for dataset in changed.datasets { await keepers[dataset.name]?.adopt(dataset) }
    keepDatasets()
  }

  /// Keeps the configuration that holds and says why.
  func refuse(_ error: any Error) {
    logger.error("configuration not reloaded, the old one holds: \(error)")
    remarks["configuration"] = "configuration: not reloaded: \(error)"
  }
}
