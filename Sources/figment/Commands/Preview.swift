import ArgumentParser
import Control
import FoundationEssentials
import Glibc

/// Shows what a recipe makes of the images.
struct Preview: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Write a sheet of real images as a recipe makes them; it must not be shared.",
    discussion: """
      A recipe crops, resizes and may drop colours. Look at the sheet before a budget is spent: what \
      cannot be seen there cannot be learned. Each class has rows of its own, from top to bottom.
      """)

  @OptionGroup var global: GlobalOptions

  @Argument(help: "The dataset.", completion: Completions.datasets)
  var dataset: String

  @Option(
    help: "The recipe; 'figment recipes' lists them. (default: 64x64 pixels, colour)",
    completion: Completions.recipes)
  var recipe: String?

  @Option(
    name: .shortAndLong, help: "Where the sheet is written. (default: DATASET-preview.png)",
    completion: .file(extensions: ["png"]))
  var output: String?

  func run() async throws {
    try await global.run { client, console in
      let sheet = try await client.preview(of: dataset, recipe: recipe)
      let path = output ?? "\(sheet.dataset)-preview.png"
      try PrivateFile.write(sheet.png, to: path, inPlaceOfFilesWith: PreviewSheet.mark)
      if global.json {
        try console.json(Written(sheet, at: path))
      } else {
        for line in Self.lines(of: sheet, at: path) { console.paragraph(line) }
      }
    }
  }

  /// What is on the sheet, for people.
  static func lines(of sheet: PreviewSheet, at path: String) -> [String] {
    let form =
      "\(sheet.width)x\(sheet.height) pixels, \(sheet.channels == 1 ? "grey" : "colour")"
    let recipe = sheet.recipe.map { "as recipe \($0) makes them" } ?? "in a common form"
    var lines = [
      "\(Rounded.count(sheet.images)) images of \(sheet.dataset) \(recipe) (\(form)): \(path)",
      "Classes from top to bottom: \(sheet.classes.joined(separator: ", ")).",
    ]
    if sheet.classCount > sheet.classes.count {
      lines[1] += " \(Rounded.count(sheet.classCount - sheet.classes.count)) more are not shown."
    }
    lines += sheet.missing.map { "Not shown, \($0)" }
    lines.append("The sheet shows real images. Do not share it.")
    return lines
  }

  /// The sheet without its pixels, which are in a file.
  private struct Written: Encodable {
    let dataset: String, recipe: String?, height: Int, width: Int, channels: Int
    let classes: [String], images: Int, missing: [String], path: String

    init(_ sheet: PreviewSheet, at path: String) {
      dataset = sheet.dataset
      recipe = sheet.recipe
      height = sheet.height
      width = sheet.width
      channels = sheet.channels
      classes = sheet.classes
      images = sheet.images
      missing = sheet.missing
      self.path = path
    }
  }
}

/// Files that show real images: their owner alone may read them.
enum PrivateFile {
  /// Where a mark is looked for, from the beginning of a file.
  private static let markBytes = 4096

  /// Writes a file whole or not at all.
  ///
  /// Not flushed to disk as files of the daemon are (`FileDisk.replace` of `Runs`, a room that this program
  /// must not see): what is lost with the power can be asked for again.
  ///
  /// - Parameter mark: what a file that is there already must contain to be replaced; nil replaces any
  ///   regular file.
  /// - Throws: `ControlError.conflict` where something else is there; `.failed`.
  static func write(
    _ data: Data, to path: String, inPlaceOfFilesWith mark: String? = nil
  ) throws(ControlError) {
    guard mayReplace(path, mark) else {
      throw .conflict(
        "\(path): another file is there and is kept (no file, or an earlier one of this command, "
          + "expected). Name another file with --output.")
    }
    let temporary = "\(path).\(getpid()).tmp"
    guard writeNew(data, to: temporary), rename(temporary, path) == 0 else {
      unlink(temporary)
      throw ControlError.failed("\(path): cannot be written. Name a file in a folder of yours.")
    }
  }

  private static func mayReplace(_ path: String, _ mark: String?) -> Bool {
    var status = stat()
    guard lstat(path, &status) == 0 else { return true }
    guard status.st_mode & S_IFMT == S_IFREG else { return false }
    guard let mark else { return true }
    let file = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
    guard file >= 0 else { return false }
    defer { close(file) }
    var head = [UInt8](repeating: 0, count: markBytes)
    let count = max(0, read(file, &head, head.count))
    return head[..<count].firstRange(of: Array(mark.utf8)) != nil
  }

  /// Whether all bytes are in a new file.
  private static func writeNew(_ data: Data, to path: String) -> Bool {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { return false }
    defer { close(descriptor) }
    var rest = Array(data)[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      guard count > 0 else { return false }
      rest = rest.dropFirst(count)
    }
    return true
  }
}
