import ArgumentParser
import CommandLineOptions
import Control

/// What is learned from, how, and at which price.
struct TrainOptions: ParsableArguments {
  @Argument(help: "The dataset.", completion: Completions.datasets)
  var dataset: String

  @Option(help: "The recipe; 'figment recipes' lists them.", completion: Completions.recipes)
  var recipe: String

  @OptionGroup var run: RunOptions

  /// The request that the options make.
  var request: TrainRequest { run.request(dataset: dataset, recipe: recipe) }
}

/// Trains on a dataset and writes a synthetic set.
struct Train: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Train on a dataset and write a synthetic set.")

  @OptionGroup var options: TrainOptions
  @OptionGroup var submission: SubmissionOptions
  @OptionGroup var global: GlobalOptions

  func run() async throws {
    try await submission.submit(.train(options.request), global)
  }
}

/// Draws more images with a trained model.
struct Generate: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Write more images with the model of a completed job; costs no privacy.")

  @OptionGroup var argument: JobArgument

  @Option(
    name: .shortAndLong, parsing: .unconditional,
    help: "Images to write, in equal shares of the classes.")
  var count: Int?

  @Flag(help: "Write that many of every class.")
  var perClass = false

  @Option(
    help: ArgumentHelp(
      "Write so many of each class instead, like cat=100,dog=20.", valueName: "list"))
  var classCounts: String?

  @Option(parsing: .unconditional, help: "The seed of the images. (default: drawn)")
  var seed: UInt64?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Below one, likely pixels become likelier and images emptier and less varied; 0.9 to 1 is usual. "
        + "Pixel models alone have one."))
  var temperature: Double?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Above one, classes become clearer and images less varied. Needs a pixel model whose recipe "
        + "has label_dropout. (default: the recipe's)"))
  var guidance: Double?

  @OptionGroup var submission: SubmissionOptions
  @OptionGroup var global: GlobalOptions

  func validate() throws {
    guard (count == nil) != (classCounts == nil) else {
      throw ValidationError("Give either --count or --class-counts.")
    }
    guard !perClass || count != nil else {
      throw ValidationError("--per-class: it needs --count. Drop it: --class-counts says how many.")
    }
  }

  func run() async throws {
    var counts: [String: Int]?
    if let classCounts { counts = try ClassCounts.read(classCounts) }
    let request = GenerateRequest(
      job: try argument.id(), count: count, perClass: perClass ? true : nil, classCounts: counts,
      seed: seed, temperature: temperature, guidance: guidance)
    try await submission.submit(.generate(request), global)
  }
}

/// How a job is submitted.
struct SubmissionOptions: ParsableArguments {
  @Flag(name: .shortAndLong, help: "Follow the job until it is finished.")
  var watch = false

  @Option(help: "Makes a repeated submission answer with the first one's job.")
  var token: String?

  /// Submits a job, and follows it when that is wanted.
  func submit(_ request: JobRequest, _ global: GlobalOptions) async throws {
    try await global.run { client, console in
      let job = try await submit(request, client)
      if watch {
        if !global.json { console.line("job \(job.id)") }
        return try await Follower(client: client, console: console, json: global.json)
          .follow(job.id)
      }
      if global.json { return try console.json(job) }
      console.line("\(job.id)")
    }
  }

  /// A reply that is lost on its way is asked for again, with the same token: at most one job
  /// comes of it.
  private func submit(_ request: JobRequest, _ client: ControlClient) async throws -> Job {
    let token = token ?? String(UInt64.random(in: .min ... .max), radix: 36)
    do {
      return try await client.submit(request, token: token)
    } catch ControlError.unreachable {
      return try await client.submit(request, token: token)
    }
  }
}
