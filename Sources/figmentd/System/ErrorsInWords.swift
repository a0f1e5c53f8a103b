import Control
import GRDB
import Runs
import Yams

extension WorkerCrash: ErrorInWords {
  var inWords: ControlError { .failed("job: \(description).") }
}

extension ConfigurationError: ErrorInWords {
  var inWords: ControlError { .failed(description) }
}

extension DatabaseError: ErrorInWords {
  var inWords: ControlError { .failed(words) }

  /// What the database says, without the statement that failed.
  fileprivate var words: String {
    "index of files: \(message ?? "the database failed"). It is made anew when the daemon starts again "
      + "without it; nothing is lost with it."
  }
}

extension YamlError: ErrorInWords {
  var inWords: ControlError { .invalid("not YAML: \(words)") }

  /// What is wrong, in one line, with its place.
  var words: String {
    switch self {
    case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
      .composer(_, let problem, let mark, _):
      "\(problem) (line \(mark.line))."
    case .reader(let problem, _, _, _): "\(problem)."
    case .duplicatedKeysInMapping(let duplicates, let context):
      "key '\(duplicates.joined(separator: ", "))' is there twice (line \(context.mark.line))."
    default: "it cannot be read as YAML."
    }
  }
}
