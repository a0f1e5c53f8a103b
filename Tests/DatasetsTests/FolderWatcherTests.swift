import Foundation
import Glibc
import Testing

@testable import Datasets

@Suite struct FolderWatcherTests {
  private static let quick = WatchOptions(quiet: .milliseconds(60), maximumWait: .seconds(5))

  private func watcher(
    _ folder: TestFolder, _ options: WatchOptions = quick, limit: Int = .max
  ) throws -> FolderWatcher {
    try FolderWatcher(
      root: folder.path("root"), rules: DatasetRules(), options: options, maximumWatchCount: limit)
  }

  /// Polls until `count` changes have arrived or five seconds have passed.
  private func changes(_ watcher: FolderWatcher, _ count: Int) -> [FolderChange] {
    var changes: [FolderChange] = []
    let end = ContinuousClock.now + .seconds(5)
    while changes.count < count, ContinuousClock.now < end {
      changes += watcher.poll(timeout: .milliseconds(500))
    }
    return changes
  }

  private func settled(_ changes: [FolderChange]) -> Set<String> {
    Set(
      changes.compactMap { change in
        if case .settled(let path, _) = change { path.description } else { nil }
      })
  }

  private func vanished(_ changes: [FolderChange]) -> Set<String> {
    Set(
      changes.compactMap { change in
        if case .vanished(let path) = change { path.description } else { nil }
      })
  }

  @Test func existingAndNewFilesAreReportedOnce() throws {
    let folder = try TestFolder()
    try folder.write([1], "root/a/old.png")
    let watcher = try watcher(folder)
    #expect(settled(changes(watcher, 1)) == ["a/old.png"])
    #expect(watcher.state == .native)
    try folder.write([1, 2], "root/a/new.png")
    try folder.write([1, 2], "root/.hidden")
    try folder.write([1, 2], "root/a/x.part")
    #expect(settled(changes(watcher, 1)) == ["a/new.png"])
    #expect(watcher.poll(timeout: .milliseconds(200)).isEmpty)
    try folder.write([1, 2, 3], "root/a/new.png")
    #expect(settled(changes(watcher, 1)) == ["a/new.png"])
  }

  @Test func newFoldersAreWatchedToAnyDepth() throws {
    let folder = try TestFolder()
    try folder.makeFolder("root")
    let watcher = try watcher(folder)
    #expect(watcher.poll(timeout: .milliseconds(10)).isEmpty)
    try folder.write([1], "root/x/y/z/deep.png")
    #expect(settled(changes(watcher, 1)) == ["x/y/z/deep.png"])
    try folder.write([1], "root/x/y/z/later.png")
    #expect(settled(changes(watcher, 1)) == ["x/y/z/later.png"])
    // A whole folder moved in, and a file renamed inside it.
    try folder.write([1], "outside/k/1.png")
    try folder.write([1], "outside/k/2.png")
    #expect(rename(folder.path("outside/k"), folder.path("root/k")) == 0)
    #expect(settled(changes(watcher, 2)) == ["k/1.png", "k/2.png"])
    #expect(rename(folder.path("root/k/1.png"), folder.path("root/k/3.png")) == 0)
    let renamed = changes(watcher, 2)
    #expect(settled(renamed) == ["k/3.png"])
    #expect(vanished(renamed) == ["k/1.png"])
  }

  @Test func removedFilesAndFoldersAreReported() throws {
    let folder = try TestFolder()
    for name in ["a/1.png", "a/2.png", "b/c/3.png"] { try folder.write([1], "root/" + name) }
    let watcher = try watcher(folder)
    #expect(settled(changes(watcher, 3)).count == 3)
    unlink(folder.path("root/a/1.png"))
    #expect(vanished(changes(watcher, 1)) == ["a/1.png"])
    #expect(rename(folder.path("root/b"), folder.path("outside")) == 0)
    #expect(vanished(changes(watcher, 1)) == ["b/c/3.png"])
    // Its later changes outside the root no longer matter.
    try folder.write([1], "outside/c/4.png")
    #expect(watcher.poll(timeout: .milliseconds(200)).isEmpty)
    #expect(rename(folder.path("outside"), folder.path("root/b2")) == 0)
    #expect(settled(changes(watcher, 2)) == ["b2/c/3.png", "b2/c/4.png"])
  }

  @Test func aSlowWriterIsWaitedFor() throws {
    let folder = try TestFolder()
    try folder.makeFolder("root")
    let watcher = try watcher(folder)
    _ = watcher.poll(timeout: .milliseconds(1))
    let path = folder.path("root/slow.png")
    let writer = Thread {
      let descriptor = open(path, O_WRONLY | O_CREAT, 0o600)
      for _ in 0..<30 {
        write(descriptor, [1], 1)
        usleep(10_000)
      }
      close(descriptor)
    }
    writer.start()
    let all = changes(watcher, 1)
    guard case .settled(_, let signature) = try #require(all.first) else {
      Issue.record("\(all)")
      return
    }
    #expect(signature.size == 30)
  }

  @Test func lostEventsCauseAListing() throws {
    let folder = try TestFolder()
    try folder.makeFolder("root/a")
    let watcher = try watcher(folder)
    _ = watcher.poll(timeout: .milliseconds(1))
    // Each new file causes two events; the kernel queues 16,384 by default.
    let count = 9_000
    for number in 0..<count {
      let descriptor = open(folder.path("root/a/\(number)"), O_WRONLY | O_CREAT, 0o600)
      try #require(descriptor >= 0)
      close(descriptor)
    }
    #expect(settled(changes(watcher, count)).count == count)
  }

  @Test func tooManyFoldersAreWatchedByPolling() throws {
    let folder = try TestFolder()
    for name in ["a", "b", "c", "d"] { try folder.write([1], "root/\(name)/1.png") }
    var options = Self.quick
    options.degradedRescanInterval = .milliseconds(100)
    let watcher = try watcher(folder, options, limit: 2)
    #expect(settled(changes(watcher, 4)).count == 4)
    guard case .degraded(let reason) = watcher.state else {
      Issue.record("\(watcher.state)")
      return
    }
    #expect(reason.contains("max_user_watches"))
    try folder.write([1], "root/d/2.png")
    #expect(settled(changes(watcher, 1)) == ["d/2.png"])
  }

  @Test func aFolderCanBeWatchedByPollingOnly() throws {
    let folder = try TestFolder()
    try folder.write([1], "root/a/1.png")
    var options = Self.quick
    options.mode = .poll
    options.degradedRescanInterval = .milliseconds(100)
    let watcher = try watcher(folder, options)
    #expect(settled(changes(watcher, 1)) == ["a/1.png"])
    guard case .degraded = watcher.state else {
      Issue.record("\(watcher.state)")
      return
    }
    try folder.write([1], "root/b/2.png")
    unlink(folder.path("root/a/1.png"))
    let all = changes(watcher, 2)
    #expect(settled(all) == ["b/2.png"])
    #expect(vanished(all) == ["a/1.png"])
  }

  @Test func aMissingRootKeepsTheKnownFiles() throws {
    let folder = try TestFolder()
    try folder.write([1], "root/a/1.png")
    let watcher = try watcher(folder)
    #expect(settled(changes(watcher, 1)) == ["a/1.png"])
    #expect(rename(folder.path("root"), folder.path("away")) == 0)
    #expect(watcher.poll(timeout: .milliseconds(300)).isEmpty)
    guard case .offline(let reason) = watcher.state else {
      Issue.record("\(watcher.state)")
      return
    }
    #expect(reason.contains("root"))
    #expect(rename(folder.path("away"), folder.path("root")) == 0)
    try folder.write([1], "root/a/2.png")
    watcher.rescan()
    #expect(settled(changes(watcher, 1)) == ["a/2.png"])
    #expect(watcher.state == .native)
  }

  /// Polls until the root is offline, or online again, and fails after five seconds.
  private func wait(_ watcher: FolderWatcher, isOffline: Bool) throws -> [FolderChange] {
    var changes: [FolderChange] = []
    let end = ContinuousClock.now + .seconds(5)
    while ContinuousClock.now < end {
      changes += watcher.poll(timeout: .milliseconds(500))
      if case .offline = watcher.state {
        if isOffline { return changes }
      } else if !isOffline {
        return changes
      }
    }
    Issue.record("\(watcher.state)")
    return changes
  }

  @Test(arguments: [WatchOptions.Mode.auto, .poll])
  func aRootThatMovesAwayIsNoticedWithoutAListing(_ mode: WatchOptions.Mode) throws {
    let folder = try TestFolder()
    try folder.write([1], "above/root/a/1.png")
    var options = Self.quick
    options.mode = mode
    options.degradedRescanInterval = .seconds(3_600)
    let watcher = try FolderWatcher(root: folder.path("above/root"), options: options)
    #expect(settled(changes(watcher, 1)) == ["a/1.png"])
    // The kernel reports nothing about a folder above the root.
    #expect(rename(folder.path("above"), folder.path("away")) == 0)
    #expect(try wait(watcher, isOffline: true).isEmpty)
    #expect(rename(folder.path("away"), folder.path("above")) == 0)
    #expect(try wait(watcher, isOffline: false).isEmpty, "the known files stay")
  }

  @Test func anEmptyFolderInPlaceOfTheRootIsNotTrusted() throws {
    let folder = try TestFolder()
    try folder.write([1], "root/a/1.png")
    let watcher = try watcher(folder)
    #expect(settled(changes(watcher, 1)) == ["a/1.png"])
    // Like an unmounted share, whose mount point becomes visible.
    #expect(rename(folder.path("root"), folder.path("away")) == 0)
    try folder.makeFolder("root")
    #expect(try wait(watcher, isOffline: true).isEmpty)
    #expect(rmdir(folder.path("root")) == 0)
    #expect(rename(folder.path("away"), folder.path("root")) == 0)
    #expect(try wait(watcher, isOffline: false).isEmpty)
  }

  @Test func filesAreReportedBeforeTheySettleOnRequest() throws {
    let folder = try TestFolder()
    try folder.write([1], "root/a/old.png")
    usleep(100_000)
    var options = Self.quick
    options.reportsPresent = false
    options.reportsChanging = true
    let watcher = try watcher(folder, options)
    #expect(watcher.poll(timeout: .milliseconds(300)).isEmpty, "it had already settled")
    try folder.write([1, 2], "root/a/new.png")
    let path = RelativePath("a/new.png")
    let all = changes(watcher, 2)
    #expect(all.first == .changing(path))
    #expect(settled(all) == ["a/new.png"])
    try folder.write([1, 2, 3], "root/a/short.png")
    #expect(changes(watcher, 1) == [.changing(RelativePath("a/short.png"))])
    unlink(folder.path("root/a/short.png"))
    #expect(vanished(changes(watcher, 1)) == ["a/short.png"])
  }

  @Test(arguments: [
    (0, 0, false), (1, 0, true), (25_000, 0, true), (3, 1, false), (12, 2, true), (20, 10, false),
    (21, 10, true), (25_000, 12_499, true), (25_000, 12_500, false), (5, 50, false),
  ])
  func aLossOfMostFilesIsSuspect(_ known: Int, _ found: Int, _ isSuspect: Bool) {
    #expect(FolderLoss.isSuspect(known: known, found: found) == isSuspect)
  }

  @Test func anotherThreadEndsTheWait() throws {
    let folder = try TestFolder()
    try folder.makeFolder("root")
    let watcher = try watcher(folder)
    _ = watcher.poll(timeout: .milliseconds(1))
    watcher.wake()
    let start = ContinuousClock.now
    #expect(watcher.poll(timeout: .seconds(30)).isEmpty)
    #expect(ContinuousClock.now - start < .seconds(20))
  }

  @Test func fileSystemsThatHideChangesAreRecognisedInTheMountTable() {
    let table = """
      21 1 8:1 / / rw,relatime - ext4 /dev/vda rw
      30 21 0:40 / /srv/share\\040one rw - nfs4 server:/x rw
      31 21 0:41 / /srv rw - tmpfs tmpfs rw
      32 21 0:42 / /home/u/remote rw master:2 - fuse.sshfs host: rw
      33 32 8:9 / /home/u/remote rw - xfs /dev/vdb rw
      """
    func kind(_ path: String) -> FileSystemKind? { FileSystemKind(holding: path, in: table) }
    #expect(kind("/data/images")?.name == "ext4")
    #expect(kind("/srv/share one/a")?.hidesChanges == true)
    #expect(kind("/srv/share")?.name == "tmpfs")
    #expect(kind("/srv2")?.name == "ext4")
    #expect(kind("/home/u/remote/x")?.name == "xfs")
    #expect(kind("/home/u/remote/x")?.hidesChanges == false)
    #expect(FileSystemKind(holding: "/")?.hidesChanges == false)
  }
}
