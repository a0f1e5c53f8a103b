import Compute
import Privacy
import Testing

@testable import Evaluation

@Suite struct FidelityTests {
  let machine = Machine(threadCount: 2)

  private func stored(_ name: String) throws -> FeatureMatrix {
    let rows = try GoldenFile("features.csv").numbers(ofSet: name)
    return FeatureMatrix(width: rows[0].count, values: rows.joined().map(Float.init))
  }

  private func cloud(_ count: Int, width: Int, seed: UInt64, shift: Double = 0) -> FeatureMatrix {
    var stream = SeededStream(seed: seed)
    return FeatureMatrix(
      width: width, values: (0..<(count * width)).map { _ in Float(stream.gaussian() + shift) })
  }

  private func frechet(_ first: FeatureMatrix, _ second: FeatureMatrix) -> Double {
    FrechetDistance(to: Moments(first, on: machine.threads), on: machine.threads)
      .distance(to: Moments(second, on: machine.threads))
  }

  @Test func frechetDistanceAgreesWithScipy() throws {
    let golden = try GoldenFile("fidelity.csv")
    let real = try stored("real")
    let fake = try stored("fake")
    #expect(isClose(frechet(real, fake), try golden.number("frechet"), relative: 1e-5))
    #expect(isClose(frechet(fake, real), try golden.number("frechet"), relative: 1e-5))
  }

  @Test func frechetDistanceOfSingularCovariancesAgreesWithScipy() throws {
    let golden = try GoldenFile("fidelity.csv").number("frechet-small")
    let value = frechet(try stored("real").prefix(8), try stored("fake").prefix(9))
    #expect(isClose(value, golden, relative: 1e-4))
  }

  @Test func frechetDistanceOfASetToItselfIsZeroAndGrowsWithAShift() {
    let first = cloud(300, width: 7, seed: 1)
    #expect(frechet(first, first) < 1e-9)
    #expect(frechet(first, cloud(300, width: 7, seed: 2)) < 0.5)
    #expect(frechet(first, cloud(300, width: 7, seed: 2, shift: 1)) > 6)
  }

  @Test func kernelDistanceAgreesWithNumpy() throws {
    let golden = try GoldenFile("fidelity.csv")
    let value = KernelDistance(try stored("real"), try stored("fake"), on: machine)
    #expect(value.blockSize == 14 && value.blockCount == 10)
    #expect(isClose(value.value, try golden.number("kid"), relative: 1e-4))
    #expect(isClose(value.standardError, try golden.number("kid-error"), relative: 1e-4))
  }

  @Test func kernelDistanceOfEqualDistributionsIsZeroWithinItsError() {
    let value = KernelDistance(
      cloud(2000, width: 9, seed: 3), cloud(2000, width: 9, seed: 4), on: machine)
    #expect(abs(value.value) < 4 * value.standardError)
    let shifted = KernelDistance(
      cloud(2000, width: 9, seed: 3), cloud(2000, width: 9, seed: 4, shift: 0.5), on: machine)
    #expect(shifted.value > 10 * shifted.standardError)
  }

  @Test func overlapAgreesWithThePublicDefinition() throws {
    let golden = try GoldenFile("fidelity.csv")
    let overlap = ManifoldOverlap(
      real: try stored("real"), synthetic: try stored("fake"), on: machine)
    // In single precision, one image on the surface of a ball may be inside or outside.
    #expect(
      isClose(overlap.precision, try golden.number("precision"), relative: 0, absolute: 0.0072))
    #expect(isClose(overlap.recall, try golden.number("recall"), relative: 0, absolute: 0.0063))
    #expect(isClose(overlap.density, try golden.number("density"), relative: 0, absolute: 0.003))
    #expect(isClose(overlap.coverage, try golden.number("coverage"), relative: 0, absolute: 0.0063))
  }

  @Test func aCopyOverlapsFullyAndAStrangerNotAtAll() {
    let real = cloud(400, width: 6, seed: 5)
    let copy = ManifoldOverlap(real: real, synthetic: real, on: machine)
    #expect(copy.precision == 1 && copy.recall == 1 && copy.coverage == 1)
    let stranger = ManifoldOverlap(
      real: real, synthetic: cloud(400, width: 6, seed: 6, shift: 40), on: machine)
    #expect(stranger.precision == 0 && stranger.recall == 0)
    #expect(stranger.density == 0 && stranger.coverage == 0)
  }

  @Test func collapseLosesRecallAndCoverageButNotPrecision() {
    let real = cloud(600, width: 4, seed: 7)
    let collapsed = real.rows((0..<600).map { $0 % 5 })
    let jittered = FeatureMatrix(
      width: 4,
      values: zip(collapsed.values, cloud(600, width: 4, seed: 8).values).map {
        $0 + $1 * 0.001
      })
    let overlap = ManifoldOverlap(real: real, synthetic: jittered, on: machine)
    #expect(overlap.precision > 0.95)
    #expect(overlap.recall < 0.05)
    #expect(overlap.coverage < 0.2)
  }

  @Test func nearestNeighborsFindWhatASortFinds() {
    let queries = cloud(37, width: 5, seed: 9)
    let references = cloud(1500, width: 5, seed: 10)
    let found = NearestNeighbors(on: machine).nearest(queries, in: references, neighborCount: 4)
    for query in 0..<queries.count {
      let sorted = (0..<references.count).sorted {
        queries.squaredDistance(query, to: $0, of: references)
          < queries.squaredDistance(query, to: $1, of: references)
      }
      #expect(found[query].places == Array(sorted.prefix(4)))
    }
  }

  @Test func resultsDoNotDependOnTheNumberOfThreads() {
    let first = cloud(700, width: 11, seed: 11)
    let second = cloud(650, width: 11, seed: 12)
    let single = Machine(threadCount: 1)
    #expect(
      Moments(first, on: single.threads).covariance.elements
        == Moments(first, on: machine.threads).covariance.elements)
    #expect(
      KernelDistance(first, second, on: single).value
        == KernelDistance(first, second, on: machine).value)
    #expect(
      ManifoldOverlap(real: first, synthetic: second, on: single).density
        == ManifoldOverlap(real: first, synthetic: second, on: machine).density)
  }
}

@Suite struct ClassVarietyTests {
  private let machine = Machine(threadCount: 1)

  @Test func aClassOfNearlyOneImageIsCalledCollapsed() throws {
    let real = try GlyphSet.images(300)
    #expect(SyntheticFindings(real, on: machine.threads).collapsedClasses.isEmpty)
    // Class 1 repeats one image with a little noise, which a bitwise comparison would not find.
    var stream = SeededStream(seed: 5)
    let template = Array(real[try #require(real.places(ofClass: 1).first)])
    let pixels = real.labels.indices.flatMap { place -> [UInt8] in
      guard real.labels[place] == 1 else { return Array(real[place]) }
      return template.map { UInt8(clamping: Int($0) + Int(stream.next() % 3) - 1) }
    }
    let collapsed = LabelledImages(
      shape: real.shape, classNames: real.classNames, labels: real.labels, pixels: pixels)
    let findings = SyntheticFindings(collapsed, on: machine.threads)
    #expect(findings.collapsedClasses == [1] && findings.duplicateShare < 0.01)
    var data = ReportData(
      title: "t", subtitle: "s", synthetic: Releasable(collapsed, .postProcessing),
      provenance: Provenance(command: "c", facts: []))
    data.ownFindingsAlone = Releasable(findings, .postProcessing)
    let verdict = data.document(for: ReleaseReport.self).verdict
    #expect(verdict.reasons.contains { $0.contains("Mode collapse") })
  }

  /// A generator that draws nothing has not collapsed to a few images: its owner looks for another fault.
  @Test(arguments: [1, 3]) func imagesThatShowNothingAreCalledBlank(channels: Int) throws {
    let real = try GlyphSet.images(300)
    var stream = SeededStream(seed: 5)
    let pixels = real.labels.indices.flatMap { place -> [UInt8] in
      real[place].flatMap { level in
        (0..<channels).map { channel in
          place % 2 == 0 ? level : UInt8(40 * channel) + UInt8(stream.next() % 5)
        }
      }
    }
    let half = LabelledImages(
      shape: Shape(real.shape[0], real.shape[1], channels), classNames: real.classNames,
      labels: real.labels, pixels: pixels)
    let findings = SyntheticFindings(half, on: machine.threads)
    #expect(findings.blankCount == 150 && findings.collapsedClasses.isEmpty)
    var data = ReportData(
      title: "t", subtitle: "s", synthetic: Releasable(half, .postProcessing),
      provenance: Provenance(command: "c", facts: []))
    data.ownFindingsAlone = Releasable(findings, .postProcessing)
    let reasons = data.document(for: ReleaseReport.self).verdict.reasons
    #expect(reasons.contains { $0.contains("Blank images: 50") })
    #expect(!reasons.contains { $0.contains("Mode collapse") })
    #expect(SyntheticFindings(real, on: machine.threads).blankCount == 0)
  }

  @Test func classesOfTenImagesWithNoiseAreCalledCollapsedThoughTheirImagesLieFarApart() throws {
    let real = try GlyphSet.images(300)
    var stream = SeededStream(seed: 5)
    let few = real.images(
      at: real.labels.indices.map { place in
        let own = real.places(ofClass: real.labels[place])
        return own[Int(stream.next() % 10)]
      })
    let noised = LabelledImages(
      shape: few.shape, classNames: few.classNames, labels: few.labels,
      pixels: few.pixels.map { UInt8(clamping: Int($0) + Int((8 * stream.gaussian()).rounded())) })
    let findings = SyntheticFindings(noised, on: machine.threads)
    #expect(findings.collapsedClasses == [0, 1, 2, 3], "\(findings.classVariety)")
    let own = SyntheticFindings(real, on: machine.threads).classVariety.compactMap { $0 }
    #expect((own.min() ?? 0) > 1.3 * ClassVariety.collapse, "\(own)")
  }
}
