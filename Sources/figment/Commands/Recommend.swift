import ArgumentParser
import Control

/// Recommends a recipe and its settings for a dataset.
struct Recommend: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Recommend a recipe for a dataset and say what to expect. Spends nothing.",
    discussion: """
      The advice follows from the size, colours and number of the images, from epsilon and the time, and from \
      trainings that were measured (Models/measurements.yaml). The best recipes are planned on this machine, \
      which takes seconds for each, and up to three minutes in all.
      """)

  @Argument(help: "The dataset.", completion: Completions.datasets)
  var dataset: String

  @Option(
    parsing: .unconditional,
    help: "The privacy budget of the run. (default: all that is left of the dataset's budget)")
  var epsilon: Double?

  @Option(
    parsing: .unconditional,
    help: "The delta of the run; below 1 / number of images. (default: that of the policy)")
  var delta: Double?

  @Option(
    parsing: .unconditional,
    help: "The longest time that the run may take, in hours. (default: any)"
  )
  var hours: Double?

  @OptionGroup var global: GlobalOptions

  /// The request that the options make.
  var request: RecommendRequest {
    RecommendRequest(dataset: dataset, epsilon: epsilon, delta: delta, hours: hours)
  }

  func run() async throws {
    try await global.run { client, console in
      let advice = try await Self.advice(on: request, from: client, console)
      if global.json {
        try console.json(advice)
      } else {
        Self.lines(of: advice, width: console.lineWidth).forEach(console.line)
      }
      if let refusal = advice.refusal { throw ControlError.refusedByPolicy(refusal) }
    }
  }

  /// Requests advice; meanwhile, a terminal shows that it takes a while.
  static func advice(
    on request: RecommendRequest, from client: some ControlAPI, _ console: Console
  ) async throws -> Recommendation {
    guard console.isTerminal else { return try await client.recommend(request) }
    console.redraw { String("Planning the best recipes takes up to three minutes.".prefix($0)) }
    defer { console.clear() }
    return try await client.recommend(request)
  }

  /// Formats advice as lines of at most `width` columns; nil for any width.
  static func lines(of advice: Recommendation, width: Int? = nil) -> [String] {
    let broken = { (text: String) in width.map { Terminal.lines(text, width: $0) } ?? [text] }
    var table = Table(
      ["RECIPE", "FAMILY", "SIZE", "EXPECTED", "TIME", "NOISE", "REMARK"], droppable: [1, 5])
    for run in advice.runs {
      table.add([
        run.recipe, run.family, "\(run.width)x\(run.height)x\(run.channels)",
        run.expectedPercent.map { "\($0)%" } ?? "unmeasured",
        run.seconds.map(Rounded.duration) ?? "-", run.noise ?? "-", remark(on: run, advice),
      ])
    }
    let paragraphs: [[String]] = [
      broken(title(of: advice)),
      advice.remark.map(broken) ?? [],
      advice.runs.isEmpty ? [] : table.lines(width: width) + broken(note),
      advice.choice.map { ["Recommended: \(settings(of: $0))"] } ?? [],
      advice.expectation.flatMap(broken),
      advice.help.isEmpty ? [] : ["What would help:"] + advice.help.flatMap { broken("- \($0)") },
      // The command stays on one line, so that it can be copied.
      advice.command.map { ["  \($0)"] } ?? [],
    ]
    return Array(paragraphs.filter { !$0.isEmpty }.joined(separator: [""]))
  }

  private static let note =
    "EXPECTED: how much of the way from guessing to training on as many real images a classifier covers that "
    + "learns from the drawn images alone, estimated from measured runs."

  private static func title(of advice: Recommendation) -> String {
    let colour = advice.isColoured.map { $0 ? "colour images" : "grey images" } ?? "images"
    let set = advice.images.map { "\(Rounded.count($0)) \(colour)" }
    return "Advice for \(advice.dataset)" + (set.map { ": \($0)" } ?? "")
      + " at epsilon \(Rounded.text(advice.epsilon))"
  }

  private static func settings(of choice: TrainRequest) -> String {
    ([choice.recipe] + changes(steps: choice.steps, batchSize: choice.batchSize))
      .joined(separator: ", ")
  }

  /// Settings that differ from the recipe's.
  private static func changes(steps: Int?, batchSize: Int?) -> [String] {
    [
      steps.map { "\(Rounded.count($0)) steps" },
      batchSize.map { "batches of \(Rounded.count($0))" },
    ].compactMap { $0 }
  }

  private static func remark(on run: RecommendedRun, _ advice: Recommendation) -> String {
    let verdict: String? =
      switch run.verdict {
      case .recommended: "recommended"
      case .possible: nil
      case .noise: "little but noise"
      case .tooLong: "takes too long"
      case .impossible: run.reason ?? "impossible"
      case .unplanned: advice.choice == nil ? "not planned" : "not planned, others promise more"
      }
    return ([verdict].compactMap { $0 } + changes(steps: run.steps, batchSize: run.batchSize))
      .joined(separator: ", ")
  }
}
