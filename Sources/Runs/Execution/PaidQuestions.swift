import Compute
import Control
import Datasets
import Evaluation
import Learning
import Models
import Privacy

/// Asks what a run pays for beside training: each question once, charged before it is computed, and
/// the answer kept.
struct PaidQuestions {
  let design: RunDesign
  let snapshot: DatasetSnapshot
  let account: RunAccount
  /// Where answers are kept.
  let folder: String
  let delta: Double
  /// Makes the noise of an answer.
  let makeNoise: @Sendable () -> NoiseStream
  let report: @Sendable (JobReport) -> Void

  /// Images that are in memory at a time.
  private static let block = 4096

  private struct Stopped: Error {}

  /// Asks how many images there are of each class.
  func askForCounts() throws {
    guard let query = design.counts, try isOpen(ClassCountsFile.self) else { return }
    try ask(query) {
      snapshot.classCounts(ofUnitsUpTo: query.sensitivity)
    } file: {
      ClassCountsFile.make($0, classes: design.classes, query, delta: delta)
    }
  }

  /// Asks how many real images a classifier gets right that learns from `synthetic` ones; false when
  /// it was asked to stop.
  func askForScore(
    of synthetic: LabelledImages, on machine: Machine, stop: StopSignal
  ) throws -> Bool {
    guard let query = design.score, try isOpen(ScoreFile.self) else { return true }
    do {
      // Post-processing of the model: nothing is charged for it.
      let classifier = try SyntheticClassifier(
        trainedOn: synthetic, seed: design.seed &+ 3, on: machine
      ) { share in
        if stop.isRaised { throw Stopped() }
        report(.progress(JobProgress(phase: .evaluate, done: Int(1000 * share), total: 1000)))
      }
      try ask(query) {
        outcomes(of: classifier, ofUnitsUpTo: query.sensitivity)
      } file: {
        ScoreFile.make($0, classifier, query, delta: delta)
      }
      return true
    } catch is Stopped {
      return false
    }
  }

  /// Right and wrong answers over all images: a histogram of images, whatever the classifier.
  private func outcomes(
    of classifier: SyntheticClassifier, ofUnitsUpTo largest: Int
  ) -> Sensitive<[Int]> {
    snapshot.requireUnits(ofUpTo: largest)
    return stride(from: 0, to: snapshot.count, by: Self.block).reduce(Sensitive([0, 0])) {
      let places = $1..<min(snapshot.count, $1 + Self.block)
      let images = Sensitive(
        snapshot.labelledImages(at: places, classNames: design.classes))
      return $0.map(with: classifier.outcomes(for: images)) { zip($0, $1).map { $0 + $1 } }
    }
  }

  /// Whether a question is still to be asked: nobody answered it, and nobody paid for it.
  private func isOpen<Answer: PaidAnswer>(_ kind: Answer.Type) throws -> Bool {
    guard try kind.saved(in: folder) == nil else { return false }
    guard account.paid.contains(kind.question) else { return true }
    report(
      .note(
        Releasable(
          "\(kind.question.rawValue): paid for, and the answer was lost in a crash. "
            + "The set will have none.", .chosenBeforehand)))
    return false
  }

  private func ask<Answer: PaidAnswer>(
    _ query: CountQuery, _ counts: () -> Sensitive<[Int]>,
    file: (Releasable<[Int]>) -> Releasable<Answer>
  ) throws {
    let reservation = try account.ledger.reserve(
      query.event, times: 1, for: Answer.question.rawValue)
    let answer = query.answer(counts(), paidBy: reservation, noise: makeNoise())
    try DurableFile.write(
      try file(answer).value.encoded(), to: "\(folder)/\(Answer.name)")
    try account.ledger.settle(reservation, used: 1)
  }
}

extension SetWriter {
  /// The images that were kept while they were written.
  func lookedImages(_ format: ImageSpecification) -> LabelledImages {
    LabelledImages(
      shape: Shape(format.height, format.width, format.channels), classNames: format.classes,
      labels: looked.labels, pixels: looked.pixels)
  }
}
