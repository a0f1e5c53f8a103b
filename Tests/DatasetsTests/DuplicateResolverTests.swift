import Compute
import Testing

@testable import Datasets

/// The guarantee for one unit depends on this: adding a unit to a folder changes the set of images
/// only by that unit.
@Suite struct DuplicateResolverTests {
  private struct File {
    let path: RelativePath
    let record: SnapshotRecord
  }

  private struct Key: Hashable {
    let hash: ContentHash
    let label: UInt32
    let person: [UInt8]?
  }

  private func accepted(_ files: [File]) -> [Key: Int] {
    let ordered = files.sorted { $0.path < $1.path }
    var resolver = DuplicateResolver()
    for file in ordered { resolver.note(file.record, at: file.path) }
    return ordered.reduce(into: [:]) { counts, file in
      guard resolver.verdict(on: file.record, at: file.path) == nil else { return }
      let record = file.record
      counts[Key(hash: record.hash, label: record.label, person: record.person), default: 0] += 1
    }
  }

  private func distance(_ left: [Key: Int], _ right: [Key: Int]) -> Int {
    Set(left.keys).union(right.keys).reduce(0) {
      $0 + abs(left[$1, default: 0] - right[$1, default: 0])
    }
  }

  /// A file with one of a few contents and classes, so that copies and contradictions are frequent.
  private func file(_ random: inout SeededStream, person: [UInt8]?) -> File {
    let content = UInt8(random.next() % 4)
    let label = UInt32(random.next() % 3)
    let name = "\(label)/\(random.next())"
    let hash = [content].withUnsafeBytes { ContentHash(of: $0) }
    return File(
      path: RelativePath(name), record: SnapshotRecord(hash: hash, label: label, person: person))
  }

  @Test func addingOneFileMovesAtMostOneImage() {
    var random = SeededStream(seed: 12)
    var distances: Set<Int> = []
    for _ in 0..<4_000 {
      let count = Int(random.next() % 7)
      let files = (0..<count).map { _ in file(&random, person: nil) }
      let before = accepted(files)
      #expect(before.values.allSatisfy { $0 == 1 })
      distances.insert(distance(before, accepted(files + [file(&random, person: nil)])))
    }
    #expect(distances == [0, 1])
  }

  @Test func addingAPersonChangesNobodyElse() {
    var random = SeededStream(seed: 13)
    for _ in 0..<2_000 {
      let files = (0..<8).map { _ in file(&random, person: [UInt8(random.next() % 3)]) }
      let added = (0..<3).map { _ in file(&random, person: [77]) }
      let others = accepted(files + added).filter { $0.key.person != [77] }
      #expect(others == accepted(files))
    }
  }
}
