import Control

/// Assembles the daemon from the rooms below it.
enum Assembly {
  /// Creates the engine that trains.
  static func engine(
    _ configuration: Configuration, _ state: StateDirectory
  ) throws -> any TrainingEngine {
    let index = try state.imageIndex()
    let settings = EngineSettings(
      recipes: configuration.recipes, threads: configuration.threads, state: state.paths)
    return ProcessEngine(settings) { try index.use(of: $0, under: $1) }
  }

  /// Creates the reader of the watched folders.
  static func reader() throws -> any FolderReader { WatchedFolders() }
}
