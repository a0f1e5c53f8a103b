/// The loop of a phase that reads no private image: nothing is charged, and a checkpoint ends each
/// block as in training.
public final class FreeWork {
  /// The model that works.
  public let model: any GenerativeModel
  /// The phase.
  public let phase: Phase
  /// Steps of the phase whose effect the model holds.
  public private(set) var step: Int
  private let isProtected: Bool
  private let publicImages: PublicImages?

  /// Prepares the work; `step` is the model's state.
  ///
  /// - Parameters:
  ///   - isProtected: whether noise protects everything that the model knows of private images.
  ///   - publicImages: what the administrator declared public, for recipes that need it.
  public init(
    _ model: any GenerativeModel, phase: Phase, step: Int = 0, isProtected: Bool = false,
    publicImages: PublicImages? = nil
  ) {
    self.publicImages = publicImages
    precondition(phase.freeReason != nil, "phase \(phase.name) reads private images")
    self.model = model
    self.phase = phase
    self.step = step
    self.isProtected = isProtected
  }

  /// How far the phase has come, without curves.
  public var progress: Trainer.Progress {
    Trainer.Progress(step: step, charged: 0, lastStep: phase.stepCount, report: StepReport())
  }

  /// Makes the remaining steps; the callbacks are those of `Trainer.run`.
  public func run(
    blockSize: Int, shouldStop: () -> Bool, report: (Trainer.Progress) throws -> Void,
    blockEnded: () throws -> Void
  ) throws -> Trainer.Ending {
    let last = phase.stepCount
    while step < last {
      let end = min(last, step + max(1, blockSize))
      while step < end {
        if shouldStop() {
          try blockEnded()
          return .stopped
        }
        let result = try model.work(
          FreeStep(
            phase: phase.name, index: step, stepCount: last, isProtected: isProtected,
            publicImages: publicImages))
        step += 1
        try report(Trainer.Progress(step: step, charged: 0, lastStep: last, report: result))
      }
      try blockEnded()
    }
    return .finished
  }
}
