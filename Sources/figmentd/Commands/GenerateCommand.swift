import ArgumentParser
import Compute
import Control
import Evaluation
import FoundationEssentials
import Glibc
import Models
import Runs

/// `figmentd generate`: draws images with a released model, for anyone who has the release.
struct GenerateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "generate",
    abstract: "Draw images with a released model. Costs no privacy.",
    discussion: """
      Writes the complete set to a new folder that only you may read, or nothing. With --complete, keeps \
      the upper rows of given images and draws the rest to match: treat such a set as being as \
      confidential as the given images.
      """)

  @Option(help: ArgumentHelp("A release, or its model/generator.safetensors.", valueName: "path"))
  var model: String
  @Option(help: ArgumentHelp("A new folder for the images.", valueName: "dir"))
  var output: String
  @Option(
    name: .shortAndLong, parsing: .unconditional,
    help: "Number of images to write, divided equally among the classes.")
  var count: Int?
  @Option(
    help: ArgumentHelp(
      "Number of images of each class, such as cat=100,dog=20.", valueName: "list"))
  var classCounts: String?
  @Option(
    help: ArgumentHelp(
      "Complete these images; they must lie in a sub-folder for each class.", valueName: "dir"),
    completion: .directory)
  var complete: String?
  @Option(parsing: .unconditional, help: "Number of upper rows to keep with --complete.")
  var rows: Int?
  @Option(parsing: .unconditional, help: "The random seed of the images. (default: random)")
  var seed: UInt64?
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "The temperature. Below 1, likely pixels become likelier, and images emptier and less varied; "
        + "0.9 to 1 is usual."
    ))
  var temperature = 1.0
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "The guidance. Above 1, classes become clearer and images less varied; needs a recipe with "
        + "label_dropout. (default: the recipe's)"))
  var guidance: Double?
  @OptionGroup var threads: ThreadOptions
  @Flag(help: "Print one JSON object instead of text.")
  var json = false

  func validate() throws {
    guard [count != nil, classCounts != nil, complete != nil].count(where: { $0 }) == 1 else {
      throw ValidationError(
        "--count, --class-counts, --complete: none or several given (exactly one expected).")
    }
    if let count, !(1...ClassCounts.largestTotal).contains(count) {
      throw ValidationError("--count: \(count) given (1 to \(ClassCounts.largestTotal) expected).")
    }
    guard (rows != nil) == (complete != nil) else {
      throw ValidationError("--complete and --rows: only one given (both or neither expected).")
    }
  }

  func run() throws {
    let meter = ProgressMeter()
    // End the progress line before anything else is written.
    defer { meter.finish() }
    try draw(meter)
  }

  private func draw(_ meter: ProgressMeter) throws {
    let place = SetPlace(try WorkingFolder.absolute(output))
    guard access(place.path, F_OK) != 0 else {
      throw ControlError.conflict(
        "--output: \(output) exists (a new folder expected). Choose another folder.")
    }
    // Remove an incomplete set.
    defer { place.discard() }
    let stop = StopSignal()
    try StopSignals.raise(stop)
    let machine = threads.machine
    let released = try ReleasedModel(model, on: machine)
    let noun = released.recipe.model.readsImages ? "images" : "rows"
    let show = { (written: Int, count: Int) in
      meter.show("drawing \(noun)", Double(written) / Double(count))
    }
    let results: JobResults?
    if let complete, let rows {
      let given = try read(complete, released, on: machine, meter)
      let generation = generation(released, labels: given.labels)
      results = try generation.complete(
        Completion(rows: rows, of: LabelledExamples(images: given, places: 0..<given.count)),
        insideAt: place, stop: stop
      ) { show($0, given.count) }
    } else {
      let generation = generation(
        released, labels: SampleRequest.labels(of: try counts(of: released.classes)))
      results = try generation.write(
        insideAt: place, guarantee: DrawnSetReadme.Guarantee(statement: released.statement),
        stop: stop
      ) { show($0, generation.request.labels.count) }
    }
    meter.finish()
    guard let results else {
      throw ControlError.interrupted("stopped: nothing was written. Run the command again.")
    }
    try StandardOutput.write(results, json: json, headline: results.sizeText ?? "no images")
  }

  private func generation(_ released: ReleasedModel, labels: [Int]) -> Generation {
    Generation(
      model: released.model, recipe: released.recipe, classes: released.classes,
      request: SampleRequest(
        labels: labels, seed: seed ?? ResolvedPlan.drawnSeed(), temperature: temperature,
        guidance: guidance),
      name: released.recipe.name)
  }

  private func read(
    _ folder: String, _ released: ReleasedModel, on machine: Machine, _ meter: ProgressMeter
  ) throws -> LabelledImages {
    let read = try ImageFolder(folder, makeDecoder: { DecoderProcess() }).load(
      released.recipe.transform, classNames: released.classes, on: machine
    ) { meter.show("reading images", $0) }
    if read.rejected > 0 {
      meter.say("\(folder): skipped \(read.rejected) files that are not readable images.")
    }
    return read.images
  }

  private func counts(of classes: [String]) throws -> [Int] {
    guard let classCounts else {
      return SampleRequest.evenCounts(of: count ?? 0, among: classes.count)
    }
    return try ClassCounts.inOrder(of: classes, ClassCounts.read(classCounts))
  }
}
