import Control
import Evaluation
import FoundationEssentials
import Privacy

/// An answer about the private images that was paid for beside training.
///
/// Kept as a file with the internal ones, so that a resumed run does not ask again, and released.
protocol PaidAnswer: Codable {
  /// The question.
  static var question: RunQuestion { get }
  /// The file's name.
  static var name: String { get }
  /// What the file tells, without its numbers.
  var words: String { get }
  /// What the file holds, for the card of the set.
  var contents: String { get }
  /// What a report says of it; nil for nothing.
  var fact: (name: String, value: String)? { get }
}

extension PaidAnswer {
  /// The file's name.
  var fileName: String { Self.name }

  /// The file's content.
  func encoded() throws -> Data { try ControlCoding.encodeForPeople(self) }

  /// The answer that an earlier attempt got; nil when there is none.
  static func saved(in folder: String) throws -> Releasable<Self>? {
    guard try DurableFile.names(in: folder).contains(name) else { return nil }
    let file = try StateFormat.read(Self.self, at: "\(folder)/\(name)")
    return Releasable(file, .paidFor)
  }

  /// The answer that an earlier attempt got, whatever its kind.
  fileprivate static func savedAnswer(in folder: String) throws -> Releasable<any PaidAnswer>? {
    try saved(in: folder).map { $0.map { $0 as any PaidAnswer } }
  }
}

/// All answers that a run got.
struct PaidAnswers {
  private let answers: [Releasable<any PaidAnswer>]

  /// Reads the answers that are kept in a run's internal folder.
  init(in folder: String) throws {
    let kinds: [any PaidAnswer.Type] = [ClassCountsFile.self, ScoreFile.self]
    answers = try kinds.compactMap { try $0.savedAnswer(in: folder) }
  }

  /// What a statement says of them.
  var words: [String] { answers.map(\.value.words) }

  /// What the card of the set says of them.
  var contents: [String] { answers.map(\.value.contents) }

  /// What a report says of them.
  var facts: [(name: String, value: String)] { answers.compactMap(\.value.fact) }

  /// The score, for the verdict of a report; nil when nobody paid for one.
  var score: Releasable<PaidScore>? {
    answers.lazy.compactMap { answer -> Releasable<PaidScore>? in
      guard answer.value is ScoreFile else { return nil }
      return answer.map {
        let file = $0 as? ScoreFile
        return PaidScore(
          accuracy: file?.accuracy,
          interval: file?.interval ?? Interval(low: 0, high: 1, method: "unknown"))
      }
    }.first
  }

  /// Adds their files to a set.
  func write<Zone>(with writer: SetWriter<Zone>) throws {
    for answer in answers {
      try writer.write(answer.map { try $0.encoded() }, as: answer.value.fileName)
    }
  }
}
