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

  /// The database's message, without the failed statement.
  fileprivate var words: String {
    "index of files: \(message ?? "the database failed"). Stop figmentd, delete index.sqlite in the state "
      + "directory and start figmentd again: it rebuilds the index, and no other data is lost."
  }
}

extension YamlError: ErrorInWords {
  var inWords: ControlError { .invalid("not YAML: \(words)") }

  /// Describes the problem and its place in one line.
  var words: String {
    switch self {
    case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
      .composer(_, let problem, let mark, _):
      "\(problem) (line \(mark.line))."
    case .reader(let problem, _, _, _): "\(problem)."
    case .duplicatedKeysInMapping(let duplicates, let context):
      "key '\(duplicates.joined(separator: ", "))' occurs twice (line \(context.mark.line))."
    default: "it cannot be read as YAML."
    }
  }
}
