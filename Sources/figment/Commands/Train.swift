import ArgumentParser
import CommandLineOptions
import Control

/// The dataset, the recipe and the privacy cost of a training job.
struct TrainOptions: ParsableArguments {
  @Argument(help: "The dataset.", completion: Completions.datasets)
  var dataset: String

  @Option(
    help: "The recipe; 'figment recipes' lists them, and 'figment recommend' chooses one.",
    completion: Completions.recipes)
  var recipe: String?

  @OptionGroup var run: RunOptions

  /// The request that the options make, with a recipe.
  func request(with recipe: String) -> TrainRequest {
    run.request(dataset: dataset, recipe: recipe)
  }

  /// The request that the options make, with the recipe that advice chose, and with its steps and batch unless
  /// the options state others.
  ///
  /// - Throws: `ControlError.conflict` if nothing gives more than noise.
  func request(following advice: Recommendation) throws(ControlError) -> TrainRequest {
    guard let choice = advice.choice else {
      throw .conflict(
        "dataset \(dataset): no recipe can be recommended. "
          + advice.expectation.joined(separator: " ")
          + " 'figment recommend \(dataset)' shows what would help; --recipe plans a recipe all the same."
      )
    }
    var request = request(with: choice.recipe)
    request.steps = request.steps ?? choice.steps
    request.batchSize = request.batchSize ?? choice.batchSize
    return request
  }
}

/// Trains on a dataset and writes a synthetic set.
struct Train: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Train on a dataset and write a synthetic set.")

  @OptionGroup var options: TrainOptions
  @OptionGroup var submission: SubmissionOptions
  @OptionGroup var global: GlobalOptions

  func validate() throws { _ = try request }

  func run() async throws {
    try await submission.submit(.train(request), global)
  }

  /// The request that the options make: a budget is spent on no recipe that was not asked for by name.
  var request: TrainRequest {
    get throws {
      guard let recipe = options.recipe else {
        throw ValidationError(
          "--recipe: missing (the name of a recipe expected). 'figment recommend \(options.dataset)' recommends "
            + "one, and 'figment recipes' lists them.")
      }
      return options.request(with: recipe)
    }
  }
}

/// Draws more images with a trained model.
struct Generate: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Draw more images with the model of a completed job. Costs no privacy.")

  @OptionGroup var argument: JobArgument

  @Option(
    name: .shortAndLong, parsing: .unconditional,
    help: "Number of images to write, divided equally among the classes.")
  var count: Int?

  @Flag(help: "Write --count images of every class.")
  var perClass = false

  @Option(
    help: ArgumentHelp(
      "Number of images of each class, such as cat=100,dog=20.", valueName: "list"))
  var classCounts: String?

  @Option(parsing: .unconditional, help: "The random seed of the images. (default: random)")
  var seed: UInt64?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "The temperature of a pixel model. Below 1, likely pixels become likelier, and images emptier and "
        + "less varied; 0.9 to 1 is usual. (default: 1)"))
  var temperature: Double?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "The guidance of a pixel model. Above 1, classes become clearer and images less varied; needs a recipe "
        + "with label_dropout. (default: the recipe's)"))
  var guidance: Double?

  @OptionGroup var submission: SubmissionOptions
  @OptionGroup var global: GlobalOptions

  func validate() throws {
    guard (count == nil) != (classCounts == nil) else {
      throw ValidationError(
        "--count, --class-counts: \(count == nil ? "neither" : "both") given (one expected).")
    }
    guard !perClass || count != nil else {
      throw ValidationError(
        "--per-class: given without --count. Drop it: --class-counts states the number of each class."
      )
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

/// The options for submitting a job.
struct SubmissionOptions: ParsableArguments {
  @Flag(name: .shortAndLong, help: "Follow the job until it is finished.")
  var watch = false

  @Option(help: "Identifies the submission: a repeated one returns the first one's job.")
  var token: String?

  /// Submits a job, and follows it if `watch` is set.
  func submit(_ request: JobRequest, _ global: GlobalOptions) async throws {
    try await global.run { client, console in
      let job = try await submit(request, client)
      // Scripts read the job's name from standard output; JSON holds the remarks.
      if !global.json {
        for remark in job.remarks ?? [] { Console.complain("Note: \(remark)") }
      }
      if watch {
        if !global.json { console.line("job \(job.id)") }
        return try await Follower(client: client, console: console, json: global.json)
          .follow(job.id)
      }
      if global.json { return try console.json(job) }
      console.line("\(job.id)")
      if let note = await QueueNote.text(for: job.id, from: client) {
        Console.complain("Note: \(note)")
      }
    }
  }

  /// Submits a job, and once more with the same token if the reply is lost: this creates at most one job.
  private func submit(_ request: JobRequest, _ client: ControlClient) async throws -> Job {
    let token = token ?? String(UInt64.random(in: .min ... .max), radix: 36)
    do {
      return try await client.submit(request, token: token)
    } catch ControlError.unreachable {
      return try await client.submit(request, token: token)
    }
  }
}
