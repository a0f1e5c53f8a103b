import FoundationEssentials
import Glibc
import Models

/// The checkpoints of one run: each whole or not there, the newest two kept.
struct CheckpointFolder {
  /// The folder.
  let path: String
  private static let kept = 2
  private static let prefix = "step-"
  private static let suffix = ".safetensors"
  /// Where the metadata of a checkpoint tell its format; `format` itself has a meaning for readers
  /// of safetensors.
  private static let formatKey = "figment_format"

  /// A checkpoint and the step that it holds.
  struct Saved {
    let step: Int
    let checkpoint: Checkpoint
  }

  /// Writes the state after a step, and removes older ones.
  func save(_ model: any GenerativeModel, step: Int) throws {
    try DurableFile.makeFolder(path)
    var checkpoint = Checkpoint()
    model.save(into: &checkpoint)
    checkpoint.metadata["step"] = String(step)
    checkpoint.metadata[Self.formatKey] = String(StateFormat.current)
    try DurableFile.write(try Safetensors.encode(checkpoint), to: file(of: step))
    for old in try steps().dropLast(Self.kept) { unlink(file(of: old)) }
  }

  /// The newest checkpoint that can be read; nil when there is none.
  ///
  /// - Throws: `ControlError` when a later version wrote it: to go on from an older one would lose
  ///   steps that were paid for.
  func newest() throws -> Saved? {
    for step in try steps().reversed() {
      guard let data = try? DurableFile.read(file(of: step)),
        let checkpoint = try? Safetensors.decode(data),
        let noted: Int = try? checkpoint.value("step"), noted == step
      else { continue }
      if let format: Int = try? checkpoint.value(Self.formatKey) {
        try StateFormat.check(format, of: file(of: step))
      }
      return Saved(step: step, checkpoint: checkpoint)
    }
    return nil
  }

  /// Removes all checkpoints, and nothing else that may lie there.
  func clear() throws { for step in try steps() { unlink(file(of: step)) } }

  private func steps() throws -> [Int] {
    try DurableFile.names(in: path).compactMap { name in
      guard name.hasPrefix(Self.prefix), name.hasSuffix(Self.suffix) else { return nil }
      return Int(name.dropFirst(Self.prefix.count).dropLast(Self.suffix.count))
    }.filter { $0 >= 0 }.sorted()
  }

  private func file(of step: Int) -> String {
    "\(path)/\(Self.prefix)\(step)\(Self.suffix)"
  }
}
