import ArgumentParser
import Control
import FoundationEssentials
import Glibc

/// Writes a picture of real images as a recipe transforms them.
struct Preview: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Write a sheet of real images as a recipe transforms them. Do not share it.",
    discussion: """
      A recipe crops and resizes images and may convert them to grey. Look at the sheet before you \
      spend a budget: a model cannot learn what the sheet does not show. Each class has its own rows.
      """)

  @OptionGroup var global: GlobalOptions

  @Argument(help: "The dataset.", completion: Completions.datasets)
  var dataset: String

  @Option(
    help: "The recipe; 'figment recipes' lists them. (default: 64x64 pixels, colour)",
    completion: Completions.recipes)
  var recipe: String?

  @Option(
    name: .shortAndLong, help: "The file to write. (default: DATASET-preview.png)",
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

  /// Describes the sheet.
  static func lines(of sheet: PreviewSheet, at path: String) -> [String] {
    let form =
      "\(sheet.width)x\(sheet.height) pixels, \(sheet.channels == 1 ? "grey" : "colour")"
      + (sheet.levels.map { ", \($0) levels" } ?? "")
    let recipe = sheet.recipe.map { "as recipe \($0) transforms them" } ?? "in a common form"
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

  /// The sheet without its pixels, which are in the file.
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

/// Writes files that show real images: only their owner may read them.
enum PrivateFile {
  /// The number of bytes at the start of a file that are searched for a mark.
  private static let markBytes = 4096

  /// Writes a file atomically.
  ///
  /// Unlike files of the daemon (`FileDisk.replace` of `Runs`, a room that this program must not see) it is
  /// not flushed to disk: after a power failure the user can ask for it again.
  ///
  /// - Parameter mark: the text that an existing file must contain to be replaced; nil replaces any
  ///   regular file.
  /// - Throws: `ControlError.conflict` if another file exists; `.failed` if writing fails.
  static func write(
    _ data: Data, to path: String, inPlaceOfFilesWith mark: String? = nil
  ) throws(ControlError) {
    guard mayReplace(path, mark) else {
      throw .conflict(
        "\(path): the file exists and is not from this command (no file, or an earlier one of this "
          + "command, expected). It is kept. Choose another file with --output.")
    }
    let temporary = "\(path).\(getpid()).tmp"
    guard writeNew(data, to: temporary), rename(temporary, path) == 0 else {
      unlink(temporary)
      throw ControlError.failed(
        "\(path): cannot be written. Choose a file in a folder that you may write.")
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

  /// Writes all bytes to a new file; returns whether that succeeded.
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
