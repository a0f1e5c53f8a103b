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
  ///
  /// They have this name only after they were compared.
  static let pack = "public.pack"
  /// The packed images before they are compared: a private one may be among them.
  static let unchecked = "public-unchecked.pack"
  /// The private images that a run leaves out, and the others, while they are compared.
  static let everyPrivate = "private-all.pack"

  /// The folder.
  let folder: SideFolder
  /// The folder of the private images.
  let privateFolder: SideFolder
  /// How a run reads the private images.
  let rules: DatasetRules
  /// Receives what only the owner of the images may know.
  let tellOwner: (String) -> Void

  /// The images in the form of `snapshot`, as the first attempt found them.
  ///
  /// - Parameter place: the run's internal folder.
  /// - Throws: `ControlError` for a folder that shares an image with `snapshot`, or has none.
  func images(
    besides snapshot: DatasetSnapshot, in place: String, on machine: Machine
  ) throws -> PublicImages {
    let (pack, unchecked) = ("\(place)/\(Self.pack)", "\(place)/\(Self.unchecked)")
    if try DurableFile.names(in: place).contains(Self.pack) {
      return PublicImages(declaredPublic: try DatasetSnapshot(opening: pack))
    }
    try requireNoRunAround()
    defer { unlink(unchecked) }
    let packed: DatasetSnapshot
    do {
      packed = try folder.pack(
        under: DatasetRules(), like: snapshot, in: place, named: Self.unchecked, on: machine)
    } catch let error as DatasetError where error.isWantOfImages {
      throw ControlError.failed("public images: \(error.description)")
    }
    try requireNone(of: privateImages(with: snapshot, in: place, on: machine), in: packed)
    try systemCall("rename", unchecked) { rename(unchecked, pack) }
    return PublicImages(declaredPublic: packed)
  }

  /// Removes the packed images of a finished run.
  static func remove(from place: String) { unlink("\(place)/\(pack)") }

  /// Refuses images in the internal folder of a run: what a run without privacy draws shows its private images, and no
  /// comparison with those would find it.
  private func requireNoRunAround() throws {
    var place = folder.root[...]
    while let slash = place.lastIndex(of: "/") {
      guard access("\(place)/\(ResolvedPlan.fileName)", F_OK) != 0 else {
        throw ControlError.refusedByPolicy(
          "public images: \(folder.root) lies in the internal folder of a run (images that show no private one expected). "
            + "Name another folder.")
      }
      place = place[..<slash]
    }
  }

  /// The hashes of all private images, also of those that the run leaves out: over the limit of a person, or in
  /// classes that are not named.
  private func privateImages(
    with snapshot: DatasetSnapshot, in place: String, on machine: Machine
  ) throws -> Set<ContentHash> {
    var hashes = Self.hashes(of: snapshot)
    guard let every = rules.leavingNoneOut else { return hashes }
    defer { unlink("\(place)/\(Self.everyPrivate)") }
    hashes.formUnion(
      Self.hashes(
        of: try privateFolder.pack(
          under: every, like: snapshot, in: place, named: Self.everyPrivate, on: machine)))
    return hashes
  }

  private static func hashes(of images: DatasetSnapshot) -> Set<ContentHash> {
    Set((0..<images.count).map { hash(of: $0, in: images) })
  }

  private static func hash(of place: Int, in images: DatasetSnapshot) -> ContentHash {
    ContentHash(of: UnsafeRawBufferPointer(images.pixels(of: place)))
  }

  private func requireNone(of own: Set<ContentHash>, in packed: DatasetSnapshot) throws {
    let shared = (0..<packed.count).count { own.contains(Self.hash(of: $0, in: packed)) }

    guard shared == 0 else {
      // People who may not see the images read why a job failed: no number of files.
      tellOwner(
        "\(shared) of the \(packed.count) images in \(folder.root), which is declared public, are among the private images."
      )
      throw ControlError.refusedByPolicy(
        "public images: some are among the private images too (none expected). What is learnt from public images "
          + "is not protected. Remove them from one of the folders.")
    }
  }
}
