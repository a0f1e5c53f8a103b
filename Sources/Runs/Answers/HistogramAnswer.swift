import Compute
import Control
import Datasets
import Learning
import Models
import Privacy

/// An answer computed from a noisy histogram of images: every image counts once, in one bin.
protocol HistogramAnswer: PaidAnswer {
  /// Computes everything that reads no private image, and returns the part that reads them.
  static func prepare(_ inputs: AnswerInputs, _ query: CountQuery) throws -> Histogram<Self>
}

/// A histogram of private images, and the answer computed from it after noise.
struct Histogram<Answer> {
  /// Counts the images; nil if it was given up.
  let counts: () -> Sensitive<[Int]>?
  /// The answer after noise.
  let file: (Releasable<[Int]>) -> Releasable<Answer>
}

extension HistogramAnswer {
  /// The noise that hides all images of one unit.
  static func work(
    within epsilon: Double, of order: RunOrder, population: Int
  ) throws -> (work: Phase.Work, epsilon: Double) {
    guard let largest = order.rules.privacyUnit == .file ? 1 : order.rules.maximumPerUnit else {
      throw ControlError.invalid(
        "answers: \(request) \(epsilon): dataset \(order.dataset) protects folders of any size, and "
          + "no noise hides them all. Set the most files of a folder (max_per_unit in the dataset's "
          + "policy; --maximum-per-unit of figmentd run), or do not request it.")
    }
    let query = try CountQuery(
      budget: PrivacyBudget(epsilon: epsilon, delta: order.delta), sensitivity: largest,
      noise: order.training.noise ?? .gaussian)
    return (.counts(query), query.epsilon)
  }

  static func prepare(_ inputs: AnswerInputs, _ phase: Phase) throws -> AnswerWork<Self> {
    guard let query = phase.query else {
      preconditionFailure("phase \(phase.name) asks for no histogram")
    }
    let histogram = try prepare(inputs, query)
    return { reservation, noise in
      guard let counts = histogram.counts() else { return nil }
      return histogram.file(query.answer(counts, paidBy: reservation, noise: noise))
    }
  }
}
