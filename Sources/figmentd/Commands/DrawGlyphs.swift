import ArgumentParser
import Control
import Datasets
import Runs

/// Draws the small image set of `make demo`.
struct DrawGlyphsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "draw-glyphs", abstract: "Draw a small image set of shapes in class folders.")

  @Argument(help: "The folder to write into.", completion: .directory)
  var output: String

  @Option(parsing: .unconditional, help: "Images in all.")
  var count = 5000

  @Option(parsing: .unconditional, help: "Decides every image.")
  var seed: UInt64 = 1

  func validate() throws {
    guard count > 0 else { throw ValidationError("--count: \(count) given (1 or more expected).") }
  }

  func run() throws {
    // Its files have plain names, which images of somebody else may have, too.
    let found = (try? DurableFile.names(in: output)) ?? []
    guard found.isEmpty else {
      throw ControlError.conflict(
        "\(output): not empty (a new or empty folder expected). Name another folder.")
    }
    try GlyphGenerator(seed: seed).write(count: count, to: output)
    let classes = try DurableFile.names(in: output).count
    try StandardOutput.write(
      "\(Rounded.count(count)) images in \(Rounded.count(classes)) classes: \(output)\n")
  }
}
