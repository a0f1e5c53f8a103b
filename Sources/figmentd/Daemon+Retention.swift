import Control
import FoundationEssentials
import Glibc
import Logging
import Runs

extension Daemon {
  func remove(_ id: JobID, withRelease: Bool) async throws -> JobRemoval {
    let job = try find(id)
    try requireUnneeded(job)
    let directory = store.directory(of: id)
    var bytes = FolderTree.byteCount(of: directory.path)
    if withRelease {
      for place in engine.sets(of: directory) {
        bytes += FolderTree.byteCount(of: place.path)
        try place.removeSet()
      }
    }
    try takeOut(job)
    return JobRemoval(job: id, bytes: bytes, withRelease: withRelease)
  }

  func prune(dryRun: Bool) async throws -> [JobRemoval] {
    let expired = configuration.retention.expired(list(JobFilter()), at: Date())
    return try expired.map { job, reason in
      let bytes = FolderTree.byteCount(of: store.directory(of: job.id).path)
      if !dryRun { try takeOut(job) }
      return JobRemoval(job: job.id, bytes: bytes, withRelease: false, reason: "\(reason)")
    }
  }

  /// Applies the retention policy periodically until it is cancelled.
  func retain() async {
    while !Task.isCancelled {
      do {
        for removal in try await prune(dryRun: false) {
          logger.info("job \(removal.job): removed by policy: \(removal.reason ?? "")")
        }
        remarks["retention"] = nil
      } catch {
        logger.error("retention: \(ControlError(error))")
        remarks["retention"] = "retention: a finished job cannot be removed: \(ControlError(error))"
      }
      try? await Task.sleep(for: Self.retentionInterval)
    }
  }

  /// Removes files with temporary names that killed attempts at a job left, now that no attempt is running.
  func sweepUnfinished(of id: JobID) {
    let directory = store.directory(of: id)
    Leftovers.sweep(internalFiles: directory.internalFiles, checkpoints: directory.checkpoints)
    // List them now: a resumed job may begin another set while these are deleted.
    let folders = engine.sets(of: directory).flatMap(\.unfinished).filter { access($0, F_OK) == 0 }
    removeLater(folders)
  }

  /// Removes folders on a separate thread, because deleting many files takes long; after a crash, the next
  /// start removes the rest.
  private func removeLater(_ folders: [String]) {
    guard !folders.isEmpty else { return }
    Task {
      try? await SerialThread(named: "figment-remove").run {
        for folder in folders { try FolderTree.remove(folder) }
      }
    }
  }

  private static let retentionInterval = Duration.seconds(600)

  private func requireUnneeded(_ job: Job) throws(ControlError) {
    guard job.state.isFinished else {
      throw .conflict(
        "job \(job.id): the job is \(job.state.name) (a finished job expected). Cancel it first.")
    }
    let user = list(JobFilter()).first {
      !$0.state.isFinished && $0.request.trainedJob == job.id
    }
    if let user {
      throw .conflict(
        "job \(job.id): job \(user.id) needs its model and is \(user.state.name) (a finished job "
          + "expected). Wait for job \(user.id), or cancel it.")
    }
  }

  /// Forgets a job and removes its folder; its ledger stays.
  private func takeOut(_ job: Job) throws {
    let folder = try store.takeOut(job.id)
    forget(job.id)
    removeLater(folder.map { [$0] } ?? [])
  }
}

extension SetPlace {
  /// Removes the set, if it exists.
  ///
  /// - Throws: `ControlError.conflict` if it contains anything that its run did not write.
  func removeSet() throws {
    var status = stat()
    guard lstat(path, &status) == 0 else { return }
    guard status.st_mode & S_IFMT == S_IFDIR, try isOwn(path) else {
      throw ControlError.conflict(
        "\(path): it contains a file that this job did not write, or that was changed since (the "
          + "unchanged set expected). Nothing was removed. Remove the folder by hand, then the job "
          + "without --release."
      )
    }
    // Rename it first, so that nobody sees a partly deleted set.
    try systemCall("rename", path) { rename(path, temporary) }
    try FolderTree.remove(temporary)
  }
}

extension FolderTree {
  /// The bytes that a folder occupies on its disk, as far as it is readable; 0 if it does not exist.
  static func byteCount(of path: String) -> Int {
    var status = stat()
    guard lstat(path, &status) == 0 else { return 0 }
    let own = Int(status.st_blocks) * 512
    guard status.st_mode & S_IFMT == S_IFDIR else { return own }
    let names = (try? DurableFile.names(in: path)) ?? []
    return names.reduce(own) { $0 + byteCount(of: "\(path)/\($1)") }
  }
}
