import ArgumentParser

/// Where the configuration is.
struct ConfigurationOptions: ParsableArguments {
  @Option(
    name: .customLong("config"),
    help:
      "The configuration file; conf.d/*.yaml beside it is read too. (default: \(Locations.ofThisProcess().configuration))",
    completion: .file(extensions: ["yaml"]))
  var file: String?

  /// Reads the configuration, from the given file or from where it usually is.
  func read(_ locations: Locations) throws -> Configuration {
    try ConfigurationReader.read(
      file.map(WorkingFolder.absolute) ?? locations.configuration, defaults: locations.defaults)
  }
}
