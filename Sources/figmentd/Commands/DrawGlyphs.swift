import ArgumentParser
import Datasets

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
    try GlyphGenerator(seed: seed).write(count: count, to: output)
  }
}
