import Control
import FoundationEssentials
import Glibc

/// Where commands write.
struct Console: Sendable {
  /// Whether standard output is a terminal that lines can be redrawn on.
  let isTerminal: Bool
  /// Whether colours are wanted and possible.
  let hasColour: Bool
  /// The width that a test gives; nil asks the terminal each time, since windows change.
  private let givenWidth: Int?

  /// A console.
  ///
  /// - Parameter width: nil for that of the terminal as it is whenever something is drawn.
  init(isTerminal: Bool, hasColour: Bool, width: Int? = nil) {
    self.isTerminal = isTerminal
    self.hasColour = hasColour
    givenWidth = width
  }

  /// The columns of the terminal now.
  var width: Int { givenWidth ?? Terminal.width(of: STDOUT_FILENO) }

  /// The columns that lines must fit; nil in a pipe, where they are as long as they are.
  var lineWidth: Int? { isTerminal ? width : nil }

  /// The console of this process.
  ///
  /// - Parameter wantsColour: false when a flag forbids colours; `NO_COLOR` does so too
  ///   (no-color.org), and so does a terminal that calls itself dumb.
  static func ofThisProcess(wantsColour: Bool) -> Console {
    func variable(_ name: String) -> String { getenv(name).map { String(cString: $0) } ?? "" }
    let isTerminal = isatty(STDOUT_FILENO) == 1 && variable("TERM") != "dumb"
    return Console(
      isTerminal: isTerminal,
      hasColour: isTerminal && wantsColour && variable("NO_COLOR").isEmpty)
  }

  /// Writes a line to standard output.
  func line(_ text: String) { Self.write(text + "\n", to: STDOUT_FILENO) }

  /// Writes a text of any length: on a terminal, lines are broken between words.
  func paragraph(_ text: String) { paragraphLines(text).forEach(line) }

  /// A text in the lines that `paragraph` writes.
  func paragraphLines(_ text: String) -> [String] {
    lineWidth.map { Terminal.lines(text, width: $0) } ?? [text]
  }

  /// Draws over the line that was drawn before; `text` gets the columns that it must fit.
  func redraw(_ text: (_ width: Int) -> String) {
    Self.write(Terminal.emptyLine + text(width), to: STDOUT_FILENO)
  }

  /// Removes the line that was drawn before.
  func clear() { Self.write(Terminal.emptyLine, to: STDOUT_FILENO) }

  /// Writes a value as JSON for people and programs.
  func json(_ value: some Encodable) throws {
    line(String(decoding: try ControlCoding.encodeForPeople(value), as: UTF8.self))
  }

  /// Writes a value as one line of JSON.
  func jsonLine(_ value: some Encodable) throws {
    line(String(decoding: try ControlCoding.encode(value), as: UTF8.self))
  }

  /// Writes a line to standard error.
  static func complain(_ text: String) { write(text + "\n", to: STDERR_FILENO) }

  /// A text in a colour, where there are colours.
  func coloured(_ text: String, _ colour: Colour) -> String {
    hasColour ? "\u{1B}[\(colour.rawValue)m\(text)\u{1B}[0m" : text
  }

  /// The colours of states.
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
        // Whoever read has enough. The network library ignores this signal; a command in a pipe
        // should end by it.
        signal(SIGPIPE, SIG_DFL)
        raise(SIGPIPE)
      } else if errno != EINTR {
        return
      }
    }
  }
}
