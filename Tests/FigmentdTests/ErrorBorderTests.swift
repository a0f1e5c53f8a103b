import Control
import Evaluation
import FoundationEssentials
import GRDB
import Glibc
import Models
import Privacy
import Testing
import Yams

@testable import Compute
@testable import Datasets
@testable import Runs
@testable import figmentd

/// No error of ours reaches a person in Swift's own form.
@Suite struct ErrorBorderTests {
  /// An error of every type that the sources declare, by the type's name.
  private static let samples: [(type: String, error: any Error)] = [
    ("ControlError", ControlError.busy("daemon: full. Try again.")),
    ("LedgerError", LedgerError.corrupt(ledger: "/l", line: 3, reason: "its hash differs")),
    (
      "LedgerError",
      LedgerError.storage(ledger: "/l", operation: "open", reason: "Permission denied")
    ),
    ("LedgerError", LedgerError.inconsistent(line: 3, reason: "settles nothing")),
    ("LedgerFileFault", LedgerFileFault(operation: "open /l", code: EACCES)),
    ("PrivacyError", PrivacyError.outOfRange(argument: "delta", value: "2", expected: "below 1")),
    (
      "PrivacyError",
      PrivacyError.unreachableTarget(epsilon: 0.1, delta: 1e-5, reason: "too little.")
    ),
    ("PrivacyError", PrivacyError.unboundedLoss(delta: 1e-5)),
    ("RecipeFailure", RecipeFailure("recipe x: too deep. Take fewer layers.")),
    ("SystemCallError", SystemCallError("open", "/x", code: ENOSPC)),
    ("SystemCode", SystemCode(code: EACCES)), ("PathFault", PathFault(verdict: .noClass)),
    ("DatasetError", DatasetError.rootUnavailable(path: "/x", errno: ENOENT)),
    ("DatasetError", DatasetError.stopped),
    ("DecodeFailure", DecodeFailure.truncated),
    ("Loss", DecoderConnection.Loss.closed), ("Loss", DecoderConnection.Loss.nonsense),
    ("EvaluationError", EvaluationError.tooFewImages(set: "test", found: 3, expected: 10)),
    ("EvaluationError", EvaluationError.unreadableFile(path: "/x", code: EACCES)),
    (
      "EvaluationError",
      EvaluationError.imageTooLarge(path: "/x", height: 5000, width: 5000, limit: 4096)
    ),
    ("EvaluationError", EvaluationError.setTooLarge(folder: "/x", fileCount: 9, expected: 8)),
    ("Failure", Checkpoint.Failure.missing(name: "weights")),
    ("Failure", Safetensors.Failure.truncated(expected: 5, found: 3)),
    ("ConfigurationError", ConfigurationError(file: "/c", line: 3, message: "key 'x': unknown.")),
    ("ModelFileError", ModelFileError.unreadable("/m")),
    ("InvalidName", InvalidName(kind: "class", text: "../x", problem: "it contains a slash")),
    ("WorkerCrash", WorkerCrash(ending: .killed(9))),
    ("Refusal", SystemThread.Refusal(code: EAGAIN)),
    ("BenchFault", BenchFault(description: "A process cannot be started. Try again.")),
  ]

  /// Errors of libraries that may reach us.
  private static let foreign: [any Error] = {
    var errors: [any Error] = [CancellationError(), CocoaError(.fileWriteOutOfSpace)]
    errors.append(DatabaseError(resultCode: .SQLITE_CORRUPT, message: "disk image is malformed"))
    for body: () throws -> Void in [
      { _ = try JSONDecoder().decode([Int].self, from: Data("{".utf8)) },
      { _ = try JSONDecoder().decode([String: Int].self, from: Data(#"{"a": "b"}"#.utf8)) },
      { _ = try JSONEncoder().encode(Double.infinity) },
      { _ = try Data(contentsOf: URL(filePath: "/nowhere/at/all")) },
      { _ = try Yams.compose(yaml: "a: [1") },
      { _ = try YAMLDecoder().decode([Int].self, from: "a: 1") },
    ] {
      do {
        try body()
        Issue.record("nothing was thrown")
      } catch { errors.append(error) }
    }
    return errors
  }()

  /// Text that nobody should have to read.
  private static let raw = [
    "Error(", "Fault(", "Failure(", "codingPath", "Swift.", "operation:", "code:", "errno",
    "DecodingError", "dataCorrupted", "keyNotFound", "CocoaError", "Code=", "SELECT", "figmentd.",
    "Context(", "Optional(", "nil",
  ]

  @Test func everyErrorHasWords() {
    for error in Self.samples.map(\.error) + Self.foreign {
      let text = ControlError(error).message
      #expect(text.count > 8, "\(type(of: error)): \(text)")
      #expect(!text.contains("unexpected error"), "\(type(of: error)): \(text)")
      for word in Self.raw { #expect(!text.contains(word), "\(type(of: error)): \(text)") }
    }
  }

  @Test func everyTypeOfErrorHasASample() throws {
    // Always caught before an error leaves a run, and never printed.
    let inner: Set = [
      "Stopped", "SetStopped", "AbandonedStep", "Inconsistency", "TableProblem", "Flaw",
    ]
    let known = Set(Self.samples.map(\.type)).union(inner)
    var found: Set<String> = []
    for (file, text) in try SourceFiles.all() {
      for line in text.split(separator: "\n") where line.contains("Error") {
        let words = line.split(whereSeparator: { !$0.isLetter && $0 != "_" }).map(String.init)
        guard let place = words.firstIndex(where: { ["enum", "struct", "class"].contains($0) }),
          words.count > place + 1, line.contains(": Error") || line.contains(", Error")
        else { continue }
        found.insert(words[place + 1])
        #expect(known.contains(words[place + 1]), "\(file): \(line)")
      }
    }
    #expect(found.count > 15)
  }

  @Test func codesOfExitFollowTheKind() {
    let code = { (error: any Error) in ControlError(error).exitCode }
    #expect(code(PrivacyError.unboundedLoss(delta: 1)) == .usage)
    #expect(code(RecipeFailure("x")) == .usage)
    #expect(code(LedgerFileFault(operation: "open", code: EACCES)) == .failed)
    #expect(code(DatasetError.stopped) == .failed)
    #expect(code(ControlError.notFound("x")) == .notFound)
  }

  /// An interpolated error has Swift's own form: `ControlError(error)` puts it into words.
  @Test func noErrorIsWrittenAsItIs() throws {
    for (file, text) in try SourceFiles.all()
    where file.hasPrefix("figmentd/") || file.hasPrefix("figment/") || file.hasPrefix("Control/") {
      for line in text.split(separator: "\n") where line.contains(#"\(error)"#) {
        // A programming error ends the process, for a developer. An error of a known type has its own
        // words.
        let isMistake = line.contains("preconditionFailure")
        #expect(isMistake || line.contains("DecodeFailure"), "\(file): \(line)")
      }
    }
  }
}

/// The shipped sources.
enum SourceFiles {
  /// A document of the repository.
  static func document(_ name: String, _ file: String = #filePath) throws -> String {
    let root = URL(filePath: file).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    return String(decoding: try Data(contentsOf: root.appending(path: name)), as: UTF8.self)
  }

  /// Their paths below `Sources` and their texts.
  static func all(_ file: String = #filePath) throws -> [(path: String, text: String)] {
    let root = URL(filePath: file).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appending(path: "Sources").path
    let names = try FileManager.default.subpathsOfDirectory(atPath: root).filter {
      $0.hasSuffix(".swift")
    }
    return try names.sorted().map {
      ($0, String(decoding: try Data(contentsOf: URL(filePath: root + "/" + $0)), as: UTF8.self))
    }
  }
}
