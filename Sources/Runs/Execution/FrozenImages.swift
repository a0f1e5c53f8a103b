import Control
import Datasets
import FoundationEssentials

/// The frozen images of a run: the packed pixels, and the secret name that the plan and the ledger use for
/// them.
///
/// A hash of the images would be a commitment to the exact training set: an attacker who has all images but
/// one could try candidates for the last and decide membership. Every release contains the ledger's hash, so
/// nothing that depends on the images enters the ledger. The true digest stays in `images.json`, beside the
/// pixels, and only there.
struct FrozenImages {
  /// The pixels.
  let snapshot: DatasetSnapshot
  /// 256 random bits that stand for the images; never released.
  let name: String

  private struct Identity: Codable {
    let name: String
    let digest: String
  }

  private static let pack = "images.pack"
  private static let identityName = "images.json"

  /// Packs the images of the listed files into `folder` under a new name.
  ///
  /// The caller draws `name` at random; it is not computed from the images.
  static func build(
    _ builder: SnapshotBuilder, of listing: FolderScan, named name: String, in folder: String
  ) throws -> (images: FrozenImages, files: [InspectedFile]) {
    let result = try builder.build(in: folder, named: pack, listing: listing)
    return (try seal(result.snapshot, named: name, in: folder), result.files)
  }

  /// Packs the rows of a root of tables into `folder` under a new name.
  static func build(
    _ builder: TableSnapshotBuilder, named name: String, in folder: String
  ) throws -> FrozenImages {
    try seal(builder.build(in: folder, named: pack).snapshot, named: name, in: folder)
  }

  private static func seal(
    _ snapshot: DatasetSnapshot, named name: String, in folder: String
  ) throws -> FrozenImages {
    let identity = Identity(name: name, digest: "\(snapshot.digest)")
    try DurableFile.write(
      try ControlCoding.encodeForPeople(Formatted(identity)), to: "\(folder)/\(identityName)")
    return FrozenImages(snapshot: snapshot, name: name)
  }

  /// Opens the images that an earlier attempt froze, and checks that they belong to `name`.
  ///
  /// Runs of earlier versions used the digest itself as the name, and have no `images.json`.
  static func open(named name: String, in folder: String, run: String) throws -> FrozenImages {
    let snapshot = try DatasetSnapshot(opening: "\(folder)/\(pack)")
    let digest = "\(snapshot.digest)"
    let identity =
      try DurableFile.names(in: folder).contains(identityName)
      ? StateFormat.read(Identity.self, at: "\(folder)/\(identityName)")
      : Identity(name: digest, digest: digest)
    guard identity.digest == digest, identity.name == name else {
      throw ControlError.failed(
        "run \(run): its frozen images are not those it began with (\(folder)/\(pack) and \(identityName) as the "
          + "run left them expected). Restore them, or start a new run.")
    }
    return FrozenImages(snapshot: snapshot, name: name)
  }
}
