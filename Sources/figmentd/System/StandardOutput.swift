import Control
import FoundationEssentials
import Runs

/// Writes the output of commands.
enum StandardOutput {
  /// Writes a line; ignores a closed output.
  static func writeLine(_ text: String) {
    try? write(text + "\n")
  }

  /// Writes one JSON object on a line.
  static func write(json value: some Encodable) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    try write(String(decoding: encoder.encode(value), as: UTF8.self) + "\n")
  }

  /// Writes the results of a command: one JSON object, or `headline` and a line for each output.
  static func write(_ results: JobResults, json: Bool, headline: String) throws {
    let text =
      if json {
        String(decoding: try ControlCoding.encodeForPeople(results), as: UTF8.self)
      } else {
        ([headline] + results.outputs.map { "\($0.kind): \($0.path)" }).joined(separator: "\n")
      }
    try write(text + "\n")
  }

  /// Writes all of `text`, or throws, because a full disk must not look like success.
  static func write(_ text: String) throws {
    try DurableFile.writeAll(Data(text.utf8), to: 1, of: "standard output")
  }
}
