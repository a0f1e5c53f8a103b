/// Why a request was refused or failed.
///
/// Texts read: what failed: what was found (what was expected). What to do.
public enum ControlError: Error, Hashable, Sendable {
  /// The request makes no sense.
  case invalid(String)
  /// The requested object does not exist.
  case notFound(String)
  /// The privacy policy of the dataset does not allow it.
  case refusedByPolicy(String)
  /// The caller may not do that.
  case forbidden(String)
  /// It is impossible in the current state of the job or dataset.
  case conflict(String)
  /// The request is too large for the daemon to read.
  case tooLarge(String)
  /// The request took too long to arrive.
  case timedOut(String)
  /// The daemon serves as many callers as it can.
  case busy(String)
  /// The daemon is stopping.
  case shuttingDown(String)
  /// The daemon cannot be reached.
  case unreachable(String)
  /// A signal stopped it; the same command continues.
  case interrupted(String)
  /// Something failed that the caller did not cause.
  case failed(String)

  /// The text for people.
  public var message: String {
    switch self {
    case .invalid(let text), .notFound(let text), .refusedByPolicy(let text),
      .forbidden(let text), .conflict(let text), .tooLarge(let text), .timedOut(let text),
      .busy(let text), .shuttingDown(let text), .unreachable(let text), .interrupted(let text),
      .failed(let text):
      text
    }
  }

  /// The exit code of a command.
  public var exitCode: ExitCode {
    switch self {
    case .invalid: .usage
    case .notFound: .notFound
    case .refusedByPolicy: .refused
    case .unreachable, .shuttingDown: .unreachable
    case .interrupted: .interrupted
    case .forbidden, .conflict, .tooLarge, .timedOut, .busy, .failed: .failed
    }
  }

  /// The problem that a client receives.
  public var problem: Problem { Problem(self) }

  /// Reports that a word is none of the expected ones, and lists them.
  public static func misspelt(
    _ kind: String, _ word: String, among known: [String]
  ) -> ControlError {
    let near = Spelling.nearest(to: word, among: known).map { "Did you mean '\($0)'? " } ?? ""
    return .invalid("\(kind) '\(word)': unknown. \(near)Known: \(known.joined(separator: ", ")).")
  }

  /// Reports that a name is unknown, and suggests the known one that was probably meant.
  public static func unknown(
    _ kind: String, _ name: String, among known: some Sequence<String>
  ) -> ControlError {
    let names = known.sorted()
    let hint: String
    if let near = Spelling.nearest(to: name, among: names) {
      hint = "Did you mean '\(near)'?"
    } else if names.isEmpty {
      hint = "No \(kind) exists yet." + (kind == "job" ? " 'figment train' submits one." : "")
    } else {
      let more = names.count > 40 ? " and \(names.count - 40) more" : ""
      hint = "Known: \(names.prefix(40).joined(separator: ", "))\(more)."
    }
    return .notFound("\(kind) '\(name)': unknown. \(hint)")
  }
}

extension ControlError: CustomStringConvertible {
  /// The text for people.
  public var description: String { message }
}

extension ControlError {
  /// The text that a command writes to standard error: a line for people, or the problem as one line of JSON.
  ///
  /// - Parameter program: the program's name.
  public func complaint(of program: String, asJSON: Bool) -> String {
    if asJSON, let data = try? ControlCoding.encode(problem) {
      return String(decoding: data, as: UTF8.self)
    }
    return "\(program): \(message)"
  }
}
