import ArgumentParser
import Control

/// The option that names the configuration file.
struct ConfigurationOptions: ParsableArguments {
  @Option(
    name: .customLong("config"),
    help:
      "The configuration file; conf.d/*.yaml beside it is read too. (default: \(Locations.ofThisProcess().configuration))",
    completion: .file(extensions: ["yaml"]))
  var file: String?

  /// Reads the configuration from the given file or from its default location.
  func read(_ locations: Locations) throws -> Configuration {
    try ConfigurationReader.read(place(locations), defaults: locations.defaults)
  }

  /// Reads the configuration and refuses groups that a daemon of this user cannot use.
  ///
  /// - Throws: `ConfigurationError`, because only the administrator can correct it.
  func readForService(_ locations: Locations) throws -> Configuration {
    let settings = try read(locations)
    do {
      try settings.requireGroups()
    } catch {
      throw ConfigurationError(
        file: try place(locations), line: nil, message: error.message)
    }
    return settings
  }

  private func place(_ locations: Locations) throws -> String {
    try file.map(WorkingFolder.absolute) ?? locations.configuration
  }
}
