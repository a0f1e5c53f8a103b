import ArgumentParser
import Control

/// Stops a job until it is resumed.
struct Pause: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Stop a job until it is resumed; it writes a checkpoint first.")

  @OptionGroup var argument: JobArgument
  @OptionGroup var global: GlobalOptions

  func run() async throws {
    try await global.run { client, console in
      try await global.show(client.stop(argument.id(), reason: .paused), console)
    }
  }
}

/// Puts a job back into the queue.
struct Resume: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Let a paused or failed job go on from its last checkpoint.")

  @OptionGroup var argument: JobArgument

  @Flag(
    help: "Publish what was trained even if crashes cost more than a tenth of the planned steps.")
  var allowFewerSteps = false

  @OptionGroup var global: GlobalOptions

  func run() async throws {
    try await global.run { client, console in
      try await global.show(client.resume(argument.id(), allowFewerSteps: allowFewerSteps), console)
    }
  }
}

/// Stops a job for good.
struct Cancel: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Stop a job for good; what it has spent stays spent.")

  @OptionGroup var argument: JobArgument
  @OptionGroup var global: GlobalOptions

  func run() async throws {
    try await global.run { client, console in
      try await global.show(client.stop(argument.id(), reason: .cancelled), console)
    }
  }
}

extension GlobalOptions {
  /// Shows where a job stands after it was steered.
  func show(_ job: Job, _ console: Console) throws {
    if json { try console.json(job) } else { console.line("\(job.id): \(job.state.name)") }
  }
}
