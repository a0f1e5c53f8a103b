/// A command as people type it, for reports that describe how they were made.
///
/// It contains no path: the names of folders can name people, and the text is released.
public struct CommandText: Hashable, Sendable {
  /// The command line.
  public private(set) var text: String

  /// Begins with the command itself.
  public init(_ command: String) { text = command }

  /// Adds a word that is not an option.
  public mutating func add(_ word: String) { text += " " + Self.quoted(word) }

  /// Adds an option if it has a value.
  public mutating func add(_ option: String, _ value: (some CustomStringConvertible)?) {
    guard let value else { return }
    text += " --\(option) \(Self.quoted("\(value)"))"
  }

  /// Adds the requested answers, each with the epsilon that it may cost.
  public mutating func add(answers: [String: Double]) {
    for (name, epsilon) in answers.sorted(by: { $0.key < $1.key }) {
      add("answer", "\(name)=\(epsilon)")
    }
  }

  /// Adds a flag if it is set.
  public mutating func add(flag option: String, _ isSet: Bool) {
    if isSet { text += " --" + option }
  }

  /// Adds an option whose value is a path that must not be released.
  public mutating func add(path option: String, _ placeholder: String, isGiven: Bool = true) {
    if isGiven { text += " --\(option) \(placeholder)" }
  }

  /// The word, quoted if a shell would split it.
  private static func quoted(_ word: String) -> String {
    let plain = Set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-,=+:@%")
    guard word.isEmpty || !word.allSatisfy(plain.contains) else { return word }
    return "'"
      + word.split(separator: "'", omittingEmptySubsequences: false)
      .joined(separator: #"'\''"#) + "'"
  }
}

extension TrainRequest {
  /// The command that requests this job.
  public var command: String {
    var command = CommandText("figment train")
    command.add(dataset)
    command.add("recipe", recipe)
    command.add("epsilon", epsilon)
    command.add("delta", delta)
    command.add("steps", steps)
    command.add("batch-size", batchSize)
    command.add(flag: "non-private", isNonPrivate)
    command.add(flag: "hardened", hardened ?? false)
    command.add(answers: allAnswers)
    command.add("count", count)
    command.add("seed", seed)
    return command.text
  }
}

extension EvaluateRequest {
  /// The command that requests this job.
  public var command: String {
    var command = CommandText("figment evaluate")
    command.add(job.name)
    command.add(flag: "quick", effort == .quick)
    command.add(flag: "thorough", effort == .thorough)
    command.add("seed", seed)
    return command.text
  }
}
