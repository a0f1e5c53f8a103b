package import Control
import Datasets
import Models
import Privacy

/// Where errors of the rooms become what a caller can act on.
///
/// Every way out of the daemon's binary goes through here: replies over the socket, failures of jobs,
/// remarks, and commands in the foreground.
extension ControlError {
  /// An error of any kind as one in words, with the code that a command ends with.
  package init(_ error: any Error) {
    switch error {
    case let error as ControlError: self = error
    case let error as LedgerError: self = RootLedger.controlError(error)
    case let error as PrivacyError: self = .invalid(error.description)
    case let error as RecipeFailure: self = .invalid(error.description)
    case let error as InvalidName: self = .invalid(error.description)
    case let error as any ErrorInWords: self = error.inWords
    case let error as DecodeFailure: self = .failed("image: \(error)")
    case let error as DecoderConnection.Loss: self = .failed(error.words)
    default: self = .failed(ErrorWords.text(of: error))
    }
  }

  /// Runs `body`; what it throws is thrown in words.
  package static func translating<Result>(_ body: () throws -> Result) throws(ControlError)
    -> Result
  {
    do { return try body() } catch { throw ControlError(error) }
  }
}

/// An error of a room above this one, or of a package that is used there, which knows its own words.
package protocol ErrorInWords: Error {
  /// The error as a caller can act on it.
  var inWords: ControlError { get }
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
