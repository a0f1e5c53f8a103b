import Compute
import Control
import Models
import Privacy

/// Carries out a phase that asks for an answer beside the model: once, charged before it is computed,
/// and the answer kept.
struct AnswerPhase {
  let phase: Phase
  let kind: any PaidAnswer.Type
  let account: RunAccount
  /// Where answers are kept.
  let folder: String
  /// Makes the noise of the answer.
  let makeNoise: @Sendable () -> NoiseStream
  /// Reports what may leave.
  let note: (String) -> Void

  /// The run was asked to stop before the answer was noised: nothing was asked.
  struct Stopped: Error {}

  /// Asks, unless it was asked before; nil when the answer was lost.
  ///
  /// - Throws: `Stopped`; whatever the ledger and the disk throw.
  func run(_ inputs: AnswerInputs) throws -> Releasable<any PaidAnswer>? {
    try ask(kind, inputs)
  }

  private func ask<Answer: PaidAnswer>(
    _ kind: Answer.Type, _ inputs: AnswerInputs
  ) throws -> Releasable<any PaidAnswer>? {
    // A stored answer counts only where this run's ledger was charged for it: otherwise it may be the answer
    // about other images, or under another ledger, and the claim would not cover it.
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
