import ArgumentParser
import Control
import Datasets
import Runs

/// Draws the small image set of `make demo`.
struct DrawGlyphsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "draw-glyphs",
    abstract: "Write a small set of images of shapes, with a folder for each class.")

  @Argument(help: "The folder to write; it must be new or empty.", completion: .directory)
  var output: String

  @Option(parsing: .unconditional, help: "Total number of images.")
  var count = 5000

  @Option(parsing: .unconditional, help: "The random seed.")
  var seed: UInt64 = 1

  func validate() throws {
    guard count > 0 else { throw ValidationError("--count: \(count) given (1 or more expected).") }
  }

  func run() throws {
    // The files have common names; never overwrite images of somebody else.
    let found = (try? DurableFile.names(in: output)) ?? []
    guard found.isEmpty else {
      throw ControlError.conflict(
        "\(output): not empty (a new or empty folder expected). Choose another folder.")
    }
    try GlyphGenerator(seed: seed).write(count: count, to: output)
    let classes = try DurableFile.names(in: output).count
    try StandardOutput.write(
      "\(Rounded.count(count)) images in \(Rounded.count(classes)) classes: \(output)\n")
  }
}
