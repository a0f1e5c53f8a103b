import FoundationEssentials
import Glibc
import Logging

/// Writes log lines to standard error: with priorities for the journal, else with the time.
///
/// Names of images are personal data; log them at `.debug` and below only.
struct JournalLog: LogHandler {
  var logLevel: Logger.Level
  var metadata: Logger.Metadata = [:]
  private let isForJournal: Bool

  /// Creates a handler.
  init(level: Logger.Level, isForJournal: Bool) {
    logLevel = level
    self.isForJournal = isForJournal
  }

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    let line = line(event.level, "\(event.message)", event.metadata, at: Date())
    let bytes = Array(line.utf8)
    // One call per line, so that lines of several threads are not interleaved.
    _ = write(STDERR_FILENO, bytes, bytes.count)
  }

  /// Formats a line.
  func line(
    _ level: Logger.Level, _ message: String, _ extra: Logger.Metadata?, at time: Date
  ) -> String {
    let fields = metadata.merging(extra ?? [:]) { $1 }.sorted { $0.key < $1.key }
      .map { " \($0.key)=\($0.value)" }.joined()
    let text = "\(message)\(fields)".replacing("\n", with: "\\n")
    if isForJournal { return "<\(Self.priority(of: level))>\(text)\n" }
    return "\(time.formatted(.iso8601)) \(level.rawValue) \(text)\n"
  }

  /// Whether standard error is connected to the journal: `JOURNAL_STREAM` contains its device and inode
  /// (systemd.exec(5)).
  static func isConnectedToJournal() -> Bool {
    guard let stream = getenv("JOURNAL_STREAM").map({ String(cString: $0) }) else { return false }
    var information = stat()
    guard fstat(STDERR_FILENO, &information) == 0 else { return false }
    return stream == "\(information.st_dev):\(information.st_ino)"
  }

  /// The syslog(3) priority of a level.
  static func priority(of level: Logger.Level) -> Int {
    switch level {
    case .trace, .debug: 7
    case .info: 6
    case .notice: 5
    case .warning: 4
    case .error: 3
    case .critical: 2
    }
  }
}
