import ArgumentParser
import Compute
import Control
import FoundationEssentials
import Glibc
import Models
import Runs

/// `figmentd pretrain`: makes the file of weights that a recipe starts from.
struct PretrainCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "pretrain",
    abstract: "Make the file of weights that a recipe starts from. Reads no private image.",
    discussion: """
      Makes the steps of the recipe's 'prior: source: procedural' on images that a program draws, and writes \
      the weights to a file. Put the file beside the recipe and name it there ('weights: NAME', without \
      .safetensors): runs then start from it at once. The same recipe and seed give the same weights on \
      processors of the same kind.
      """)

  @Option(help: "The recipe: a name in the folder of recipes, or a path to a YAML file.")
  var recipe: String
  @Option(
    help: ArgumentHelp("The file to write, NAME.safetensors; it must not exist.", valueName: "file")
  )
  var output: String
  @Option(
    help: ArgumentHelp("The folder of recipes. (default: as in figmentd run)", valueName: "dir"),
    completion: .directory)
  var recipes: String?
  @Option(parsing: .unconditional, help: "The random seed of weights and drawn images.")
  var seed: UInt64 = 1
  @OptionGroup var threads: ThreadOptions

  func validate() throws {
    guard output.hasSuffix(".safetensors"), output.split(separator: "/").last != ".safetensors"
    else {
      throw ValidationError(
        "--output: '\(output)' (a file whose name ends with .safetensors expected: recipes name it without that ending)."
      )
    }
  }

  /// The file to write, in a folder that can be written; checked before the steps are made.
  private func newFile() throws -> String {
    let file = try WorkingFolder.absolute(output)
    var information = stat()
    guard lstat(file, &information) != 0 else {
      throw ControlError.conflict(
        "--output: \(output) exists (a new file expected). Choose another name, or remove it.")
    }
    let folder = String(file[..<(file.lastIndex(of: "/") ?? file.startIndex)])
    guard access(folder.isEmpty ? "/" : folder, W_OK | X_OK) == 0 else {
      throw ControlError.invalid(
        "--output: \(output): its folder \(folder) is missing or cannot be written "
          + "(\(String(cString: strerror(errno)))). Make it, or choose another one.")
    }
    return file
  }

  func run() throws {
    let meter = ProgressMeter()
    // End the progress line before anything else is written.
    defer { meter.finish() }
    let file = try newFile()
    let place = try RecipePlace(recipe, recipes: recipes, .ofThisProcess())
    let stop = StopSignal()
    try StopSignals.raise(stop)
    let work = try PreTraining(place.recipe, seed: seed, on: threads.machine)
    let bytes = try work.learn(stop: stop) { meter.show($0, Double($1) / Double($2)) }
    guard let bytes else {
      throw ControlError.interrupted("stopped: nothing was written. Run the command again.")
    }
    try DurableFile.write(bytes, to: file, mode: 0o644)
    meter.finish()
    try StandardOutput.write("\(output): \(Rounded.bytes(bytes.count)), SHA-256 \(bytes.sha256)\n")
  }
}
