import Compute
import Privacy
import Testing

@testable import Evaluation

/// The information in previews of a training, with and without real images.
@Suite struct PreviewStudyTests {
  let machine = Machine(threadCount: 2)

  private func noise(like images: LabelledImages, seed: UInt64) -> LabelledImages {
    var stream = SeededStream(seed: seed)
    return LabelledImages(
      shape: images.shape, classNames: images.classNames, labels: images.labels,
      pixels: images.pixels.map { _ in UInt8(stream.next() & 255) })
  }

  @Test func constantImagesHaveZeroDriftAndNewImagesOne() throws {
    let first = try GlyphSet.images(80)
    let fresh = try GlyphSet.images(80, from: 900)
    let replaced = LabelledImages(
      shape: first.shape, classNames: first.classNames, labels: first.labels,
      pixels: fresh.pixels)
    let study = try #require(
      PreviewStudy(
        [(1, first), (2, first), (3, replaced)].map { ProgressSheet(step: $0.0, images: $0.1) },
        on: machine))
    #expect(study.drift.steps == [2, 3])
    #expect(study.drift.values[0] == 0)
    #expect(abs(study.drift.values[1] - 1) < 0.25, "\(study.drift.values)")
  }

  @Test func theDistanceOfPreviewsFallsAsTheyComeNearToRealImages() throws {
    let real = try GlyphSet.images(400, from: 5000)
    let good = try GlyphSet.images(80)
    let bad = noise(like: good, seed: 1)
    let study = try #require(
      PreviewStudy(
        [bad, bad, bad, good].enumerated().map { ProgressSheet(step: $0 + 1, images: $1) },
        on: machine))
    let signal = study.distance(to: real, seed: 1)
    #expect(signal.values[3] < 0.1 * signal.values[2] && signal.errors?.count == 4)
    #expect(TrainingTrend(signal).course == .improving)
    let settled = try #require(
      PreviewStudy(
        [bad, good, good, good].enumerated().map { ProgressSheet(step: $0 + 1, images: $1) },
        on: machine))
    #expect(TrainingTrend(settled.distance(to: real, seed: 1)).course == .flat)
  }

  @Test func previewsThatCannotBeComparedAreNotStudied() throws {
    let images = try GlyphSet.images(80)
    #expect(PreviewStudy([ProgressSheet(step: 1, images: images)], on: machine) == nil)
    let fewer = images.images(at: 0..<40)
    #expect(
      PreviewStudy(
        [ProgressSheet(step: 1, images: images), ProgressSheet(step: 2, images: fewer)],
        on: machine) == nil)
  }

  @Test func theReportStatesWhetherTheImagesHadConverged() throws {
    var data = ReportData(
      title: "t", subtitle: "s", synthetic: Releasable(try GlyphSet.images(40), .postProcessing),
      provenance: Provenance(command: "", facts: []))
    data.trainingEnd = Releasable(
      TrainingEnd(drifts: [0.6], balance: "Balance: the generator lagged."), .postProcessing)
    var page = HTMLReport(data.document(for: ReleaseReport.self)).markup
    #expect(page.contains("more steps may help") && page.contains("the generator lagged"))
    #expect(!page.contains("had nearly stopped changing"))
    data.trainingEnd = Releasable(
      TrainingEnd(drifts: [0.7, 0.1], balance: nil), .postProcessing)
    page = HTMLReport(data.document(for: ReleaseReport.self)).markup
    #expect(page.contains("had nearly stopped changing"))
    #expect(!page.contains("more steps may help"))
    // Ten steps of a training that would need thousands: nothing moved, so nothing has converged.
    data.trainingEnd = Releasable(
      TrainingEnd(drifts: [0.02, 0.1], balance: nil), .postProcessing)
    page = HTMLReport(data.document(for: ReleaseReport.self)).markup
    #expect(page.contains("hardly changed during the whole training"))
    #expect(!page.contains("nearly stopped changing"))
    data.trainingEnd = Releasable(TrainingEnd(drifts: [], balance: nil), .postProcessing)
    page = HTMLReport(data.document(for: ReleaseReport.self)).markup
    #expect(page.contains("No free evidence shows"))
  }
}
