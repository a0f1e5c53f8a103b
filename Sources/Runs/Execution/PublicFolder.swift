import Compute
import Control
import Datasets
import Glibc
import Models

/// The folder of images that an administrator declares public, packed in the form of a run's own images.
///
/// A public image may be learnt from without noise. If it were one of the private images too, the release would
/// reveal that one, so a folder that shares an image with the private ones is refused. Images are compared after
/// their conversion: the same picture in another lossless file format is found; one that was cut or compressed anew is
/// not.
struct PublicFolder {
  /// The packed images, beside the private ones; they stay for later attempts, which must learn from the same.
  static let pack = "public.pack"

  /// The folder; it is read, never written.
  let root: String
  /// Makes a decoder for images that may be hostile.
  let makeDecoder: @Sendable () throws -> any ImageDecoder
  let stop: StopSignal
  /// Called with the progress of decoding.
  let report: @Sendable (JobReport) -> Void
  /// Receives what only the owner of the images may know.
  let tellOwner: (String) -> Void

  /// The images in the form of `snapshot`, as the first attempt found them.
  ///
  /// - Parameter folder: the run's internal folder.
  /// - Throws: `ControlError` for a folder that shares an image with `snapshot`, or has none.
  func images(
    besides snapshot: DatasetSnapshot, in folder: String, on machine: Machine
  ) throws -> PublicImages {
    if try DurableFile.names(in: folder).contains(Self.pack) {
      let packed = try DatasetSnapshot(opening: "\(folder)/\(Self.pack)")
      if (try? requireNoneOf(snapshot, in: packed)) != nil {
        return PublicImages(declaredPublic: packed)
      }
      // A kill came between packing and the check; the folder may be clean by now.
      Self.remove(from: folder)
    }
    let packed = try build(like: snapshot, in: folder, on: machine)
    do {
      try requireNoneOf(snapshot, in: packed)
    } catch {
      Self.remove(from: folder)
      throw error
    }
    return PublicImages(declaredPublic: packed)
  }

  /// Removes the packed images of a finished run.
  static func remove(from folder: String) { unlink("\(folder)/\(pack)") }

  private func build(
    like snapshot: DatasetSnapshot, in folder: String, on machine: Machine
  ) throws -> DatasetSnapshot {
    var builder = SnapshotBuilder(
      root: root, rules: DatasetRules(), transform: snapshot.transform,
      threadCount: machine.threads.threadCount)
    builder.makeDecoder = makeDecoder
    builder.isStopped = { [stop] in stop.isRaised }
    builder.onProgress = { [report] progress in
      report(.progress(JobProgress(phase: .decode, done: progress.finished, total: progress.total)))
    }
    do {
      return try builder.build(in: folder, named: Self.pack).snapshot
    } catch let error as DatasetError where error.isWantOfImages {
      throw ControlError.failed("public images: \(error.description)")
    }
  }

  private func requireNoneOf(_ snapshot: DatasetSnapshot, in packed: DatasetSnapshot) throws {
    let hash = { (images: DatasetSnapshot, place: Int) in
      ContentHash(of: UnsafeRawBufferPointer(images.pixels(of: place)))
    }
    let own = Set((0..<snapshot.count).map { hash(snapshot, $0) })
    let shared = (0..<packed.count).count { own.contains(hash(packed, $0)) }
    guard shared == 0 else {
      // People who may not see the images read why a job failed: no number of files.
      tellOwner(
        "\(shared) of the \(packed.count) images in \(root), which is declared public, are among the private images."
      )
      throw ControlError.refusedByPolicy(
        "public images: some are among the private images too (none expected). What is learnt from public images "
          + "is not protected. Remove them from one of the folders.")
    }
  }
}
