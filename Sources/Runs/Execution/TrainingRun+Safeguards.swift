import Control
import Datasets
import FoundationEssentials
import Glibc
package import Models
import Privacy

/// What a run looks after so that no privacy is spent in vain: room, memory, steps that were lost.
extension TrainingRun {
  /// The share of the planned steps that crashes may cost before a set is no longer what was asked for.
  static let largestLoss = 0.1

  /// Refuses to write through links in the run's own folder: what they lead to is somebody else's.
  func requireOwnFolders() throws {
    for folder in [places.checkpoints, places.internalFiles + "/previews"] {
      var information = stat()
      guard lstat(folder, &information) == 0, information.st_mode & S_IFMT != S_IFDIR else {
        continue
      }
      throw ControlError.conflict(
        "\(folder): not a folder (the run's own folder expected; links are not followed). Move it away."
      )
    }
  }

  /// Makes one step of each phase, on noise images, and draws with the same model as the run will, before anything is
  /// spent: what needs more memory than there is, or cannot work at all, fails here.
  func rehearse(_ plan: ResolvedPlan) throws {
    do {
      try TrainingForecast.rehearse(plan, on: machine) { [stop] in stop.isRaised }
    } catch is AbandonedStep {
      throw DatasetError.stopped
    }
  }

  /// Refuses to begin where the disks have no room for what the run will write.
  ///
  /// A run that is underway waits for it: what is paid for is not given up.
  func requireRoom(_ plan: ResolvedPlan, _ step: Int) throws {
    let need = DiskNeed(
      recipe: plan.recipe, images: order.count, checkpointBytes: try checkpoints.largestBytes())
    let set = places.set(isProtected: plan.isProtected).path
    let isUnderway = try step > 0 || history().nextAttempt(of: order.name) > 1
    let progress = { JobProgress(phase: .train, done: step, total: plan.stepCount) }
    try whenThereIsRoom(
      for: "the run's files", progress, isWantOfRoom: { _ in isUnderway },
      { try need.requireRoom(internalFiles: places.internalFiles, set: set) })
  }

  /// Says beforehand what noise will leave of the images.
  func warn(of model: any GenerativeModel, _ plan: ResolvedPlan, _ step: Int) {
    guard step == 0, let main = plan.mainPlan,
      let warning = NoiseOutlook(
        main, parameterCount: model.privateParameterCount, epsilon: plan.epsilon)?.warning
    else { return }
    note(warning)
  }

  /// Refuses to publish a training that crashes cut short, unless the order allows it.
  ///
  /// What was charged is spent either way: a set of a half-trained model would pass for a whole one.
  func requireEnoughSteps(_ trainer: Trainer, _ phase: Phase) throws {
    let planned = trainer.plan.steps
    let lost = planned - trainer.lastStep
    guard lost > 0 else { return }
    let made =
      "\(phase.name): \(trainer.step) of \(planned) planned steps were made; crashes cost the others, which "
      + "are paid for and cannot be made again"
    guard Double(lost) > Self.largestLoss * Double(planned) else { return note(made) }
    guard order.allowsFewerSteps else {
      throw ControlError.conflict(
        "run \(order.name): \(made). The set is not published (at least "
          + "\(Int((1 - Self.largestLoss) * 100)) % of the steps expected). Allow fewer steps to publish "
          + "it anyway (figment resume or figmentd run with --allow-fewer-steps), or train anew."
      )
    }
    note("\(made); published as allowed")
  }

  /// Does something; where a disk has no room for it, waits until there is some, with all that was computed in
  /// memory.
  ///
  /// - Parameters:
  ///   - what: what there is no room for, as the note says it.
  ///   - progress: what is told meanwhile, so that the run does not look stuck.
  ///   - isWantOfRoom: tells failures that are waited for from others.
  /// - Throws: what `body` throws for another reason; `DatasetError.stopped` when the run is to stop first.
  func whenThereIsRoom<Result>(
    for what: String, _ progress: () -> JobProgress,
    isWantOfRoom: (any Error) -> Bool = DiskNeed.isWantOfRoom, _ body: () throws -> Result
  ) throws -> Result {
    var isTold = false
    while true {
      do {
        return try body()
      } catch let error where isWantOfRoom(error) {
        if !isTold { note("no room for \(what): the run waits until the disk has some") }
        isTold = true
        if stop.isRaised {
          note("stopped while there was no room for \(what): what was not stored is lost")
          throw DatasetError.stopped
        }
        report(.progress(progress()))
        Self.sleep(conditions.pauseWithoutRoom)
      }
    }
  }

  private static func sleep(_ pause: Duration) {
    usleep(UInt32(clamping: Int(pause / .microseconds(1))))
  }
}

/// The room that a run's files need, as far as shapes and counts tell.
package struct DiskNeed {
  /// Bytes of the set.
  package let setBytes: Int
  /// Bytes of what stays inside, beside the frozen images, which are there already.
  let internalBytes: Int

  /// A PNG of noise is a little larger than its pixels; small ones take a block of the disk.
  private static let bytesPerImage = 512
  private static let blockBytes = 4096
  /// Reports, sheets and previews.
  private static let otherBytes = 24 << 20
  /// Two are kept while a third is written.
  private static let checkpoints = 3

  /// What a run with `images` synthetic images needs; 0 for a checkpoint that nobody has seen yet.
  package init(recipe: Recipe, images: Int, checkpointBytes: Int) {
    let pixels = recipe.image.height * recipe.image.width * recipe.image.channels
    let file =
      (pixels + Self.bytesPerImage + Self.blockBytes - 1) / Self.blockBytes * Self.blockBytes
    setBytes = images * file + checkpointBytes + Self.otherBytes
    internalBytes = Self.checkpoints * checkpointBytes + Self.otherBytes
  }

  /// Whether a system call failed because there is no room.
  static func isWantOfRoom(_ code: Int32) -> Bool { [ENOSPC, EDQUOT, EFBIG].contains(code) }

  /// Whether something failed because there is no room.
  static func isWantOfRoom(_ error: any Error) -> Bool {
    switch error {
    case let error as SystemCallError: isWantOfRoom(error.code)
    case DatasetError.systemCallFailed(_, _, let code): isWantOfRoom(code)
    default: false
    }
  }

  /// Refuses when the disks of the two folders have less than is needed.
  ///
  /// - Throws: `ControlError.conflict`.
  func requireRoom(internalFiles: String, set: String) throws {
    guard let inside = DiskRoom.at(internalFiles),
      let outside = DiskRoom.at(set)
    else { return }
    let isSame = inside.fileSystem == outside.fileSystem
    try Self.require(isSame ? internalBytes + setBytes : internalBytes, inside, at: internalFiles)
    if !isSame { try Self.require(setBytes, outside, at: set) }
  }

  private static func require(_ bytes: Int, _ room: DiskRoom, at folder: String) throws {
    guard room.free < bytes else { return }
    throw ControlError.conflict(
      "\(folder): \(Rounded.bytes(room.free)) are free on its disk (\(Rounded.bytes(bytes)) for the "
        + "run's files expected). Make room, or ask for fewer images.")
  }
}
