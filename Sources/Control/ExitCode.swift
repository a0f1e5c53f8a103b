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
  /// It was stopped by a signal, and nothing is lost: the same command continues (`EX_TEMPFAIL` of sysexits.h).
  ///
  /// Not 128 plus the signal's number, which a second signal gives: that ends the process at once.
  case interrupted = 75
}
