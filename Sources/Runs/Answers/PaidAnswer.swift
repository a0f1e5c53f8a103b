import Compute
import Control
import Datasets
import Evaluation
import FoundationEssentials
import Glibc
import Models
import Privacy

/// An answer about the private images that a run may pay for beside its model: a phase of its own.
///
/// It is a `HistogramAnswer` or a `VectorAnswer`; these two protect it. It is stored with the internal files,
/// so that a resumed run does not ask again, and it is released. A new answer needs a file in this folder and
/// a line in `PaidAnswers.kinds`.
protocol PaidAnswer: Codable, SendableMetatype {
  /// The name by which orders request it.
  static var request: String { get }
  /// The name of its phase, under which the ledger records its charge forever.
  static var phase: String { get }
  /// The name that the phase had in earlier versions; nil if it had none.
  static var formerPhase: String? { get }
  /// What the phase does, in a few words.
  static var purpose: String { get }
  /// Whether it is computed after the synthetic images are drawn.
  static var needsDrawnImages: Bool { get }
  /// The file's name.
  static var name: String { get }
  /// The file's name in earlier versions; nil if it had none.
  static var formerName: String? { get }
  /// Refuses classes for which the answer would mean nothing.
  static func require(classes: [String]) throws(ControlError)
  /// The noisy access that costs at most `epsilon`, and its actual cost.
  static func work(
    within epsilon: Double, of order: RunOrder, population: Int
  ) throws -> (work: Phase.Work, epsilon: Double)
  /// Computes everything that reads no private image, and returns the part that reads them.
  static func prepare(_ inputs: AnswerInputs, _ phase: Phase) throws -> AnswerWork<Self>
  /// What the file contains, without its numbers.
  var words: String { get }
  /// What the file contains, for the README of the set.
  var contents: String { get }
  /// A picture that is released beside the file; nil for none.
  var picture: (name: String, image: Image)? { get }
  /// The table that a report shows.
  var table: ReportTable { get }
  /// The accuracy that a report's verdict uses; nil for answers that contain none.
  var accuracyForVerdict: PaidAccuracy? { get }
}

/// The inputs of an answer.
struct AnswerInputs {
  /// The class names of the plan, in label order.
  let classes: [String]
  /// The run's seed.
  let seed: UInt64
  let snapshot: DatasetSnapshot
  /// The drawn images, or an even sample if there are very many; nil before they are drawn.
  let drawn: LabelledImages?
  /// The probability with which the bound of the answer may fail.
  let delta: Double
  let machine: Machine
  /// Whether the run should stop; it knows nothing of the images.
  let shouldStop: () -> Bool
  /// Throws when the run should stop; otherwise reports the finished share of the work.
  let progress: (_ share: Double) throws -> Void
}

/// The part of an answer that reads private images: it takes the reservation that paid for it, and noise.
///
/// It returns nil if it was abandoned because the run should stop: then it drew no noise, and nothing that it
/// computed from the images is left.
typealias AnswerWork<Answer> = (
  _ reservation: borrowing Reservation, _ noise: NoiseStream
) -> Releasable<Answer>?

extension PaidAnswer {
  static var formerPhase: String? { nil }
  static var formerName: String? { nil }
  static func require(classes: [String]) throws(ControlError) {}
  var picture: (name: String, image: Image)? { nil }
  var accuracyForVerdict: PaidAccuracy? { nil }

  /// The file's name.
  var fileName: String { Self.name }

  /// The file's content.
  func encoded() throws -> Data { try ControlCoding.encodeForPeople(self) }

  /// Whether a phase of a plan computes this answer.
  static func isAsked(by phase: Phase) -> Bool {
    phase.isBesideModel && (phase.name == self.phase || phase.name == formerPhase)
  }

  /// The phase that computes it; nil when the plan has none.
  static func phase(in phases: [Phase]) -> Phase? { phases.first(where: isAsked) }

  /// The answer that an earlier attempt stored; nil when there is none.
  static func saved(in folder: String) throws -> Releasable<Self>? {
    let names = try DurableFile.names(in: folder)
    guard let name = [name, formerName].compactMap({ $0 }).first(where: names.contains) else {
      return nil
    }
    let file = try StateFormat.read(Self.self, at: "\(folder)/\(name)")
    return Releasable(file, .paidFor)
  }
}

/// All answers of a run.
struct PaidAnswers {
  /// The kinds of answers that a run can request.
  static let kinds: [any PaidAnswer.Type] = [
    ClassCountsAnswer.self, ClassMeansAnswer.self, SyntheticAccuracyAnswer.self,
  ]

  private var answers: [Releasable<any PaidAnswer>] = []

  /// Adds an answer; nil stands for a lost one.
  mutating func add(_ answer: Releasable<any PaidAnswer>?) {
    if let answer { answers.append(answer) }
  }

  /// The current and former names of answer files.
  static let fileNames = kinds.flatMap { [$0.name, $0.formerName].compactMap { $0 } }

  /// The stored answers that these phases asked for, of a run whose release exists: its ledger was charged for them.
  static func saved(of phases: [Phase], in folder: String) throws -> PaidAnswers {
    var answers = PaidAnswers()
    for kind in kinds where kind.phase(in: phases) != nil {
      answers.add(try saved(kind, in: folder))
    }
    return answers
  }

  private static func saved<Answer: PaidAnswer>(
    _ kind: Answer.Type, in folder: String
  ) throws -> Releasable<any PaidAnswer>? {
    guard let saved = try Answer.saved(in: folder) else { return nil }
    return saved.map { $0 as any PaidAnswer }
  }

  /// Removes the answers that an earlier run left in a folder.
  static func removeAll(in folder: String) throws {
    for name in try DurableFile.names(in: folder) where fileNames.contains(name) {
      try systemCall("unlink", "\(folder)/\(name)") { unlink("\(folder)/\(name)") }
    }
  }

  /// The kind of answer that a phase of this name computes; nil for other phases.
  static func kind(ofPhase name: String) -> (any PaidAnswer.Type)? {
    kinds.first { $0.phase == name || $0.formerPhase == name }
  }

  /// The answers in the words of a statement.
  var words: [String] { answers.map(\.value.words) }

  /// The answers in the words of the set's README.
  var contents: [String] { answers.map(\.value.contents) }

  /// The tables that a report shows.
  var tables: Releasable<[ReportTable]> {
    Releasable(answers.map(\.value.table), .paidFor)
  }

  /// The accuracy that a report's verdict uses; nil when the run did not pay for it.
  var accuracyForVerdict: Releasable<PaidAccuracy>? {
    answers.lazy.compactMap { answer in
      answer.value.accuracyForVerdict.map { score in answer.map { _ in score } }
    }.first
  }

  /// Their pictures.
  var pictures: [(name: String, image: Releasable<Image>)] {
    answers.compactMap { answer in
      answer.value.picture.map { picture in (picture.name, answer.map { _ in picture.image }) }
    }
  }

  /// Their files.
  func files() throws -> [(name: String, content: Releasable<Data>)] {
    try answers.map { answer in
      (answer.value.fileName, try answer.map { try $0.encoded() })
    }
  }
}
