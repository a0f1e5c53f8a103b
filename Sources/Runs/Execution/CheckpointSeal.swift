import Datasets
import FoundationEssentials
import Models

/// The checksum that a checkpoint carries, so that a bit which a disk flipped is noticed: a wrong weight is a
/// number as good as the right one.
///
/// It is SHA-256 over the whole file, header and tensors, with 64 zeros in its own place. Other readers of
/// safetensors see one more text entry. It holds against damage, not against whoever may write the file.
enum CheckpointSeal {
  /// Where the metadata hold the digits.
  static let key = "figment_sha256"
  private static let blank = String(repeating: "0", count: 64)
  private static let opening = Data("\"\(key)\":\"".utf8)

  /// The bytes of a checkpoint with its checksum.
  static func encode(_ checkpoint: Checkpoint) throws -> Data {
    var blankOne = checkpoint
    blankOne.metadata[key] = blank
    var file = try Safetensors.encode(blankOne)
    guard let place = place(in: file) else {
      preconditionFailure("an encoded checkpoint has its metadata")
    }
    file.replaceSubrange(place, with: digest(of: file, without: place).utf8)
    return file
  }

  /// Whether a file carries the checksum of its own bytes; nil if it carries none, as those of earlier versions.
  static func isIntact(_ file: Data) -> Bool? {
    guard let place = place(in: file) else { return nil }
    return digest(of: file, without: place).utf8.elementsEqual(file[place])
  }

  private static func digest(of file: Data, without place: Range<Data.Index>) -> String {
    let hash = SHA256()
    file[..<place.lowerBound].withUnsafeBytes { hash.update($0) }
    hash.update(Array(blank.utf8))
    file[place.upperBound...].withUnsafeBytes { hash.update($0) }
    return hash.finish().description
  }

  /// Where the digits stand: in the header alone, which holds quotes of texts behind a backslash, so that
  /// only a key can match.
  private static func place(in file: Data) -> Range<Data.Index>? {
    let length = file.prefix(8).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    guard file.count > 8, length <= UInt64(Safetensors.maximumHeaderLength) else { return nil }
    let header = file.dropFirst(8).prefix(Int(length))
    guard let start = header.firstRange(of: opening)?.upperBound,
      header.endIndex - start > blank.utf8.count
    else { return nil }
    return start..<(start + blank.utf8.count)
  }
}
