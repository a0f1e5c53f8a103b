import Glibc

/// A pipe through which any thread can end another thread's wait.
final class Waker: Sendable {
  private let readEnd: CInt
  private let writeEnd: CInt

  init() throws(DatasetError) {
    var ends: [CInt] = [-1, -1]
    guard pipe(&ends) == 0 else { throw .lastCall("opening", "a pipe") }
    readEnd = ends[0]
    writeEnd = ends[1]
    for end in ends {
      _ = fcntl(end, F_SETFD, FD_CLOEXEC)
      _ = fcntl(end, F_SETFL, O_NONBLOCK)
    }
  }

  deinit {
    close(readEnd)
    close(writeEnd)
  }

  func wake() {
    var byte: UInt8 = 1
    // A full pipe wakes the reader, too.
    _ = write(writeEnd, &byte, 1)
  }

  /// Waits until `wake`, until `descriptor` can be read, or for `duration`.
  ///
  /// - Returns: whether `wake` ended the wait.
  func wait(for duration: Duration, or descriptor: CInt?) -> Bool {
    var waits = [pollfd(fd: readEnd, events: Int16(POLLIN), revents: 0)]
    if let descriptor { waits.append(pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)) }
    let (seconds, attoseconds) = duration.components
    let milliseconds = min(seconds * 1_000 + attoseconds / 1_000_000_000_000_000, 1 << 30)
    guard Glibc.poll(&waits, nfds_t(waits.count), CInt(milliseconds + 1)) > 0,
      waits[0].revents != 0
    else { return false }
    var bytes = [UInt8](repeating: 0, count: 64)
    while read(readEnd, &bytes, bytes.count) > 0 {}
    return true
  }
}
