public import Compute
public import Learning
import Privacy

/// Images with a row of a table beside each: a Bayesian network of the class and the columns, and an image model.
///
/// Both learn from the private records, each in phases of its own that are charged apart. Class and columns of a drawn
/// image come from the network, and the image model draws the image for them.
public final class AttributedImages: TableModel {
  public static let family = "attributed"

  /// The recipe's settings.
  public let settings: AttributedImagesSettings
  private let format: ImageSpecification
  private let table: BayesianNetwork
  private let images: any GenerativeModel
  /// What the image model is conditioned on.
  private let conditions: Conditions
  private let tablePhases: Set<String>

  public init(
    _ settings: AttributedImagesSettings, for format: ImageSpecification, seed: UInt64,
    on machine: Machine
  ) throws {
    try settings.validate(for: format)
    self.settings = settings
    self.format = format
    table = try BayesianNetwork(settings.table, for: format, seed: seed, on: machine)
    let own = settings.imageFormat(of: format)
    conditions = own.conditions
    images = try settings.images.makeModel(for: own, seed: seed, on: machine)
    tablePhases = Set(settings.tablePhases(for: format).map(\.name))
  }

  /// The phases of the network, on a share of the run's epsilon, then those of the image model.
  public static func phases(
    of settings: AttributedImagesSettings, training: TrainingSettings,
    for format: ImageSpecification
  ) -> [PhaseOutline] {
    settings.tablePhases(for: format)
      + settings.images.phases(training: training, for: settings.imageFormat(of: format))
  }

  public var privateParameterCount: Int { images.privateParameterCount }

  public var description: String { "\(table.description)\n\(images.description)" }

  public func start(from weights: StartingWeights) throws { try images.start(from: weights) }

  public func step(_ step: TrainingStep, on images: PrivateExamples) throws -> StepReport {
    if tablePhases.contains(step.phase) { return try table.step(step, on: images) }
    return try self.images.step(step, on: conditioned(images, step.noise))
  }

  public func round(
    _ round: SelectionRound, on images: PrivateExamples
  ) throws -> StepReport {
    try table.round(round, on: images)
  }

  public func work(_ step: FreeStep) throws -> StepReport { try images.work(step) }

  /// The private images, each with the label of its class and columns.
  private func conditioned(_ images: PrivateExamples, _ noise: NoiseStream) -> PrivateExamples {
    guard !conditions.columnCodeCounts.isEmpty else { return images }
    return images.map(drawing: noise) { [conditions] images, _ in
      ConditionedExamples(images: images, conditions: conditions)
    }
  }

  public func sample(
    _ request: SampleRequest, _ receive: (_ first: Int, _ images: Tensor) throws -> Void
  ) throws {
    try settings.validate(request, for: format)
    var own = request
    if !conditions.columnCodeCounts.isEmpty {
      own.labels = rows(for: request).map { [conditions] row in
        conditions.label(ofClass: row.label, codes: row.codes)
      }
    }
    try images.sample(own, receive)
  }

  public func rows(for request: SampleRequest) -> [TableRow] { table.rows(for: request) }

  public func labels(count: Int, seed: UInt64) -> [Int] { table.labels(count: count, seed: seed) }

  public func save(into checkpoint: inout Checkpoint) {
    images.save(into: &checkpoint)
    table.save(into: &checkpoint)
  }

  public func restore(from checkpoint: Checkpoint) throws {
    try images.restore(from: checkpoint)
    try table.restore(from: checkpoint)
  }

  public func saveGenerator(into checkpoint: inout Checkpoint) {
    images.saveGenerator(into: &checkpoint)
    table.saveGenerator(into: &checkpoint)
  }

  public func restoreGenerator(from checkpoint: Checkpoint) throws {
    try images.restoreGenerator(from: checkpoint)
    try table.restoreGenerator(from: checkpoint)
  }
}

extension AttributedImages {
  /// The curves of the network, and those of every family that may draw.
  public static let curves: [TrainingCurve] = Set(
    BayesianNetwork.curves + NestedModel.curves
  ).sorted { $0.name < $1.name }
}

/// Images whose labels stand for class and columns.
private struct ConditionedExamples: ExampleSource {
  let images: any ExampleSource
  let conditions: Conditions

  var count: Int { images.count }

  var units: [Int]? { images.units }

  func labels(in range: Range<Int>) -> [Int] {
    let labels = images.labels(in: range)
    let codes = images.codes(in: range)
    let width = range.isEmpty ? 0 : codes.count / range.count
    return range.indices.map { place in
      let index = place - range.lowerBound
      return conditions.label(
        ofClass: labels.isEmpty ? 0 : labels[index],
        codes: codes[(index * width)..<((index + 1) * width)])
    }
  }

  func codes(in range: Range<Int>) -> [UInt8] { images.codes(in: range) }

  func fill(_ target: Tensor, from range: Range<Int>) { images.fill(target, from: range) }

  func places(in range: Range<Int>) -> ExamplePlaces? { images.places(in: range) }
}
