import Control
import Datasets
import Evaluation
import FoundationEssentials
import GRDB
import Models
import Privacy
import Yams

/// Where errors of the rooms become what a caller can act on.
///
/// Every way out of the daemon's binary goes through here: replies over the socket, failures of jobs,
/// remarks, and commands in the foreground.
extension ControlError {
  /// An error of any kind as one in words, with the code that a command ends with.
  init(_ error: any Error) {
    switch error {
    case let error as ControlError: self = error
    case let error as LedgerError: self = RootLedger.controlError(error)
    case let error as PrivacyError: self = .invalid(error.description)
    case let error as RecipeFailure: self = .invalid(error.description)
    case let error as InvalidName: self = .invalid(error.description)
    case let error as WorkerCrash: self = .failed("job: \(error.description).")
    case let error as ConfigurationError: self = .failed(error.description)
    case let error as DecodeFailure: self = .failed("image: \(error)")
    case let error as DecoderConnection.Loss: self = .failed(error.words)
    case let error as DatabaseError: self = .failed(error.words)
    case let error as YamlError: self = .invalid("not YAML: \(error.words)")
    default: self = .failed(ErrorWords.text(of: error))
    }
  }

  /// Runs `body`; what it throws is thrown in words.
  static func translating<Result>(_ body: () throws -> Result) throws(ControlError) -> Result {
    do { return try body() } catch { throw ControlError(error) }
  }
}

extension DecoderConnection.Loss {
  /// What became of the decoding process.
  fileprivate var words: String {
    switch self {
    case .closed:
      "image decoder: its process ended. Check that the program file can still be executed."
    case .timedOut: "image decoder: its process did not answer in time. Try again."
    case .nonsense: "image decoder: its process gave an answer that makes no sense. Try again."
    }
  }
}

extension DatabaseError {
  /// What the database says, without the statement that failed.
  fileprivate var words: String {
    "index of files: \(message ?? "the database failed"). It is made anew when the daemon starts again "
      + "without it; nothing is lost with it."
  }
}

extension YamlError {
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
