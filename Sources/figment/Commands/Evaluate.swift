import ArgumentParser
import Control

/// Measures a job's synthetic set against the real images.
struct Evaluate: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Compare a completed job's images with the real ones. Costs no privacy.",
    discussion: """
      The report contains numbers and pictures computed from real images without noise, so it stays \
      in the daemon's state directory. 'figment report JOB --internal' shows it. If the dataset has a \
      hold_out folder, its images are the reference. Otherwise a part of the training images is, and \
      no attack is run. An evaluation of 60,000 images takes about ten minutes on two cores, one of a few \
      hundred a few minutes, one of a table alone seconds.
      """)

  @OptionGroup var argument: JobArgument

  @Flag(help: "Use at most 10,000 synthetic images; takes about three minutes.")
  var quick = false

  @Flag(help: "Follow the published protocol: ten epochs, three seeds. Takes hours.")
  var thorough = false

  @Option(parsing: .unconditional, help: "The random seed of the evaluation.")
  var seed: UInt64?

  @OptionGroup var submission: SubmissionOptions
  @OptionGroup var global: GlobalOptions

  func validate() throws {
    guard !(quick && thorough) else {
      throw ValidationError("--quick and --thorough: both given (at most one expected). Drop one.")
    }
  }

  func run() async throws {
    let request = EvaluateRequest(
      job: try argument.id(), effort: quick ? .quick : thorough ? .thorough : nil, seed: seed)
    try await submission.submit(.evaluate(request), global)
  }
}
