import ArgumentParser
import Control

/// Removes a finished job.
struct Remove: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Remove a finished job with its checkpoints, pixels and history.",
    discussion:
      "The ledger stays, because spent budget stays spent. The release stays unless --release is given."
  )

  @OptionGroup var argument: JobArgument

  @Flag(help: "Remove the release too, provided that it is unchanged.")
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

/// Removes the finished jobs that the retention policy no longer keeps.
struct Prune: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Remove the finished jobs that the retention policy no longer keeps.",
    discussion: """
      The policy is 'retention' in the configuration. The daemon applies it every ten minutes. \
      Releases and ledgers stay.
      """)

  @Flag(help: "Print the jobs without removing them.")
  var dryRun = false

  @OptionGroup var global: GlobalOptions

  func run() async throws {
    try await global.run { client, console in
      let removals = try await client.prune(dryRun: dryRun)
      if global.json { return try console.json(removals) }
      if removals.isEmpty { return console.line("no job to remove") }
      for removal in removals { console.line(Self.line(removal, isDone: !dryRun)) }
    }
  }

  /// Formats a removal.
  static func line(_ removal: JobRemoval, isDone: Bool) -> String {
    let size = Double(removal.bytes) / 1_048_576
    let amount = size < 1 ? "less than 1 MiB" : "\(Int(size.rounded())) MiB"
    let what = removal.withRelease ? " with its release" : ""
    let why = removal.reason.map { ": " + $0 } ?? ""
    return "\(removal.job)\(what): \(isDone ? "removed" : "would be removed"), \(amount)\(why)"
  }
}
