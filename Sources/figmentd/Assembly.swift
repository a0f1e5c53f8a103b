import Control

/// Puts the daemon together from the rooms below it.
enum Assembly {
  /// The engine that trains.
  static func engine(
    _ configuration: Configuration, _ state: StateDirectory
  ) throws -> any TrainingEngine {
    let index = try state.imageIndex()
    let settings = EngineSettings(
      recipes: configuration.recipes, threads: configuration.threads, state: state.paths)
    return ProcessEngine(settings) { try index.use(of: $0, under: $1) }
  }

  /// What reads the watched folders.
  static func reader() throws -> any FolderReader { WatchedFolders() }
}
