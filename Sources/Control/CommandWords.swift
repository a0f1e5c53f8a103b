/// The words that name the commands of a program, and the command that was probably meant by an
/// unknown one.
public struct CommandWords: Hashable, Sendable {
  /// The names of the commands, each with the commands below it.
  public var commands: [String: CommandWords]
  /// Whether the program does something without a word below this one.
  public var needsWord: Bool

  /// Names commands.
  public init(_ commands: [String: CommandWords] = [:], needsWord: Bool = true) {
    self.commands = commands
    self.needsWord = needsWord
  }

  /// Refuses arguments whose first words name no command.
  ///
  /// Options end the search: what follows them may be their value.
  ///
  /// - Parameter program: the program's name.
  /// - Throws: `ControlError.invalid` with the word that was probably meant.
  public func check(_ arguments: some Sequence<String>, of program: String) throws(ControlError) {
    var known = self
    var path = program
    for word in arguments {
      guard !known.commands.isEmpty, !word.hasPrefix("-") else { return }
      if word == "help" { continue }
      guard let below = known.commands[word] else {
        guard known.needsWord else { return }
        let names = known.commands.keys.sorted()
        let hint =
          Spelling.nearest(to: word, among: names).map { "Did you mean '\(path) \($0)'?" }
          ?? "Known: \(names.joined(separator: ", "))."
        throw .invalid("command '\(path) \(word)': unknown. \(hint)")
      }
      known = below
      path += " " + word
    }
  }
}
