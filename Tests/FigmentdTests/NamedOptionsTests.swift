import ArgumentParser
import Control
import FoundationEssentials
import TestSupport
import Testing

@testable import Runs
@testable import figment
@testable import figmentd

/// Every option that messages and documents mention exists.
@Suite struct NamedOptionsTests {
  /// A command as the parser describes it.
  private struct Description: Decodable {
    struct Name: Decodable { let name: String }
    struct Argument: Decodable { let names: [Name]? }
    let commandName: String
    let subcommands: [Description]?
    let arguments: [Argument]?

    var optionNames: Set<String> {
      let own = (arguments ?? []).flatMap { $0.names ?? [] }.map(\.name)
      return (subcommands ?? []).reduce(Set(own)) { $0.union($1.optionNames) }
    }
  }

  private struct Dump: Decodable { let command: Description }

  private static func dump(_ type: (some ParsableCommand).Type) throws -> Description {
    do {
      _ = try type.parseAsRoot(["--experimental-dump-help"])
      throw ControlError.failed("no description of the options")
    } catch let error as ControlError { throw error } catch {
      let text = type.fullMessage(for: error)
      return try JSONDecoder().decode(Dump.self, from: Data(text.utf8)).command
    }
  }

  private static func options() throws -> Set<String> {
    try dump(Figment.self).optionNames.union(dump(Figmentd.self).optionNames).union(["version"])
  }

  /// Options in a text.
  private static func options(in text: Substring) -> [String] {
    text.matches(of: /(?:^|[\s"'“`(])--([a-z][a-z-]+)/).map { String($0.1) }
  }

  @Test func everyOptionInAMessageExists() throws {
    let known = try Self.options()
    #expect(known.count > 40 && known.contains("allow-large-delta"))
    for (file, text) in try SourceFiles.all() where !file.hasSuffix("HTMLStyle.swift") {
      // Commands of other programs have their own options.
      for line in text.split(separator: "\n")
      where !line.trimmingPrefix(while: \.isWhitespace).hasPrefix("//")
        && !["dcmj2pnm", "--set-window", "usermod", "--append"].contains(where: line.contains)
      {
        for option in Self.options(in: line) {
          #expect(known.contains(option), "\(file): \(line)")
        }
      }
    }
  }

  @Test func everyCommandInAMessageExists() throws {
    let client = Set(Figment.words.commands.keys).union(["help"])
    let daemon = Set(Figmentd.words.commands.keys).union(["help"])
    for (file, text) in try SourceFiles.all() {
      for match in text.matches(of: /['“`](figmentd?) ([a-z-]+)/) {
        let known = match.1 == "figmentd" ? daemon : client
        #expect(known.contains(String(match.2)), "\(file): \(match.0)")
      }
    }
  }

  @Test func everyOptionInTheReadmeExists() throws {
    let known = try Self.options()
    let readme = try SourceFiles.document("README.md")
    for line in readme.split(separator: "\n") where line.contains("figment") {
      for option in Self.options(in: line) { #expect(known.contains(option), "\(line)") }
    }
  }

  /// The keys of a policy, from the text of the one error that lists them all.
  @Test func theKeyOfRefusedJobsWithoutPrivacyExists() throws {
    let file = "/scratch/config.yaml"
    var reader = ConfigurationReader(defaults: Configuration(output: "/out", recipes: "/recipes"))
    try reader.add(
      """
      datasets: {a: {root: /a, policy: {epsilon_max: 1, delta: 1e-5, non_private: true}}}
      """, from: file)
    #expect(try reader.finish().datasets[0].policy.allowsNonPrivate)
    for (file, text) in try SourceFiles.all() {
      #expect(!text.contains("allow_non_private"), "\(file)")
      #expect(!text.contains("(maximum_per_unit"), "\(file)")
    }
  }
}
