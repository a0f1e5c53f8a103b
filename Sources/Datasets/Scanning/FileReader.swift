import Glibc

/// Opens and reads the files of one root on one thread.
///
/// Consecutive files of a folder share its descriptor.
final class FileReader {
  private let root: Directory
  private let rules: DatasetRules
  private let limit: Int
  private let isSettled: (RelativePath, FileSignature) -> Bool
  private var folder: [UInt8] = []
  private var directory: Directory?

  init(
    root: Directory, rules: DatasetRules, limit: Int,
    isSettled: @escaping (RelativePath, FileSignature) -> Bool
  ) {
    self.root = root
    self.rules = rules
    self.limit = limit
    self.isSettled = isSettled
  }

  /// Appends the bytes of a file to `files` (`accepted`), or returns a verdict that excludes it.
  ///
  /// The file is opened without following a link and without blocking on a pipe; kind, size and content come
  /// from the same descriptor. A file that changes meanwhile remains `waiting`.
  func read(_ path: RelativePath, into files: EncodedImages) -> InspectedFile {
    let name = path.nameRange
    enter(path.bytes[..<max(name.lowerBound - 1, 0)])
    guard let directory else { return InspectedFile(path: path, verdict: .vanished) }
    let descriptor = withName(path.bytes[name]) {
      openat(directory.descriptor, $0, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
    }
    guard descriptor >= 0 else {
      return InspectedFile(path: path, verdict: Self.verdict(onOpening: errno))
    }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else {
      return InspectedFile(path: path, verdict: .readError)
    }
    let signature = FileSignature(status)
    var verdict = verdict(on: status)
    if verdict == nil, !isSettled(path, signature) { verdict = .waiting }
    if verdict == nil { verdict = read(descriptor, status, into: files) }
    if verdict == nil, PassedOverName.isPreviewSheet(files[files.count - 1]) {
      files.removeLast()
      verdict = .ignored(.previewSheet)
    }
    return InspectedFile(path: path, verdict: verdict ?? .accepted, signature: signature)
  }

  private func verdict(on status: stat) -> ImageVerdict? {
    guard status.isRegularFile else { return .notRegularFile }
    guard rules.crossesFileSystems || status.st_dev == root.status.st_dev else {
      return .otherFileSystem
    }
    guard status.st_size > 0 else { return .unreadable(.empty) }
    return status.st_size <= limit ? nil : .tooLarge(.fileTooLarge)
  }

  private func read(
    _ descriptor: CInt, _ status: stat, into files: EncodedImages
  ) -> ImageVerdict? {
    let size = Int(status.st_size)
    let verdict: ImageVerdict? = files.append(byteCount: size) { slot in
      var offset = 0
      while offset < size {
        let count = pread(
          descriptor, slot.baseAddress?.advanced(by: offset), size - offset, off_t(offset))
        if count < 0, errno == EINTR { continue }
        if count < 0 { return .readError }
        if count == 0 { return .waiting }
        offset += count
      }
      return nil
    }
    var after = stat()
    let isSame =
      fstat(descriptor, &after) == 0 && FileSignature(status) == FileSignature(after)
    guard verdict == nil, isSame else {
      files.removeLast()
      return verdict ?? .waiting
    }
    return nil
  }

  private func enter(_ path: ArraySlice<UInt8>) {
    if directory != nil, path.elementsEqual(folder) { return }
    folder = Array(path)
    directory = root.descendant(RelativePath(bytes: folder))
  }

  private static func verdict(onOpening code: CInt) -> ImageVerdict {
    switch code {
    case ENOENT, ENOTDIR: .vanished
    case ELOOP, ENXIO: .notRegularFile
    case EACCES, EPERM: .forbidden
    default: .readError
    }
  }
}
