import ArgumentParser
import Control

/// The daemon's command line.
@main
struct Figmentd: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "figmentd",
    abstract: "Learns from folders of private images and writes synthetic ones.",
    version: Version.current,
    subcommands: [
      Serve.self,
      Check.self,
      RunCommand.self,
      EvaluateCommand.self,
      BenchCommand.self,
      DrawGlyphsCommand.self,
      DecodeWorkerCommand.self,
    ],
    defaultSubcommand: Serve.self)
}
