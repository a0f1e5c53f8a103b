import Control
import FoundationEssentials
import Glibc

/// The output of commands.
struct Console: Sendable {
  /// Whether standard output is a terminal that can redraw lines.
  let isTerminal: Bool
  /// Whether colours are enabled and supported.
  let hasColour: Bool
  /// A fixed width for tests; nil queries the terminal each time, because windows change.
  private let givenWidth: Int?

  /// Creates a console.
  ///
  /// - Parameter width: nil for the terminal's width at the time of each output.
  init(isTerminal: Bool, hasColour: Bool, width: Int? = nil) {
    self.isTerminal = isTerminal
    self.hasColour = hasColour
    givenWidth = width
  }

  /// The current width of the terminal in columns.
  var width: Int { givenWidth ?? Terminal.width(of: STDOUT_FILENO) }

  /// The maximum width of a line in columns; nil in a pipe, where lines may have any length.
  var lineWidth: Int? { isTerminal ? width : nil }

  /// The console of this process.
  ///
  /// - Parameter wantsColour: false if a flag disables colours; `NO_COLOR` (no-color.org) and a dumb
  ///   terminal disable them, too.
  static func ofThisProcess(wantsColour: Bool) -> Console {
    func variable(_ name: String) -> String { getenv(name).map { String(cString: $0) } ?? "" }
    let isTerminal = isatty(STDOUT_FILENO) == 1 && variable("TERM") != "dumb"
    return Console(
      isTerminal: isTerminal,
      hasColour: isTerminal && wantsColour && variable("NO_COLOR").isEmpty)
  }

  /// Writes a line to standard output.
  func line(_ text: String) { Self.write(text + "\n", to: STDOUT_FILENO) }

  /// Writes a text of any length; on a terminal, breaks lines between words.
  func paragraph(_ text: String) { paragraphLines(text).forEach(line) }

  /// The lines that `paragraph` writes.
  func paragraphLines(_ text: String) -> [String] {
    lineWidth.map { Terminal.lines(text, width: $0) } ?? [text]
  }

  /// Replaces the line that was drawn last; `text` receives the available width in columns.
  func redraw(_ text: (_ width: Int) -> String) {
    Self.write(Terminal.emptyLine + text(width), to: STDOUT_FILENO)
  }

  /// Removes the line that was drawn last.
  func clear() { Self.write(Terminal.emptyLine, to: STDOUT_FILENO) }

  /// Writes a value as indented JSON.
  func json(_ value: some Encodable) throws {
    line(String(decoding: try ControlCoding.encodeForPeople(value), as: UTF8.self))
  }

  /// Writes a value as one line of JSON.
  func jsonLine(_ value: some Encodable) throws {
    line(String(decoding: try ControlCoding.encode(value), as: UTF8.self))
  }

  /// Writes a line to standard error.
  static func complain(_ text: String) { write(text + "\n", to: STDERR_FILENO) }

  /// Returns a text in a colour if colours are enabled.
  func coloured(_ text: String, _ colour: Colour) -> String {
    hasColour ? "\u{1B}[\(colour.rawValue)m\(text)\u{1B}[0m" : text
  }

  /// The colours of job states.
  enum Colour: Int {
    case red = 31
    case green = 32
    case yellow = 33
    case blue = 34
    case grey = 90
  }

  private static func write(_ text: String, to file: Int32) {
    let bytes = Array(text.utf8)
    var written = 0
    while written < bytes.count {
      let count = bytes.withUnsafeBytes { buffer in
        Glibc.write(file, buffer.baseAddress?.advanced(by: written), bytes.count - written)
      }
      if count > 0 {
        written += count
      } else if errno == EPIPE {
        // The reader has closed the pipe. The network library ignores SIGPIPE, but a command in a
        // pipeline should end by it.
        signal(SIGPIPE, SIG_DFL)
        raise(SIGPIPE)
      } else if errno != EINTR {
        return
      }
    }
  }
}
