import ArgumentParser
import Control

/// Pauses a job.
struct Pause: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Pause a job; it writes a checkpoint first.")

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
    abstract: "Continue a paused or failed job from its last checkpoint.")

  @OptionGroup var argument: JobArgument

  @Flag(
    help: "Publish the result even if crashes cost more than a tenth of the planned steps.")
  var allowFewerSteps = false

  @OptionGroup var global: GlobalOptions

  func run() async throws {
    try await global.run { client, console in
      try await global.show(client.resume(argument.id(), allowFewerSteps: allowFewerSteps), console)
    }
  }
}

/// Cancels a job.
struct Cancel: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Cancel a job for good; the budget that it has spent stays spent.")

  @OptionGroup var argument: JobArgument
  @OptionGroup var global: GlobalOptions

  func run() async throws {
    try await global.run { client, console in
      try await global.show(client.stop(argument.id(), reason: .cancelled), console)
    }
  }
}

extension GlobalOptions {
  /// Prints the state of a job after a request changed it.
  func show(_ job: Job, _ console: Console) throws {
    if json { try console.json(job) } else { console.line("\(job.id): \(job.state.name)") }
  }
}
