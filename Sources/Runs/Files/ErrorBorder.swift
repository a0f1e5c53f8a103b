package import Control
import Datasets
import Models
import Privacy

/// Converts errors of all rooms into errors that a caller can act on.
///
/// Every output of the daemon's binary uses this: replies over the socket, failures of jobs, remarks, and
/// commands in the foreground.
extension ControlError {
  /// Converts any error into words and the exit code of a command.
  package init(_ error: any Error) {
    switch error {
    case let error as ControlError: self = error
    case let error as LedgerError: self = Self.words(of: error)
    case let error as PrivacyError: self = .invalid(error.description)
    case let error as RecipeFailure: self = .invalid(error.description)
    case let error as InvalidName: self = .invalid(error.description)
    case let error as any ErrorInWords: self = error.inWords
    case let error as DecodeFailure: self = .failed("image: \(error)")
    case let error as DecoderConnection.Loss: self = .failed(error.words)
    default: self = .failed(ErrorWords.text(of: error))
    }
  }

  /// Converts an error for whoever may see the folder that it is about: it names the table that cannot be used.
  package init(forOwner error: any Error) {
    if let error = error as? DatasetError {
      self = .failed(error.ownersDescription)
    } else {
      self.init(error)
    }
  }

  /// Converts an error of the ledger: a refused budget is policy, anything else a failure.
  private static func words(of error: LedgerError) -> ControlError {
    // It may quote a line of a file that somebody changed.
    let words = error.description.withoutMiddle(longerThan: 2_000)
    return switch error {
    case .overBudget: .refusedByPolicy(words)
    case .invalid: .invalid(words)
    default: .failed(words)
    }
  }

  /// Runs `body` and converts the errors that it throws.
  package static func translating<Result>(_ body: () throws -> Result) throws(ControlError)
    -> Result
  {
    do { return try body() } catch { throw ControlError(error) }
  }
}

/// An error of a room above this one, or of a package used there, that converts itself into words.
package protocol ErrorInWords: Error {
  /// The error in a form that a caller can act on.
  var inWords: ControlError { get }
}

extension DecoderConnection.Loss {
  /// What happened to the decoding process.
  fileprivate var words: String {
    switch self {
    case .closed:
      "image decoder: its process ended. Check that the program file can still be executed."
    case .timedOut: "image decoder: its process did not answer in time. Try again."
    case .nonsense: "image decoder: its process sent an invalid answer. Try again."
    }
  }
}

extension String {
  /// The text; if it is longer than `limit` characters, only its beginning and its end.
  func withoutMiddle(longerThan limit: Int) -> String {
    count > limit ? "\(prefix(limit / 2)) … \(suffix(limit / 2))" : self
  }
}
