import Control
package import FoundationEssentials
import Glibc
package import Models

/// The checkpoints of one run: each is complete or absent, and the newest two are kept.
package struct CheckpointFolder {
  /// The folder.
  package let path: String
  private static let kept = 2
  private static let prefix = "step-"
  private static let suffix = ".safetensors"
  /// The metadata key of the format; readers of safetensors use `format` for something else.
  private static let formatKey = "figment_format"
  /// The metadata key of the secret name of the training images; checkpoints are never released.
  private static let imagesKey = "figment_images"
  /// The metadata key of the phase that wrote the checkpoint.
  private static let phaseKey = "figment_phase"
  /// The metadata key of the steps that were made, over all phases; crashes cost the others.
  private static let madeKey = "figment_steps_made"
  /// The size limit for reading, in bytes: the parameters of the largest possible model, with an optimizer's
  /// moments and an average of each.
  private static let largest = 6 << 30

  /// A checkpoint and its place in the run.
  package struct Saved {
    /// The step, counted over all phases of the run.
    let step: Int
    /// The name of the phase; nil in checkpoints of earlier versions, whose runs had one.
    let phase: String?
    /// The steps that were made, over all phases; nil in checkpoints of earlier versions.
    let made: Int?
    let checkpoint: Checkpoint
    /// The format in which it was written; 0 in checkpoints of versions that wrote no number.
    let format: Int
    /// The number of newer ones that could not be read.
    let damaged: Int
    /// The file.
    let path: String

    /// Restores the state that was saved in a run of this plan.
    ///
    /// The plan knows in which format the run began, so that a checkpoint of a later run cannot pass for a
    /// former one, which carried neither the name of its images nor a checksum.
    ///
    /// - Throws: `ControlError` when the state is of another model, was learnt from other images, or does not
    ///   name them: another run's ledger may hold its cost.
    package func restore(_ model: any GenerativeModel, of plan: ResolvedPlan) throws {
      guard format >= plan.format else {
        throw ControlError.failed(
          "\(path): a checkpoint in format \(format), and its run began in format \(plan.format) (at least "
            + "that expected). It was changed, or it belongs to another run. Move it away and restore this "
            + "run's own, or start a new run.")
      }
      let found = checkpoint.metadata[CheckpointFolder.imagesKey]
      if found == nil, format >= StateFormat.namedImages {
        throw ControlError.failed(
          "\(path): it does not say which images it learnt from (an entry \(CheckpointFolder.imagesKey) "
            + "expected). It was changed, or it belongs to another run. Move it away and restore this run's "
            + "own, or start a new run.")
      }
      if let found, found != plan.snapshot {
        throw ControlError.failed(
          "\(path): a checkpoint of another run (one that learnt from this run's images expected). Move it "
            + "away and restore this run's own, or start a new run.")
      }
      do {
        try model.restore(from: checkpoint)
      } catch {
        throw ControlError.failed("\(path): \(ControlError(error).message)")
      }
    }
  }

  /// Writes a file durably.
  package var write: @Sendable (_ data: Data, _ path: String) throws -> Void = {
    try DurableFile.write($0, to: $1)
  }

  /// The folder of one run; `write` writes a file durably.
  package init(
    path: String,
    write: @escaping @Sendable (_ data: Data, _ path: String) throws -> Void = {
      try DurableFile.write($0, to: $1)
    }
  ) {
    self.path = path
    self.write = write
  }

  /// Writes the state after a step of a phase, and removes older checkpoints.
  ///
  /// - Parameters:
  ///   - step: the place in the plan, counted over all phases of the run.
  ///   - made: steps that were made, over all phases.
  ///   - images: the secret name of the frozen images that the model learnt from.
  func save(
    _ model: any GenerativeModel, step: Int, phase: String, made: Int, learntFrom images: String
  ) throws {
    try DurableFile.makeFolder(path)
    var checkpoint = Checkpoint()
    model.save(into: &checkpoint)
    checkpoint.metadata["step"] = String(step)
    checkpoint.metadata[Self.phaseKey] = phase
    checkpoint.metadata[Self.madeKey] = String(made)
    checkpoint.metadata[Self.formatKey] = String(StateFormat.current)
    checkpoint.metadata[Self.imagesKey] = images
    try write(try CheckpointSeal.encode(checkpoint), file(of: step))
    for old in try steps().dropLast(Self.kept) { unlink(file(of: old)) }
  }

  /// The newest readable checkpoint; nil when there is none.
  ///
  /// - Throws: `ControlError` when a later version wrote it: continuing from an older one would lose paid
  ///   steps.
  package func newest() throws -> Saved? {
    for (place, step) in try steps().reversed().enumerated() {
      guard let data = try? DurableFile.read(file(of: step), atMost: Self.largest),
        CheckpointSeal.isIntact(data) ?? true,
        let checkpoint = try? Safetensors.decode(data),
        let noted: Int = try? checkpoint.value("step"), noted == step
      else { continue }
      let format = (try? checkpoint.count(Self.formatKey)) ?? 0
      try StateFormat.check(format, of: file(of: step))
      // Without its checksum it is as damaged as with a wrong one.
      if format >= StateFormat.sealedCheckpoints, checkpoint.metadata[CheckpointSeal.key] == nil {
        continue
      }
      return Saved(
        step: step, phase: checkpoint.metadata[Self.phaseKey],
        made: try? checkpoint.count(Self.madeKey), checkpoint: checkpoint, format: format,
        damaged: place, path: file(of: step))
    }
    return nil
  }

  /// Whether there are checkpoints, readable or not.
  package func hasFiles() throws -> Bool { try !steps().isEmpty }

  /// The size of the largest checkpoint in bytes; 0 when there is none.
  func largestBytes() throws -> Int {
    try steps().map { step in
      var information = stat()
      return stat(file(of: step), &information) == 0 ? Int(information.st_size) : 0
    }.max() ?? 0
  }

  /// Removes all checkpoints, and no other file in the folder.
  package func clear() throws { for step in try steps() { unlink(file(of: step)) } }

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
