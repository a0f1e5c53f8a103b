import Control
import Datasets
import Models
import Privacy

/// What a saved design must be before anything is made of it: the file may be damaged, and sizes that no
/// order could have given would end the process.
extension RunDesign {
  /// Refuses numbers that no order gives.
  ///
  /// - Throws: what is wrong, without the name of the file.
  func validate() throws {
    _ = try ClassNames.folders(classes)
    try recipe.validate(classes: classes)
    try questions.validate(classes: classes)
    try Self.require(plan.steps, in: 1...TrainingSettings.mostSteps, "plan.steps")
    try Self.require(plan.population, in: 1...Self.largestPopulation, "plan.population")
    try Self.require(
      plan.batchSize, in: 1...min(TrainingSettings.largestBatch, plan.population), "plan.batch_size"
    )
    guard plan.mechanism != nil || questions.all.isEmpty else {
      throw ControlError.invalid("questions without a mechanism that protects (none expected).")
    }
    guard plan.mechanism.map({ $0.nominalBatchSize == plan.batchSize }) ?? true else {
      throw ControlError.invalid("plan.mechanism: its batch is not the plan's.")
    }
  }

  /// Images are counted in 31 bits.
  private static let largestPopulation = Int(Int32.max)

  private static func require(
    _ number: Int, in range: ClosedRange<Int>, _ field: String
  ) throws(ControlError) {
    guard range.contains(number) else {
      throw .invalid(
        "\(field) is \(number) (\(range.lowerBound) to \(range.upperBound) expected).")
    }
  }

  /// Refuses frozen images of other classes or another form than the design's networks are made for.
  ///
  /// - Throws: `ControlError.failed`.
  func requireForm(of snapshot: DatasetSnapshot, run: String) throws(ControlError) {
    let image = recipe.image
    guard snapshot.classes == classes,
      snapshot.shape
        == ImageShape(height: image.height, width: image.width, channels: image.channels)
    else {
      throw .failed(
        "run \(run): its frozen images are not of the form that its design.json says. They are not of one "
          + "run. Restore them, or start a new run.")
    }
  }
}
