import Compute
import Control
import Models
import Privacy

/// Carries out a phase that computes an answer beside the model: once, charged before it is computed, and
/// stored.
struct AnswerPhase {
  let phase: Phase
  let kind: any PaidAnswer.Type
  let account: RunAccount
  /// The folder of stored answers.
  let folder: String
  /// Makes the noise of the answer.
  let makeNoise: @Sendable () -> NoiseStream
  /// Reports something that may be released.
  let note: (String) -> Void

  /// The run should stop, and the answer had no noise yet: nothing was computed.
  struct Stopped: Error {}

  /// Computes the answer, unless it is stored; nil when the answer was lost.
  ///
  /// - Throws: `Stopped`; whatever the ledger and the disk throw.
  func run(_ inputs: AnswerInputs) throws -> Releasable<any PaidAnswer>? {
    try ask(kind, inputs)
  }

  private func ask<Answer: PaidAnswer>(
    _ kind: Answer.Type, _ inputs: AnswerInputs
  ) throws -> Releasable<any PaidAnswer>? {
    // A stored answer counts only where this run's ledger was charged for it: otherwise it may be about other
    // images, or belong to another ledger, and the claim would not cover it.
    guard account.charged(phase.name) == 0 else {
      if let saved = try Answer.saved(in: folder) { return saved.map { $0 as any PaidAnswer } }
      note(
        "\(phase.name): paid for, and the answer was lost in a crash. The set will have none.")
      return nil
    }
    guard let access = phase.access else { preconditionFailure("an answer reads private images") }
    let compute = try Answer.prepare(inputs, phase)
    let reservation = try account.ledger.reserve(access, times: 1, for: phase.name)
    guard let answer = compute(reservation, makeNoise()) else {
      // No noise was drawn, and the unfinished answer is forgotten: there was no access.
      try account.ledger.settle(reservation, used: 0)
      throw Stopped()
    }
    try DurableFile.write(try answer.value.encoded(), to: "\(folder)/\(Answer.name)")
    try account.ledger.settle(reservation, used: 1)
    return answer.map { $0 as any PaidAnswer }
  }
}
