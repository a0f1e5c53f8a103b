import Glibc

/// The kernel's notifications about directories (inotify(7)).
final class Inotify {
  /// One notification.
  struct Event {
    let watch: Int32
    let mask: UInt32
    let name: [UInt8]

    func contains(_ bits: Int32...) -> Bool {
      bits.contains { mask & UInt32(bitPattern: $0) != 0 }
    }
  }

  /// Events of whole files (created, closed after writing, moved, removed) and of directories.
  ///
  /// Single writes are not watched, because a file is checked again before it counts as settled.
  private static let mask = UInt32(
    bitPattern: IN_CREATE | IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_ATTRIB
      | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR | IN_EXCL_UNLINK)

  let descriptor: CInt
  private let maximumWatchCount: Int
  private var watchCount = 0
  private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 << 10, alignment: 8)

  /// Nil if the kernel refuses; `errno` contains the reason.
  init?(maximumWatchCount: Int = .max) {
    descriptor = inotify_init1(Int32(IN_CLOEXEC) | Int32(IN_NONBLOCK))
    self.maximumWatchCount = maximumWatchCount
    guard descriptor >= 0 else { return nil }
  }

  deinit {
    if descriptor >= 0 { close(descriptor) }
    buffer.deallocate()
  }

  /// Watches an open directory.
  ///
  /// The path through its descriptor cannot be replaced by a link.
  ///
  /// - Returns: the number of the watch, or the error number.
  func watch(_ directory: Directory) -> Result<Int32, SystemCode> {
    guard watchCount < maximumWatchCount else { return .failure(SystemCode(code: ENOSPC)) }
    let watch = inotify_add_watch(
      descriptor, "/proc/self/fd/\(directory.descriptor)", Self.mask)
    guard watch >= 0 else { return .failure(SystemCode(code: errno)) }
    watchCount += 1
    return .success(watch)
  }

  func remove(_ watch: Int32) {
    inotify_rm_watch(descriptor, watch)
    watchCount -= 1
  }

  /// All pending notifications; never blocks.
  func events() -> [Event] {
    var events: [Event] = []
    while true {
      let count = read(descriptor, buffer.baseAddress, buffer.count)
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { return events }
      parse(UnsafeRawBufferPointer(rebasing: buffer[..<count]), into: &events)
    }
  }

  /// struct inotify_event: watch 4, mask 4, cookie 4, name length 4, name padded with zeros.
  private func parse(_ bytes: UnsafeRawBufferPointer, into events: inout [Event]) {
    var offset = 0
    while bytes.count - offset >= 16 {
      let watch = bytes.loadUnaligned(fromByteOffset: offset, as: Int32.self)
      let mask = bytes.loadUnaligned(fromByteOffset: offset + 4, as: UInt32.self)
      let length = Int(bytes.loadUnaligned(fromByteOffset: offset + 12, as: UInt32.self))
      let end = min(offset + 16 + length, bytes.count)
      let name = bytes[(offset + 16)..<end].prefix { $0 != 0 }
      events.append(Event(watch: watch, mask: mask, name: Array(name)))
      offset = end
    }
  }
}

/// An error number of the system.
struct SystemCode: Error, CustomStringConvertible {
  let code: CInt

  /// The system's description.
  var description: String { String(cString: strerror(code)) + "." }
}
