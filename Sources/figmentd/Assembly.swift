import Control

/// Puts the daemon together from the rooms below it.
enum Assembly {
  /// The engine that trains.
  static func engine(
    _ configuration: Configuration, _ state: StateDirectory
  ) throws -> any TrainingEngine {
    let index = try ImageIndex(path: state.index)
    return LocalEngine(recipes: configuration.recipes, threads: configuration.threads, state: state)
    {
      try index.counts(of: $0).usable
    }
  }

  /// What reads the watched folders.
  static func reader() throws -> any FolderReader { WatchedFolders() }
}
