import Control
import Datasets
import FoundationEssentials
import Glibc
package import Models
import Privacy

/// Checks that keep a run from wasting privacy: free disk space, memory, steps that crashes cost.
extension TrainingRun {
  /// The largest share of planned steps that crashes may cost before the set is no longer what was ordered.
  static let largestLoss = 0.1

  /// Refuses to write through links in the run's own folder: their targets belong to others.
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

  /// Makes one step of each phase on noise images, and draws with the same model that the run will use,
  /// before any privacy is spent: a run that needs more memory than there is, or cannot work at all, fails
  /// here.
  func rehearse(_ plan: ResolvedPlan) throws {
    do {
      try TrainingForecast.rehearse(plan, on: machine) { [stop] in stop.isRaised }
    } catch is AbandonedStep {
      throw DatasetError.stopped
    }
  }

  /// Refuses to begin when the disks have too little free space for the run's files.
  ///
  /// A run that is underway waits for free space instead: what is paid for is not given up.
  func requireRoom(_ plan: ResolvedPlan, _ step: Int) throws {
    let need = DiskNeed(
      recipe: plan.recipe, count: order.count, checkpointBytes: try checkpoints.largestBytes())
    let set = places.set(isProtected: plan.isProtected).path
    let isUnderway = try step > 0 || history().nextAttempt(of: order.name) > 1
    let progress = { JobProgress(phase: .train, done: step, total: plan.stepCount) }
    try whenThereIsRoom(
      for: "the run's files", progress, isWantOfRoom: { _ in isUnderway },
      { try need.requireRoom(internalFiles: places.internalFiles, set: set) })
  }

  /// Warns before training if the noise will hide most of what the images or rows could teach.
  func warn(of model: any GenerativeModel, _ plan: ResolvedPlan, _ step: Int) {
    guard step == 0 else { return }
    let noise = plan.noise(
      parameterCount: model.privateParameterCount, units: order.unit.plural)
    if let warning = noise.warning { note(warning) }
  }

  /// Refuses to publish a training that crashes cut short, unless the order allows it.
  ///
  /// What was charged is spent either way; but a set of a half-trained model would be taken for a complete
  /// one. A phase of which nothing is left is never published: its model knows nothing of the data.
  func requireEnoughSteps(_ trainer: Trainer, _ phase: Phase) throws {
    let planned = trainer.plannedSteps
    let lost = planned - trainer.lastStep
    guard lost > 0 else { return }
    let made =
      "\(phase.name): \(trainer.step) of \(planned) planned \(phase.selection == nil ? "steps" : "rounds") were made; crashes cost the others, which "
      + "are paid for and cannot be made again"
    guard trainer.step > 0 else {
      throw ControlError.conflict(
        "run \(order.name): \(made), so nothing was learnt in this phase. The set cannot be published, not "
          + "even with --allow-fewer-steps. Train again under another name.")
    }
    guard Double(lost) > Self.largestLoss * Double(planned) else { return note(made) }
    guard order.allowsFewerSteps else {
      throw ControlError.conflict(
        "run \(order.name): \(made). The set is not published (at least "
          + "\(Int((1 - Self.largestLoss) * 100)) % of the steps expected). Allow fewer steps to publish "
          + "it anyway (figment resume or figmentd run with --allow-fewer-steps), or train again."
      )
    }
    note("\(made); published as allowed")
  }

  /// Does some work; if a disk is full, waits for free space, keeping all results in memory.
  ///
  /// - Parameters:
  ///   - what: the data that needs disk space, for the note.
  ///   - progress: reported during the wait, so that the run does not seem to hang.
  ///   - isWantOfRoom: distinguishes the failures to wait for from others.
  /// - Throws: any other failure of `body`; `DatasetError.stopped` when the run should stop first.
  func whenThereIsRoom<Result>(
    for what: String, _ progress: () -> JobProgress,
    isWantOfRoom: (any Error) -> Bool = DiskNeed.isWantOfRoom, _ body: () throws -> Result
  ) throws -> Result {
    var isTold = false
    while true {
      do {
        return try body()
      } catch let error where isWantOfRoom(error) {
        if !isTold { note("no room for \(what): the run waits until the disk has free space") }
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

/// The disk space that a run's files need, estimated from shapes and counts.
package struct DiskNeed {
  /// The size of the set in bytes.
  package let setBytes: Int
  /// The size of the internal files in bytes, without the frozen images, which exist already.
  let internalBytes: Int

  /// A PNG of noise is slightly larger than its pixels; a small one occupies a block of the disk.
  private static let bytesPerImage = 512
  private static let blockBytes = 4096
  /// Reports, sheets and previews.
  private static let otherBytes = 24 << 20
  /// Two are kept while a third is written.
  private static let checkpoints = 3

  /// The longest number in a table: sign, 17 digits, point and exponent.
  private static let bytesPerNumber = 24

  /// The need of a run with `count` synthetic images or rows; `checkpointBytes` is 0 before there is a checkpoint.
  package init(recipe: Recipe, count: Int, checkpointBytes: Int) {
    let one = recipe.model.readsImages ? Self.imageBytes(recipe) : 0
    setBytes = count * (one + Self.rowBytes(recipe)) + checkpointBytes + Self.otherBytes
    internalBytes = Self.checkpoints * checkpointBytes + Self.otherBytes
  }

  private static func imageBytes(_ recipe: Recipe) -> Int {
    let pixels = recipe.image.height * recipe.image.width * recipe.image.channels
    return (pixels + bytesPerImage + blockBytes - 1) / blockBytes * blockBytes
  }

  /// The longest row of CSV, or of JSON, which repeats the names of its columns.
  private static func rowBytes(_ recipe: Recipe) -> Int {
    recipe.columns.reduce(0) { sum, column in
      let value =
        switch column.values {
        case .categories(let names): names.map(\.utf8.count).max() ?? 0
        case .numbers: bytesPerNumber
        }
      return sum + value + (recipe.model.readsImages ? column.name.utf8.count : 0) + 6
    }
  }

  /// Whether a system call failed for lack of free disk space.
  static func isWantOfRoom(_ code: Int32) -> Bool { [ENOSPC, EDQUOT, EFBIG].contains(code) }

  /// Whether an error stands for lack of free disk space.
  static func isWantOfRoom(_ error: any Error) -> Bool {
    switch error {
    case let error as SystemCallError: isWantOfRoom(error.code)
    case DatasetError.systemCallFailed(_, _, let code): isWantOfRoom(code)
    default: false
    }
  }

  /// Refuses when the disks of the two folders have less free space than needed.
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
        + "run's files expected). Free some space, or request fewer images.")
  }
}
