import Glibc

/// Operations on whole folders.
package enum FolderTree {
  /// Removes a folder and its content; does nothing when it does not exist.
  package static func remove(_ path: String) throws {
    var information = stat()
    guard lstat(path, &information) == 0 else { return }
    if information.st_mode & S_IFMT == S_IFDIR {
      for name in try DurableFile.names(in: path) { try remove(path + "/" + name) }
      try systemCall("rmdir", path) { rmdir(path) }
    } else {
      try systemCall("unlink", path) { unlink(path) }
    }
  }

  /// The paths of all files of any kind in a folder, without its subfolders themselves.
  ///
  /// Paths are relative to it: `data/a/0.png`.
  package static func files(in path: String) throws -> [String] {
    try DurableFile.names(in: path).flatMap { name -> [String] in
      var information = stat()
      try systemCall("lstat", path) { lstat("\(path)/\(name)", &information) }
      guard information.st_mode & S_IFMT == S_IFDIR else { return [name] }
      return try files(in: "\(path)/\(name)").map { "\(name)/\($0)" }
    }
  }

  /// Sets the times of access and change of a folder and its content.
  static func setTimes(of path: String, to time: timespec) throws {
    var information = stat()
    try systemCall("lstat", path) { lstat(path, &information) }
    if information.st_mode & S_IFMT == S_IFDIR {
      for name in try DurableFile.names(in: path) {
        try setTimes(of: path + "/" + name, to: time)
      }
    }
    let times = [time, time]
    try systemCall("utimensat", path) {
      utimensat(AT_FDCWD, path, times, Int32(AT_SYMLINK_NOFOLLOW))
    }
  }

  private typealias Rename =
    @convention(c) (Int32, UnsafePointer<CChar>, Int32, UnsafePointer<CChar>, UInt32) -> Int32
  /// `RENAME_EXCHANGE` of renameat2(2).
  private static let exchanging: UInt32 = 2

  /// Moves a folder to `place`; a folder that is there already gets the moved folder's old name at the same
  /// moment, so that no reader finds a part of either.
  static func exchange(_ folder: String, with place: String) throws {
    do {
      try systemCall("rename", place) { rename(folder, place) }
      return
    } catch {
      // Any other failure is an error; these two mean that the place is occupied.
      guard error.code == ENOTEMPTY || error.code == EEXIST else { throw error }
    }
    // Swift's overlay of the C library does not declare it.
    if let symbol = dlsym(nil, "renameat2"),
      unsafeBitCast(symbol, to: Rename.self)(AT_FDCWD, folder, AT_FDCWD, place, exchanging) == 0
    {
      return
    }
    // A file system without exchange: for a moment there is no set, but never part of one.
    let aside = folder + ".old"
    try remove(aside)
    try systemCall("rename", place) { rename(place, aside) }
    try systemCall("rename", place) { rename(folder, place) }
    try systemCall("rename", folder) { rename(aside, folder) }
  }
}
