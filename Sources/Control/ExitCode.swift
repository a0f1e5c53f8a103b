/// The exit codes of the commands.
public enum ExitCode: Int32, Codable, Hashable, Sendable, CaseIterable {
  /// Success.
  case done = 0
  /// Failure.
  case failed = 1
  /// The daemon could not be reached.
  case unreachable = 3
  /// The privacy policy refuses it.
  case refused = 4
  /// The dataset, recipe or job does not exist.
  case notFound = 5
  /// The command was misspelt (`EX_USAGE` of sysexits.h).
  case usage = 64
}
