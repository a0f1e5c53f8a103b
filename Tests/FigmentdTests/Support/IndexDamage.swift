import Control
import Datasets
import FoundationEssentials
import Glibc

@testable import Runs
@testable import figmentd

/// Damage to the file of an index.
enum IndexDamage {
  /// Fills an index beyond the cache of a connection, so that it must read the file.
  static func fill(_ index: ImageIndex, _ dataset: String, count: Int = 40_000) throws {
    let files = (0..<count).map { number in
      IndexedFile(
        row: FileRow(path: "a/\(number).png", className: "a", bytes: 10, verdict: "ok"),
        signature: FileSignature(device: 1, inode: 1, size: 10, modified: 1, changed: 1),
        contentHash: Data(repeating: UInt8(number % 251), count: 32))
    }
    try index.replace(files, of: dataset)
  }

  /// Overwrites all pages of a file but the first two, like a bad disk or a stray program.
  static func overwritePages(of path: String) throws {
    let file = try systemCall("open", path) { open(path, O_WRONLY) }
    defer { close(file) }
    let size = Int(lseek(file, 0, SEEK_END))
    let noise = (0..<4096).map { UInt8(truncatingIfNeeded: $0 &* 167 &+ 13) }
    for place in stride(from: 8192, to: size, by: 4096) {
      try systemCall("pwrite", path) { pwrite(file, noise, noise.count, off_t(place)) }
    }
  }
}
