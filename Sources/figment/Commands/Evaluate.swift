import ArgumentParser
import Control

/// Measures a job's synthetic set against the real images.
struct Evaluate: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Measure a completed job's images against the real ones; costs no privacy.",
    discussion: """
      The report stays in the daemon's state directory: it holds numbers and pictures computed from
      real images without noise. 'figment report JOB --internal' shows it. Where the dataset has a
      hold_out folder, real images from there are compared; else a part of the training images,
      and no attack is made.
      """)

  @OptionGroup var argument: JobArgument

  @Flag(help: "Look at 10,000 synthetic images at most, in about two minutes.")
  var quick = false

  @Flag(help: "Follow the published protocol: ten epochs, three seeds. Takes hours.")
  var thorough = false

  @Option(parsing: .unconditional, help: "What decides every random choice.")
  var seed: UInt64?

  @OptionGroup var submission: SubmissionOptions
  @OptionGroup var global: GlobalOptions

  func validate() throws {
    guard !(quick && thorough) else {
      throw ValidationError("--quick and --thorough: both given (one expected). Leave one out.")
    }
  }

  func run() async throws {
    let request = EvaluateRequest(
      job: try argument.id(), effort: quick ? .quick : thorough ? .thorough : nil, seed: seed)
    try await submission.submit(.evaluate(request), global)
  }
}
