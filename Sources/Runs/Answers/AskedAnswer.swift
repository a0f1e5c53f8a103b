import Control
import Models
import Privacy

/// An answer that an order requests, and the part of the run's epsilon that it may cost.
struct AskedAnswer {
  let kind: any PaidAnswer.Type
  let epsilon: Double

  /// The phase that computes it.
  func phase(of order: RunOrder, population: Int) throws -> Phase {
    let (work, cost) = try kind.work(within: epsilon, of: order, population: population)
    guard cost > 0 else {
      throw ControlError.invalid(
        "answers: \(kind.request) \(epsilon): so small that its cost rounds to 0. Request more, or none."
      )
    }
    return Phase(kind.phase, kind.purpose, work, epsilon: cost)
  }
}

extension RunOrder {
  /// The answers that the order requests, in the order of `PaidAnswers.kinds`.
  ///
  /// - Throws: `ControlError.invalid` for an unknown name, for any answer where the recipe learns a table alone,
  ///   because all of them are computed from images, and for one that needs synthetic images where none are drawn.
  func askedAnswers() throws(ControlError) -> [AskedAnswer] {
    let known = PaidAnswers.kinds.map { $0.request }
    if let unknown = answers.keys.sorted().first(where: { !known.contains($0) }) {
      throw .invalid(
        "answers: '\(unknown)' is unknown (\(known.dropLast().joined(separator: ", ")) or \(known.last ?? "") expected)."
      )
    }
    let asked = PaidAnswers.kinds.compactMap { kind in
      answers[kind.request].map { AskedAnswer(kind: kind, epsilon: $0) }
    }
    if let one = asked.first, !recipe.model.readsImages {
      throw .invalid(
        "answers: \(one.kind.request) is computed from images, and recipe \(recipe.name) learns a table alone. Do not "
          + "request it."
      )
    }
    if let one = asked.first(where: { $0.kind.needsDrawnImages }), count == 0 {
      throw .invalid(
        "answers: \(one.kind.request) needs synthetic images, and count is 0. Draw some, or do not request it."
      )
    }
    return asked
  }

  /// Refuses answers that mean nothing for these classes.
  func requireAnswers(classes: [String]) throws(ControlError) {
    for answer in try askedAnswers() { try answer.kind.require(classes: classes) }
  }
}
