import ArgumentParser
import Compute
import Control
import Evaluation
import FoundationEssentials
import Glibc
import Models
import Runs

/// `figmentd generate`: images of a released model, for whoever has the release.
struct GenerateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "generate",
    abstract: "Draw images with a released model; costs no privacy.",
    discussion: """
      The set appears whole, in a new folder that you alone may read. With --complete, the upper rows \
      of given images are kept and the rest is drawn to fit them: such a set is as private as the \
      images given.
      """)

  @Option(help: ArgumentHelp("A release, or its model/generator.safetensors.", valueName: "path"))
  var model: String
  @Option(help: ArgumentHelp("A new folder for the images.", valueName: "dir"))
  var output: String
  @Option(
    name: .shortAndLong, parsing: .unconditional,
    help: "Images to write, in equal shares of the classes.")
  var count: Int?
  @Option(
    help: ArgumentHelp(
      "Write so many of each class instead, like cat=100,dog=20.", valueName: "list"))
  var classCounts: String?
  @Option(
    help: ArgumentHelp(
      "Complete these images, in a sub-folder for each class.", valueName: "dir"),
    completion: .directory)
  var complete: String?
  @Option(parsing: .unconditional, help: "Rows that are kept of images to complete, from the top.")
  var rows: Int?
  @Option(parsing: .unconditional, help: "The seed of the images. (default: drawn)")
  var seed: UInt64?
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Below one, likely pixels become likelier and images emptier and less varied; 0.9 to 1 is usual."
    ))
  var temperature = 1.0
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Above one, classes become clearer and images less varied; for recipes with label_dropout. "
        + "(default: the recipe's)"))
  var guidance: Double?
  @OptionGroup var threads: ThreadOptions
  @Flag(help: "Print one JSON object instead of text.")
  var json = false

  func validate() throws {
    guard [count != nil, classCounts != nil, complete != nil].count(where: { $0 }) == 1 else {
      throw ValidationError("Give one of --count, --class-counts and --complete.")
    }
    if let count, !(1...ClassCounts.largestTotal).contains(count) {
      throw ValidationError("--count: \(count) given (1 to \(ClassCounts.largestTotal) expected).")
    }
    guard (rows != nil) == (complete != nil) else {
      throw ValidationError("--complete and --rows: one without the other. Give both, or none.")
    }
  }

  func run() throws {
    let meter = ProgressMeter()
    // A line that redraws itself is ended before anything else is written.
    defer { meter.finish() }
    try draw(meter)
  }

  private func draw(_ meter: ProgressMeter) throws {
    let place = SetPlace(try WorkingFolder.absolute(output))
    guard access(place.path, F_OK) != 0 else {
      throw ControlError.conflict("--output: \(output) is there already (a new folder expected).")
    }
    // Nothing is left of a set that did not become whole.
    defer { place.discard() }
    let stop = StopSignal()
    try StopSignals.raise(stop)
    let machine = threads.machine
    let released = try ReleasedModel(model, on: machine)
    let show = { (written: Int, count: Int) in
      meter.show("drawing images", Double(written) / Double(count))
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
      throw ControlError.failed("stopped: nothing was written.")
    }
    try StandardOutput.write(results, json: json, headline: "\(results.images ?? 0) images")
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
      meter.say("\(folder): \(read.rejected) files are no readable images and are left out.")
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
