import Datasets
import Foundation
import Glibc
import TestSupport
import Testing

@Suite struct HostileFolderTests {
  @Test func everyEntryOfAHostileFolderGetsAVerdict() throws {
    let folder = try TestFolder()
    let good = tinyPNG(1)
    try folder.write(good, "root/a/good.png")
    try folder.write(good, "root/a/copy of good.png")
    try folder.write(Array(good.dropLast(5)), "root/a/truncated.png")
    try folder.write(tinyPNG(2), "root/a/really a PNG.txt")
    try folder.write(Array("hello".utf8), "root/a/no image.jpg")
    try folder.write(Array("GIF89a, and so on".utf8), "root/a/gif.png")
    try folder.write([], "root/a/empty.png")
    var huge = tinyPNG(3)
    huge[16..<20] = [0x7f, 0xff, 0xff, 0xff]
    try folder.write(huge, "root/a/huge.png")
    try folder.write(tinyPNG(4, side: 1), "root/a/speck.png")
    try folder.write(tinyPNG(5), "root/a/.hidden.png")
    try folder.write(tinyPNG(5), "root/a/copying.PNG.Part")
    try folder.write(tinyPNG(5), "root/.trash/x.png")
    try folder.write(tinyPNG(6), "root/loose.png")
    try folder.write(tinyPNG(7), "root/a/deep/er/x.png")
    try folder.write(good, "root/b/good under another class.png")
    try folder.write(tinyPNG(8), "root/b/fine.png")
    try folder.write(tinyPNG(9), "outside.png")
    #expect(mkfifo(folder.path("root/a/pipe.png"), 0o600) == 0)
    #expect(symlink(folder.path("outside.png"), folder.path("root/a/link.png")) == 0)
    #expect(symlink(".", folder.path("root/a/loop")) == 0)
    #expect(symlink("self", folder.path("root/a/self")) == 0)
    let listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(listener) }
    try bind(listener, at: folder.path("root/a/s"))
    let odd: [UInt8] = [0xff, 0x0a, 0xfe]
    try writeRaw(tinyPNG(10), folder.path("root/b"), odd)

    let builder = SnapshotBuilder(root: folder.path("root"), transform: tinyTransform)
    let verdicts = try builder.inspect()
    let byPath = Dictionary(
      uniqueKeysWithValues: verdicts.map { ($0.path.description, $0.verdict) })
    let copy = RelativePath("a/copy of good.png")
    let other = RelativePath("b/good under another class.png")
    let expected: [String: ImageVerdict] = [
      "a/good.png": .contradictoryClass(with: other),
      "a/copy of good.png": .contradictoryClass(with: other),
      "b/good under another class.png": .contradictoryClass(with: copy),
      "a/truncated.png": .unreadable(.truncated),
      "a/really a PNG.txt": .accepted,
      "a/no image.jpg": .unreadable(.notAnImage),
      "a/gif.png": .unsupported(.gif),
      "a/empty.png": .unreadable(.empty),
      "a/huge.png": .tooLarge(.sideTooLong),
      "a/speck.png": .tooSmall,
      "a/.hidden.png": .ignored(.hidden),
      "a/copying.PNG.Part": .ignored(.unfinished),
      ".trash": .ignored(.hidden),
      "loose.png": .noClass,
      "a/deep/er/x.png": .accepted,
      "b/fine.png": .accepted,
      "a/pipe.png": .notRegularFile,
      "a/link.png": .notRegularFile,
      "a/loop": .notRegularFile,
      "a/self": .notRegularFile,
      "a/s": .notRegularFile,
      "b/\\xff\\x0a\\xfe": .accepted,
    ]
    #expect(byPath == expected)
    let packed = try builder.build(in: folder.path("state"))
    #expect(packed.snapshot.count == 4)
    #expect(packed.files.map(\.verdict) == verdicts.map(\.verdict))
  }

  @Test func imagesDirectlyInARootAreOneClass() throws {
    let folder = try TestFolder()
    for number in 0..<3 { try folder.write(tinyPNG(number), "root/\(number).png") }
    let result = try SnapshotBuilder(root: folder.path("root"), transform: tinyTransform)
      .build(in: folder.path("state"))
    #expect(result.snapshot.classes == ["all"])
    #expect(result.snapshot.countsByClass() == [3])
  }

  /// The superuser may read everything, so as root this test reads as another user.
  @Test func unreadableFilesAreForbidden() throws {
    let folder = try TestFolder()
    try folder.write(tinyPNG(1), "root/a/1.png")
    try folder.write(tinyPNG(2), "root/b/2.png")
    try folder.write(tinyPNG(3), "root/c/3.png")
    for name in ["", "root", "root/a", "root/c"] { chmod(folder.path(name), 0o755) }
    chmod(folder.path("root/c/3.png"), 0o644)
    chmod(folder.path("root/a/1.png"), 0)
    chmod(folder.path("root/b"), 0)
    defer { chmod(folder.path("root/b"), 0o700) }
    let verdicts = try OrdinaryUser.run {
      try SnapshotBuilder(root: folder.path("root"), transform: tinyTransform)
        .inspect().map(\.verdict)
    }
    #expect(verdicts == [.forbidden, .forbidden, .accepted])
  }

  @Test func unsettledFilesWait() throws {
    let folder = try TestFolder()
    try folder.write(tinyPNG(1), "root/a/1.png")
    try folder.write(tinyPNG(2), "root/a/2.png")
    var builder = SnapshotBuilder(root: folder.path("root"), transform: tinyTransform)
    builder.isSettled = { path, _ in path != RelativePath("a/2.png") }
    #expect(try builder.inspect().map(\.verdict) == [.accepted, .waiting])
  }

  @Test func aFolderExchangedForALinkIsNotFollowed() throws {
    let folder = try TestFolder()
    for number in 0..<40 { try folder.write(tinyPNG(number), "root/a/\(number).png") }
    for number in 0..<40 { try folder.write(tinyPNG(1_000 + number), "secret/\(number).png") }
    let secret = (0..<40).map { tinyPNG(1_000 + $0).withUnsafeBytes { ContentHash(of: $0) } }
    let builder = SnapshotBuilder(
      root: folder.path("root"), transform: tinyTransform, threadCount: 2)
    let isDone = DoneFlag()
    let exchanger = Thread {
      while !isDone.isSet {
        rename(folder.path("root/a"), folder.path("root/.a"))
        symlink(folder.path("secret"), folder.path("root/a"))
        unlink(folder.path("root/a"))
        rename(folder.path("root/.a"), folder.path("root/a"))
      }
    }
    exchanger.start()
    for round in 0..<150 {
      guard let result = try? builder.build(in: folder.path("state")) else { continue }
      for index in 0..<result.snapshot.count {
        let hash = result.snapshot.contentHash(of: index)
        if secret.contains(hash) { Issue.record("round \(round) read through the link") }
      }
    }
    isDone.set()
  }

  private func writeRaw(_ bytes: [UInt8], _ folder: String, _ name: [UInt8]) throws {
    let path =
      Array(folder.utf8).map { CChar(bitPattern: $0) } + [CChar(bitPattern: 0x2f)]
      + name.map { CChar(bitPattern: $0) } + [0]
    let descriptor = open(path, O_WRONLY | O_CREAT, 0o600)
    try #require(descriptor >= 0)
    defer { close(descriptor) }
    try #require(write(descriptor, bytes, bytes.count) == bytes.count)
  }

  private func bind(_ descriptor: CInt, at path: String) throws {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
    let size = socklen_t(MemoryLayout<sockaddr_un>.size)
    let result = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { Glibc.bind(descriptor, $0, size) }
    }
    try #require(result == 0)
  }
}

/// A flag between two threads of a test.
final class DoneFlag: Sendable {
  private let value = NSLock()
  nonisolated(unsafe) private var isDone = false

  var isSet: Bool { value.withLock { isDone } }
  func set() { value.withLock { isDone = true } }
}
