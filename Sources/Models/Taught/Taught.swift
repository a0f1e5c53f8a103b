public import Compute
public import Learning

/// A generator of another family, and a private teacher that labels the images it draws.
///
/// Both learn from the private images, each in phases of its own that are charged apart. The teacher does not
/// enter the training of the generator, and the labels of drawn images follow from released values alone.
public final class Taught: LabellingModel {
  public static let family = "taught"

  /// The recipe's settings.
  public let settings: TaughtSettings
  private let generator: any GenerativeModel
  private let teacher: PrivateTeacher

  public init(
    _ settings: TaughtSettings, for format: ImageSpecification, seed: UInt64, on machine: Machine
  ) throws {
    try settings.validate(for: format)
    self.settings = settings
    generator = try settings.generator.makeModel(for: format, seed: seed, on: machine)
    teacher = PrivateTeacher(
      settings.teacher, for: format.shape, classCount: format.classes.count, on: machine)
  }

  /// The teacher's steps, then the phases of the generator.
  public static func phases(
    of settings: TaughtSettings, training: TrainingSettings, for format: ImageSpecification
  ) -> [PhaseOutline] {
    [settings.teacher.outline(training: training)]
      + settings.generator.phases(training: training, for: format)
  }

  public var privateParameterCount: Int { generator.privateParameterCount }

  public var description: String { "\(teacher.description)\n\(generator.description)" }

  public var drawingModel: any GenerativeModel { generator.drawingModel }

  public func step(_ step: TrainingStep, on images: PrivateExamples) throws -> StepReport {
    guard step.phase == PrivateTeacherSettings.phase else {
      teacher.forget()
      return try generator.step(step, on: images)
    }
    return teacher.step(step, on: images)
  }

  public func start(from weights: StartingWeights) throws { try generator.start(from: weights) }

  public func work(_ step: FreeStep) throws -> StepReport {
    teacher.forget()
    return try generator.work(step)
  }

  public func sample(
    _ request: SampleRequest, _ receive: (_ first: Int, _ images: Tensor) throws -> Void
  ) throws {
    try generator.sample(request, receive)
  }

  public func classProbabilities(of images: Tensor) -> [[Float]] {
    teacher.probabilities(of: images)
  }

  public func save(into checkpoint: inout Checkpoint) {
    generator.save(into: &checkpoint)
    teacher.save(into: &checkpoint)
  }

  public func restore(from checkpoint: Checkpoint) throws {
    try generator.restore(from: checkpoint)
    try teacher.restore(from: checkpoint)
  }

  public func saveGenerator(into checkpoint: inout Checkpoint) {
    generator.saveGenerator(into: &checkpoint)
    teacher.saveAverage(into: &checkpoint)
  }

  public func restoreGenerator(from checkpoint: Checkpoint) throws {
    try generator.restoreGenerator(from: checkpoint)
    try teacher.restoreAverage(from: checkpoint)
  }
}

extension Taught {
  /// The curve of the teacher, and those of every family that may draw.
  public static let curves: [TrainingCurve] =
    [.teacherLoss]
    + NestedModel.curves
}
