import Control
import Datasets
import Models
package import Privacy

/// A question about the private images that a run may ask once, beside training.
///
/// The text is the purpose under which ledgers keep it forever. It alone tells questions apart:
/// answers of one price are one elementary event.
enum RunQuestion: String, CaseIterable {
  /// How many images there are of each class.
  case counts = "class counts"
  /// How many images a classifier gets right that learnt from the synthetic ones alone.
  case score

  /// The field of a request that asks it.
  var field: String {
    switch self {
    case .counts: "count_epsilon"
    case .score: "score_epsilon"
    }
  }

  /// The questions that attempts at a run were charged for, whether or not they got an answer.
  static func paid(by run: String, _ history: LedgerHistory) throws -> Set<RunQuestion> {
    Set(try allCases.filter { try !history.spent(by: run, for: $0.rawValue).isEmpty })
  }
}

/// The questions of a run with their noise.
package struct RunQuestions: Hashable {
  /// How many images there are of each class; nil when nobody asked.
  var counts: CountQuery?
  /// How many a classifier gets right; nil when nobody asked.
  var score: CountQuery?

  subscript(question: RunQuestion) -> CountQuery? {
    switch question {
    case .counts: counts
    case .score: score
    }
  }

  /// All that are asked.
  package var all: [CountQuery] { without([]) }

  /// Those that are asked, less some.
  func without(_ paid: Set<RunQuestion>) -> [CountQuery] {
    RunQuestion.allCases.filter { !paid.contains($0) }.compactMap { self[$0] }
  }

  /// What a plan says of them, after the training.
  package var words: String {
    RunQuestion.allCases.compactMap { question in
      self[question].map {
        "; with the \(question.rawValue), on which lies noise of \(Rounded.text($0.standardDeviation)) images"
      }
    }.joined()
  }

  /// Refuses a score where there is nothing to tell apart.
  package func validate(classes: [String]) throws {
    guard score != nil, classes.count < 2 else { return }
    throw ControlError.invalid(
      "score_epsilon: the dataset has \(classes.count) class (2 or more expected), so a classifier "
        + "is always right. Do not ask for a score.")
  }
}

extension RunOrder {
  /// What is asked beside training, with the noise that hides all images of one unit.
  ///
  /// `epsilon` is what the whole run may cost.
  func questions(within epsilon: Double) throws -> RunQuestions {
    let asked = [(RunQuestion.counts, countEpsilon), (.score, scoreEpsilon)]
      .compactMap { question, share in share.map { (question: question, epsilon: $0) } }
    guard !asked.isEmpty else { return RunQuestions() }
    let fields = asked.map { "\($0.question.field) \($0.epsilon)" }.joined(separator: " and ")
    guard asked.reduce(0, { $0 + $1.epsilon }) < epsilon else {
      throw ControlError.invalid(
        "\(fields): \(asked.count > 1 ? "together " : "")not below the run's epsilon, which pays "
          + "for \(asked.count > 1 ? "them" : "it"). Give less, or a larger epsilon.")
    }
    guard let largest = rules.privacyUnit == .file ? 1 : rules.maximumPerUnit else {
      throw ControlError.invalid(
        "\(fields): dataset \(dataset) protects folders of any size, and no noise hides them all."
          + " Set the most files of a folder (max_per_unit in the dataset's policy; --maximum-per-unit of "
          + "figmentd run), or do not ask.")
    }
    guard scoreEpsilon == nil || count > 0 else {
      throw ControlError.invalid(
        "score_epsilon: count is 0, and a classifier needs synthetic images to learn from.")
    }
    let query = { (share: Double?) in
      try share.map {
        try CountQuery(
          budget: PrivacyBudget(epsilon: $0, delta: delta), sensitivity: largest,
          noise: training.noise ?? .gaussian)
      }
    }
    return RunQuestions(counts: try query(countEpsilon), score: try query(scoreEpsilon))
  }
}
