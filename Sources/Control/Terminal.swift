import Glibc

/// Properties of the terminal that displays the output.
public enum Terminal {
  /// The width if it is unknown.
  public static let usualWidth = 80
  /// Clears the line that was drawn last, so that the next text replaces it.
  public static let emptyLine = "\r\u{1B}[2K"
  /// The width of lines for narrower terminals.
  private static let leastWidth = 20

  /// The current number of columns of the terminal behind a descriptor, because windows change.
  ///
  /// If the descriptor is no terminal, `COLUMNS` counts, else `usualWidth`.
  public static func width(of descriptor: Int32) -> Int {
    var size = winsize()
    if ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 {
      return max(leastWidth, Int(size.ws_col))
    }
    let named = getenv("COLUMNS").flatMap { Int(String(cString: $0)) }
    return max(leastWidth, named ?? usualWidth)
  }

  /// A text in lines of at most `width` columns, broken between words.
  ///
  /// A longer word remains whole, because a broken path cannot be copied.
  public static func lines(_ text: String, width: Int) -> [String] {
    text.split(separator: "\n", omittingEmptySubsequences: false).flatMap { line in
      guard line.count > width else { return [String(line)] }
      let indent = String(line.prefix { $0 == " " })
      var lines: [String] = []
      var current = indent
      for word in line.split(separator: " ") {
        if current.count > indent.count, current.count + 1 + word.count > width {
          lines.append(current)
          current = indent
        }
        current += (current.count > indent.count ? " " : "") + word
      }
      return lines + [current]
    }
  }
}
