import Glibc

/// The watches on the folders of one root, and the meaning of their notifications.
final class WatchedTree {
  /// A notification in terms of paths.
  enum Notice: Equatable {
    /// A file was created or changed.
    case file(RelativePath)
    /// A file was removed or moved away.
    case fileGone(RelativePath)
    /// A folder was created.
    case folder(RelativePath)
    /// A folder was moved away or removed.
    case folderGone(RelativePath)
    /// Notifications were lost, or the root itself changed: only a listing can show the state.
    case lost
  }

  /// The reason why no tree could be watched.
  static let refusal =
    "the kernel allows no further watcher; raise fs.inotify.max_user_instances"

  /// Describes folders that are not watched; nil if every folder is watched.
  private(set) var shortcoming: String?

  private let inotify: Inotify
  private var pathOfWatch: [Int32: RelativePath] = [:]
  private var watchOfPath: [RelativePath: Int32] = [:]

  /// Nil if the kernel refuses.
  init?(maximumWatchCount: Int) {
    guard let inotify = Inotify(maximumWatchCount: maximumWatchCount) else { return nil }
    self.inotify = inotify
  }

  var descriptor: CInt { inotify.descriptor }

  /// Watches those of `folders` that are not watched yet.
  ///
  /// - Returns: whether there were any.
  func watch(_ folders: [RelativePath], below root: Directory) -> Bool {
    var isAny = false
    for path in folders where watchOfPath[path] == nil {
      guard let directory = root.descendant(path) else { continue }
      switch inotify.watch(directory) {
      case .success(let watch):
        // The kernel returns the old number for a folder that was moved.
        if let old = pathOfWatch[watch] { watchOfPath[old] = nil }
        pathOfWatch[watch] = path
        watchOfPath[path] = watch
        isAny = true
      case .failure(let error):
        shortcoming = Self.text(for: error.code, watched: watchOfPath.count)
        return isAny
      }
    }
    return isAny
  }

  /// Ends the watches on folders for which `isUnwanted` holds.
  func unwatch(where isUnwanted: (RelativePath) -> Bool) {
    for (path, watch) in watchOfPath where isUnwanted(path) {
      inotify.remove(watch)
      watchOfPath[path] = nil
      pathOfWatch[watch] = nil
    }
  }

  /// The pending notifications.
  func events() -> [Notice] {
    inotify.events().compactMap { event in
      if event.contains(IN_Q_OVERFLOW) { return .lost }
      guard let folder = pathOfWatch[event.watch] else { return nil }
      if event.contains(IN_IGNORED, IN_DELETE_SELF, IN_UNMOUNT, IN_MOVE_SELF) {
        return noticeOfItself(folder, event)
      }
      guard !event.name.isEmpty else { return nil }
      let path = folder.appending(event.name)
      guard event.contains(IN_ISDIR) else {
        return event.contains(IN_DELETE, IN_MOVED_FROM) ? .fileGone(path) : .file(path)
      }
      if event.contains(IN_MOVED_FROM, IN_DELETE) {
        unwatch { $0 == path || $0.isBelow(path) }
        return .folderGone(path)
      }
      return event.contains(IN_CREATE, IN_MOVED_TO) ? .folder(path) : nil
    }
  }

  /// Handles a notification that a watched folder itself was moved or removed.
  ///
  /// For any folder except the root, its parent reports that, too.
  private func noticeOfItself(_ folder: RelativePath, _ event: Inotify.Event) -> Notice? {
    if event.contains(IN_IGNORED) {
      pathOfWatch[event.watch] = nil
      if watchOfPath[folder] == event.watch { watchOfPath[folder] = nil }
    }
    return folder.bytes.isEmpty ? .lost : nil
  }

  private static func text(for code: CInt, watched: Int) -> String {
    code == ENOSPC
      ? "only \(watched) folders can be watched; raise fs.inotify.max_user_watches"
      : "a folder cannot be watched: \(String(cString: strerror(code)))"
  }
}
