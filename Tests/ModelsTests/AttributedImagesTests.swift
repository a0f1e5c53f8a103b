import Compute
import Datasets
import Learning
import Privacy
import TestSupport
import Testing

@testable import Models

/// Images with a row of a table beside each.
@Suite struct AttributedImagesTests {
  private static let format = ImageSpecification.tiny(height: 8, width: 8, classes: 2).with([
    ColumnDomain(name: "shade", values: .categories(["dark", "bright"]), allowsMissing: false)
  ])

  private static func settings(
    share: Double = 0.25, conditions: Int? = nil, mode: BayesianNetworkSettings.Mode = .correlated
  ) -> AttributedImagesSettings {
    AttributedImagesSettings(
      share: share, table: BayesianNetworkSettings(mode: mode),
      images: NestedModel(
        PixelModel.self,
        PixelModelSettings(
          channels: 8, depth: 1, firstKernel: 3, bits: 1, learningRate: 0.03, averageDecay: 0)),
      conditions: conditions)
  }

  private static let training = TrainingSettings(batchSize: 8, steps: 10, clipNorm: 1)

  @Test(arguments: [BayesianNetworkSettings.Mode.random, .independent, .correlated])
  func thePhasesOfTheTableGetItsShareAndTheImagesTheRest(
    _ mode: BayesianNetworkSettings.Mode
  ) {
    let phases = AttributedImages.phases(
      of: Self.settings(mode: mode), training: Self.training, for: Self.format)
    let table = phases.dropLast()
    #expect(phases.last?.name == Phase.training && phases.last?.share == nil)
    #expect(abs(table.compactMap(\.share).reduce(0, +) - 0.25) < 1e-12)
    #expect(table.allSatisfy { $0.share != nil } && Set(phases.map(\.name)).count == phases.count)
  }

  /// Dark and bright images, of either class; the column says which.
  private struct Shades: ExampleSource {
    let count = 16
    func labels(in range: Range<Int>) -> [Int] { range.map { $0 % 2 } }
    func codes(in range: Range<Int>) -> [UInt8] { range.map { UInt8($0 / 2 % 2) } }
    func fill(_ target: Tensor, from range: Range<Int>) {
      target.assign(
        range.flatMap { [Float](repeating: $0 / 2 % 2 == 0 ? -1 : 1, count: 64) })
    }
  }

  @Test func imagesFollowTheirColumn() throws {
    let model = try AttributedImages(
      Self.settings(), for: Self.format, seed: 1, on: Machine(threadCount: 1))
    for index in 0..<60 {
      _ = try model.step(
        TrainingStep(
          index: index, stepCount: 60, batchSize: 16, protection: .test(nil),
          noise: TestNoise.stream(1)),
        on: PrivateExamples(Shades()))
    }
    let request = SampleRequest(labels: (0..<40).map { $0 % 2 }, seed: 4)
    let rows = model.rows(for: request)
    #expect(rows.map(\.label) == request.labels)
    // The network has learnt nothing yet, so both codes are drawn.
    #expect(Set(rows.map(\.codes)).count == 2)
    var means: [Float] = []
    try model.sample(request) { _, images in
      let values = images.array
      for first in stride(from: 0, to: values.count, by: 64) {
        means.append(values[first..<(first + 64)].reduce(0, +) / 64)
      }
    }
    for (mean, row) in zip(means, rows) {
      #expect(row.codes == [0] ? mean < -0.5 : mean > 0.5, "\(mean)")
    }
  }

  @Test func columnsThatDoNotConditionImagesAreStillDrawn() throws {
    let model = try AttributedImages(
      Self.settings(conditions: 0), for: Self.format, seed: 1, on: Machine(threadCount: 1))
    let plain = try AttributedImages(
      Self.settings(), for: Self.format, seed: 1, on: Machine(threadCount: 1))
    #expect(model.privateParameterCount < plain.privateParameterCount)
    #expect(
      model.rows(for: SampleRequest(labels: [0, 1], seed: 1)).allSatisfy { $0.codes.count == 1 })
    try model.sample(SampleRequest(labels: [0, 1], seed: 1)) { _, images in
      #expect(images.shape[0] == 2)
    }
  }

  /// A label stands for all codes at once, so their combinations must be countable.
  @Test func moreColumnsThanALabelCanHoldConditionNothing() throws {
    let many = (0..<40).map {
      ColumnDomain(
        name: "c\($0)", values: .categories((0..<200).map(String.init)), allowsMissing: false)
    }
    let format = Self.format.with(many)
    let own = Self.settings().imageFormat(of: format)
    #expect(own.columns.count == 5 && own.conditions.labelCount == 2 * 320_000_000_000)
    #expect(throws: Never.self) { try Self.settings().validate(for: format) }
  }

  @Test func aModelWithoutColumnsForImagesKnowsTheClassAlone() throws {
    var settings = Self.settings()
    settings.images = NestedModel(
      VAE.self, VAESettings(latentSize: 2, channels: 2, depth: 1, bits: 2))
    let model = try AttributedImages(
      settings, for: Self.format, seed: 1, on: Machine(threadCount: 1))
    #expect(settings.imageFormat(of: Self.format).columns.isEmpty)
    try model.sample(SampleRequest(labels: [1, 0, 1], seed: 1)) { _, images in
      #expect(images.shape[0] == 3)
    }
    #expect(settings.releaseRemark?.contains("for its class.") == true)
  }
}
