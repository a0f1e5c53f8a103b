import Compute
import FoundationEssentials
import Learning
import Privacy
import Testing

@testable import Evaluation

@Suite(.serialized) struct EvaluatorTests {
  let machine = Machine(threadCount: 2)

  private func verdict(
    synthetic: LabelledImages, train: LabelledImages, test: LabelledImages
  ) throws -> (verdict: Verdict, document: ReportDocument<InternalReport>, data: ReportData) {
    let findings = try Evaluator(EvaluationOptions(effort: .quick, seed: 3), on: machine).findings(
      synthetic: Releasable(synthetic, .postProcessing), train: Sensitive(train),
      test: Sensitive(test))
    var data = ReportData(
      title: "t", subtitle: "s", synthetic: Releasable(synthetic, .postProcessing),
      provenance: Provenance(command: "c", facts: []))
    data.guarantee = Guarantee(epsilon: 1, delta: 1e-5, unit: "one file", statement: ["words"])
    data.findings = findings
    let document = data.document(for: InternalReport.self)
    return (document.verdict, document, data)
  }

  private func metric(_ document: ReportDocument<InternalReport>, _ key: String) throws -> Metric {
    let metrics = document.sections.flatMap { $0.blocks.flatMap(\.metrics) }
    return try #require(metrics.first { $0.key == key })
  }

  @Test func aGoodSetPassesAndACopiedTrainingSetIsRefused() throws {
    let train = try GlyphSet.images(600)
    let test = try GlyphSet.images(400, from: 5000)
    let good = try verdict(
      synthetic: try GlyphSet.images(600, from: 20_000), train: train, test: test)
    #expect(good.verdict.severity == .passed, "\(good.verdict.reasons)")
    let frechet = try metric(good.document, "frechet.scattering-1")
    let ceiling = try #require(frechet.ceiling?.value)
    #expect(try #require(frechet.value) < 3 * ceiling + 0.1)
    #expect(frechet.baselines.map(\.name).contains("noised"))
    for baseline in frechet.baselines where baseline.name == "noised" || baseline.name == "blurred"
    {
      #expect(baseline.value > 3 * (try #require(frechet.value)), "\(baseline.name)")
    }
    let copied = try verdict(synthetic: train, train: train, test: test)
    #expect(copied.verdict.severity == .failed)
    // The release version of the same data must not report this, because it must not know it.
    #expect(copied.data.document(for: ReleaseReport.self).verdict.severity == .note)
  }

  @Test func pureNoiseIsPrivateAndMeasuredAsPoor() throws {
    let train = try GlyphSet.images(400)
    let test = try GlyphSet.images(200, from: 5000)
    var stream = SeededStream(seed: 6)
    let noise = LabelledImages(
      shape: train.shape, classNames: train.classNames, labels: train.labels,
      pixels: train.pixels.map { _ in UInt8(stream.next() & 255) })
    let result = try verdict(synthetic: noise, train: train, test: test).verdict
    #expect(result.privacy.severity != .failed, "\(result.privacy.reasons)")
    #expect(result.quality.severity == .failed && result.severity == .failed)
    #expect(result.quality.headline.contains("Poor"))
  }

  @Test func aModelTrainedWithoutPrivacyOnFewImagesIsFlagged() throws {
    let train = try GlyphSet.images(120)
    let test = try GlyphSet.images(400, from: 5000)
    let synthetic = OverfittedDecoder(train, on: machine).draw(480)
    let result = try verdict(synthetic: synthetic, train: train, test: test)
    #expect(result.verdict.severity == .failed)
    // The same set with other private images: no byte of the shareable report changes.
    let other = try verdict(
      synthetic: synthetic, train: try GlyphSet.images(160, from: 9000),
      test: try GlyphSet.images(320, from: 15_000))
    let pages = [result, other].map { $0.data.document(for: ReleaseReport.self) }
    #expect(HTMLReport(pages[0]).markup == HTMLReport(pages[1]).markup)
    #expect(try pages[0].json() == pages[1].json())
    #expect(HTMLReport(result.document).markup != HTMLReport(other.document).markup)
  }

  @Test func missingClassesAndCollapseRaiseWarnings() throws {
    let train = try GlyphSet.images(400)
    let test = try GlyphSet.images(200, from: 5000)
    let source = try GlyphSet.images(400, from: 20_000)
    let fewModes = source.images(
      at: (0..<400).map { [4, 5, 6, 8, 9, 10][$0 % 6] })
    let result = try verdict(synthetic: fewModes, train: train, test: test)
    #expect(result.verdict.quality.severity != .passed)
    #expect(result.verdict.reasons.contains { $0.contains("without a synthetic image") })
    #expect(result.verdict.reasons.contains { $0.contains("Mode collapse") })
    #expect(try metric(result.document, "set.missing-classes").value == 1)
  }

  @Test func smallSetsAreRefusedWithAReason() throws {
    let train = try GlyphSet.images(120)
    #expect(throws: EvaluationError.tooFewImages(set: "synthetic", found: 20, expected: 100)) {
      try verdict(synthetic: try GlyphSet.images(20), train: train, test: train)
    }
  }

  /// The convolutional classifier of such images would have a layer without outputs.
  @Test(arguments: [(5, 9), (9, 5)])
  func imagesWithClassesThatAreTooSmallAreRefused(height: Int, width: Int) throws {
    let images = LabelledImages(
      shape: Shape(height, width, 1), classNames: ["a", "b"], labels: (0..<120).map { $0 % 2 },
      pixels: [UInt8](repeating: 7, count: 120 * height * width))
    #expect(throws: EvaluationError.imagesTooSmall(height: height, width: width, expected: 6)) {
      try verdict(synthetic: images, train: images, test: images)
    }
  }

  @Test func bothReportsAreWrittenBesideEachOther() throws {
    let images = try GlyphSet.images(40)
    let folder = FileManager.default.temporaryDirectory.appending(
      path: "figment-report-\(UInt64.random(in: 0...UInt64.max))")
    defer { try? FileManager.default.removeItem(at: folder) }
    try ReportWriter().write(
      ReportData(
        title: "t", subtitle: "s", synthetic: Releasable(images, .postProcessing),
        provenance: Provenance(command: "c", facts: [])), to: folder.path)
    for name in [
      "internal/report.html", "internal/report.json", "release/report.html",
      "release/report.json",
    ] {
      #expect(FileManager.default.fileExists(atPath: folder.path + "/" + name))
    }
    let attributes = try FileManager.default.attributesOfItem(atPath: folder.path + "/internal")
    #expect(attributes[.posixPermissions] as? Int == 0o700)
  }
}

/// A decoder that memorises the image of one latent vector, like a training without privacy on few
/// images.
private struct OverfittedDecoder {
  private let network: Network
  private let pass: Pass
  private let images: LabelledImages
  private let latents: [[Float]]

  init(_ images: LabelledImages, on machine: Machine) {
    self.images = images
    pass = Pass(on: machine)
    var net = NetworkBuilder(input: Shape(32), on: machine)
    net.dense(128)
    net.leakyReLU(0)
    net.dense(images.shape.count)
    network = net.network(seed: 1)
    var stream = SeededStream(seed: 2)
    latents = images.labels.map { _ in (0..<32).map { _ in Float(stream.gaussian()) } }
    let optimizer = Adam(
      for: network.parameters, AdamConstants(learningRate: 3e-3), on: machine)
    for _ in 0..<400 {
      pass.begin(exampleCount: images.count)
      let input = pass.make(Shape(32))
      input.assign(latents.flatMap { $0 })
      let output = network.forward(input, in: pass)
      let gradient = pass.arena.make(output.shape)
      for index in 0..<output.count {
        gradient.pointer[index] =
          (output.pointer[index] - Float(images.pixels[index]) / 255) / Float(images.count)
      }
      network.parameters.gradient.fill(0)
      network.backward(gradient, needsInputGradient: false, in: pass)
      network.addGradient(in: pass)
      optimizer.update(network.parameters, along: network.parameters.gradient)
      network.parametersChanged()
    }
  }

  func draw(_ count: Int) -> LabelledImages {
    var stream = SeededStream(seed: 9)
    pass.begin(exampleCount: count)
    let input = pass.make(Shape(32))
    input.assign(
      (0..<count).flatMap { index in
        latents[index % latents.count].map { $0 + 0.1 * Float(stream.gaussian()) }
      })
    let output = network.forward(input, in: pass)
    return LabelledImages(
      shape: images.shape, classNames: images.classNames,
      labels: (0..<count).map { images.labels[$0 % images.count] },
      pixels: output.array.map { UInt8(max(0, min(255, ($0 * 255).rounded()))) })
  }
}
