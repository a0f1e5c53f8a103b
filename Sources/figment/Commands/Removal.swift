import ArgumentParser
import Control

/// Removes a finished job.
struct Remove: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Remove a finished job: its checkpoints, pixels and history.",
    discussion:
      "The ledger stays: what was spent stays spent. So does the release, unless --release.")

  @OptionGroup var argument: JobArgument

  @Flag(help: "Remove its release too, if nobody changed anything in it.")
  var release = false

  @OptionGroup var global: GlobalOptions

  func run() async throws {
    try await global.run { client, console in
      let removal = try await client.remove(argument.id(), withRelease: release)
      if global.json { return try console.json(removal) }
      console.line(Prune.line(removal, isDone: true))
    }
  }
}

/// Removes the finished jobs that the configuration no longer keeps.
struct Prune: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Remove the finished jobs that 'retention' in the configuration no longer keeps.",
    discussion: "The daemon does the same by itself every ten minutes. Releases and ledgers stay.")

  @Flag(help: "Name the jobs and remove nothing.")
  var dryRun = false

  @OptionGroup var global: GlobalOptions

  func run() async throws {
    try await global.run { client, console in
      let removals = try await client.prune(dryRun: dryRun)
      if global.json { return try console.json(removals) }
      if removals.isEmpty { return console.line("nothing to remove") }
      for removal in removals { console.line(Self.line(removal, isDone: !dryRun)) }
    }
  }

  /// A removal for people.
  static func line(_ removal: JobRemoval, isDone: Bool) -> String {
    let size = Double(removal.bytes) / 1_048_576
    let amount = size < 1 ? "less than 1 MiB" : "\(Int(size.rounded())) MiB"
    let what = removal.withRelease ? " with its release" : ""
    let why = removal.reason.map { ": " + $0 } ?? ""
    return "\(removal.job)\(what): \(isDone ? "removed" : "would be removed"), \(amount)\(why)"
  }
}
