/// What the kernel reports about this process (proc(5), `/proc/self/status`).
package enum ProcessStatus {
  /// The value of a field, such as `VmHWM`, without its unit; nil if there is none.
  package static func value(of field: String) -> Substring? {
    guard let status = try? DurableFile.read("/proc/self/status") else { return nil }
    let line = String(decoding: status, as: UTF8.self).split(separator: "\n")
      .first { $0.hasPrefix(field + ":") }
    return line?.split(whereSeparator: \.isWhitespace).dropFirst().first
  }

  /// The largest resident memory of this program so far, in bytes; 0 if the kernel does not report it.
  ///
  /// Not `ru_maxrss`: a new process starts with the peak of the process that started it.
  package static var peakMemory: Int {
    (value(of: "VmHWM").flatMap { Int($0) } ?? 0) * 1024
  }
}
