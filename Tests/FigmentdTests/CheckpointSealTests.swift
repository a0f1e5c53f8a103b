import Compute
import Control
import FoundationEssentials
import Models
import Privacy
import Testing

@testable import Runs
@testable import figmentd

/// A checkpoint says which images it learnt from, and carries a checksum of its bytes.
@Suite struct CheckpointSealTests {
  private let bench: RunBench
  private var folder: CheckpointFolder { CheckpointFolder(path: bench.places.checkpoints) }

  /// A run that stopped at its tenth step.
  init() throws {
    bench = try RunBench()
    let stop = StopSignal()
    let ending = try bench.run(stop: stop) { report in
      if case .progress(let progress) = report, progress.phase == .train, progress.done >= 10 {
        stop.raise()
      }
    }
    #expect(!ending.isFinished)
  }

  /// Writes the newest checkpoint again, with other entries and a checksum that fits.
  private func rewrite(_ change: (inout [String: String]) -> Void) throws {
    let saved = try #require(try folder.newest())
    var checkpoint = saved.checkpoint
    change(&checkpoint.metadata)
    try DurableFile.write(try CheckpointSeal.encode(checkpoint), to: saved.path)
  }

  private func refusal() throws -> String {
    let spent = try bench.history().spent
    let error = #expect(throws: ControlError.self) { try bench.run() }
    #expect(try bench.history().spent == spent)
    return error?.message ?? ""
  }

  @Test func aCheckpointThatDoesNotNameItsImagesIsRefused() throws {
    try rewrite { $0["figment_images"] = nil }
    let message = try refusal()
    #expect(message.contains("it does not say which images it learnt from"), "\(message)")
  }

  @Test func aCheckpointThatPassesForAFormerOneIsRefused() throws {
    try rewrite {
      $0["figment_images"] = nil
      $0["figment_format"] = nil
    }
    let message = try refusal()
    #expect(message.contains("in format 0, and its run began in format 2"), "\(message)")
  }

  @Test func aCheckpointWithoutItsChecksumCountsAsDamaged() throws {
    let saved = try #require(try folder.newest())
    var checkpoint = saved.checkpoint
    checkpoint.metadata["figment_sha256"] = nil
    try DurableFile.write(try Safetensors.encode(checkpoint), to: saved.path)
    let older = try #require(try folder.newest())
    #expect(older.step < saved.step && older.damaged == 1)
  }

  @Test func anyFlippedBitIsNoticed() throws {
    let saved = try #require(try folder.newest())
    let whole = try DurableFile.read(saved.path)
    #expect(CheckpointSeal.isIntact(whole) == true)
    let header = 8 + Int(whole[0]) + Int(whole[1]) << 8
    let places = [
      header, header + 1, whole.count - 1, (header + whole.count) / 2,
      whole.firstRange(of: Data("\"step\":\"".utf8))?.upperBound ?? 0, 9,
    ]
    for place in places {
      for bit in [0, 3, 6] {
        var flipped = whole
        flipped[place] ^= 1 << UInt8(bit)
        try DurableFile.write(flipped, to: saved.path)
        let newest = try #require(try folder.newest(), "byte \(place)")
        #expect(newest.step < saved.step && newest.damaged == 1, "byte \(place), bit \(bit)")
      }
    }
    try DurableFile.write(whole, to: saved.path)
    #expect(try folder.newest()?.step == saved.step)
  }

  /// The Python package reads the same bytes: a header whose entries are text, and tensors behind it.
  @Test func theChecksumIsOneMoreTextEntry() throws {
    let saved = try #require(try folder.newest())
    let checkpoint = try Safetensors.decode(try DurableFile.read(saved.path))
    #expect(checkpoint.metadata["figment_sha256"]?.count == 64)
    #expect(checkpoint.tensors == saved.checkpoint.tensors)
    #expect(try bench.run().isFinished)
  }

  @Test func aRunOfWhichEveryCheckpointIsDamagedIsRefused() throws {
    for name in try DurableFile.names(in: bench.places.checkpoints) {
      try DurableFile.write(Data("damaged".utf8), to: "\(bench.places.checkpoints)/\(name)")
    }
    let message = try refusal()
    #expect(message.contains("none of its checkpoints can be read"), "\(message)")
  }
}
