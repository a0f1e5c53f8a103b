import Control

/// Puts the daemon together from the rooms below it.
enum Assembly {
  /// The engine that trains.
  static func engine(
    _ configuration: Configuration, _ state: StateDirectory
  ) throws -> any TrainingEngine {
    throw ControlError.failed("engine: not linked into this build.")
  }

  /// What reads the watched folders.
  static func reader() throws -> any FolderReader {
    throw ControlError.failed("folder reader: not linked into this build.")
  }
}
