import Compute
import Privacy
import Testing

@testable import Evaluation

@Suite struct AlternativeTests {
  let machine = Machine(threadCount: 2)

  @Test func everyAverageIsTheMeanOfAtLeastFiveImagesOfOneClass() throws {
    let images = try GlyphSet.images(203)
    let averaged = Deidentification.averaged.applied(to: images, seed: 4)
    #expect(averaged.labels == images.labels)
    let groups = Dictionary(grouping: 0..<images.count) { Array(averaged[$0]) }
    for (mean, members) in groups {
      #expect(members.count >= Deidentification.groupSize)
      #expect(Set(members.map { images.labels[$0] }).count == 1)
      for pixel in stride(from: 0, to: mean.count, by: 17) {
        let sum = members.reduce(0.0) { $0 + Double(Array(images[$1])[pixel]) }
        #expect(abs(sum / Double(members.count) - Double(mean[pixel])) <= 0.5)
      }
    }
    // 203 images in four classes of 51, 51, 51 and 50, in groups of five; the rest joins one.
    #expect(groups.count == 40)
  }

  @Test func aClassOfFewImagesBecomesOneAverage() {
    let images = LabelledImages(
      shape: Shape(1, 2, 1), classNames: ["a", "b"], labels: [0, 0, 0, 1],
      pixels: [0, 30, 3, 60, 6, 90, 200, 7])
    let averaged = Deidentification.averaged.applied(to: images, seed: 1)
    #expect(averaged.pixels == [3, 60, 3, 60, 3, 60, 200, 7])
  }

  @Test func similarImagesAreAveragedWithOneAnother() {
    // Ten dark and ten bright images in turn.
    let images = LabelledImages(
      shape: Shape(2, 2, 1), classNames: ["a"], labels: [Int](repeating: 0, count: 20),
      pixels: (0..<20).flatMap { [UInt8](repeating: UInt8($0 % 2 == 0 ? $0 : 200 + $0), count: 4) })
    let averaged = Deidentification.averaged.applied(to: images, seed: 1)
    for place in 0..<20 {
      #expect(((averaged[place].first ?? 0) < 100) == (place % 2 == 0))
    }
  }

  @Test func squaresOfAPixelatedImageHaveTheMeanOfTheirPixels() {
    // 9 × 10 pixels of two channels: squares of two, and narrower ones at the border.
    let pixels = (0..<180).map { UInt8($0 * 37 % 251) }
    let images = LabelledImages(
      shape: Shape(9, 10, 2), classNames: ["a"], labels: [0], pixels: pixels)
    let result = Deidentification.pixelated.applied(to: images, seed: 0).pixels
    let place = { (row: Int, column: Int, channel: Int) in (row * 10 + column) * 2 + channel }
    for channel in 0..<2 {
      let whole = [
        place(2, 4, channel), place(2, 5, channel), place(3, 4, channel), place(3, 5, channel),
      ]
      let mean = whole.reduce(0.0) { $0 + Double(pixels[$1]) } / 4
      for index in whole { #expect(abs(Double(result[index]) - mean) <= 0.5) }
      let border = [place(8, 0, channel), place(8, 1, channel)]
      let narrow = border.reduce(0.0) { $0 + Double(pixels[$1]) } / 2
      for index in border { #expect(abs(Double(result[index]) - narrow) <= 0.5) }
    }
  }

  @Test func aBlurKeepsWhatIsUniformAndSpreadsAPointAsAGaussian() {
    var pixels = [UInt8](repeating: 0, count: 21 * 21)
    pixels[10 * 21 + 10] = 255
    let point = LabelledImages(
      shape: Shape(21, 21, 1), classNames: ["a"], labels: [0], pixels: pixels
    ).blurred(deviation: 1)
    // 255 / (2π) at the centre, and exp(-1/2) and exp(-1) of it beside and across.
    #expect(point.pixels[10 * 21 + 10] == 41)
    #expect(point.pixels[10 * 21 + 11] == 25 && point.pixels[9 * 21 + 10] == 25)
    #expect(point.pixels[11 * 21 + 11] == 15)
    let grey = LabelledImages(
      shape: Shape(9, 7, 3), classNames: ["a"], labels: [0],
      pixels: [UInt8](repeating: 93, count: 9 * 7 * 3))
    #expect(Deidentification.blurred.applied(to: grey, seed: 0).pixels == grey.pixels)
  }

  @Test func attacksRecogniseDeidentifiedImagesAndNoStrangers() throws {
    let train = try GlyphSet.images(400)
    let holdOut = try GlyphSet.images(600, from: 5000)
    let synthetic = try GlyphSet.images(250, from: 20_000)
    let attacks = AttackStudy(machine: machine, limit: 300, seed: 2).findings(
      synthetic: synthetic, train: train, holdOut: holdOut, progress: { _ in })
    let findings = try AlternativeStudy(machine: machine, limit: 300, seed: 2).findings(
      synthetic: synthetic, train: train, holdOut: holdOut, attacks: attacks.attacks,
      progress: { _ in })
    let sets = Dictionary(uniqueKeysWithValues: findings.sets.map { ($0.key, $0) })
    #expect(findings.sets.map(\.key) == ["synthetic", "pixelated", "blurred", "averaged", "real"])
    #expect(findings.count == 250 && findings.trainCount == 225)
    let area = { (key: String) throws in try #require(sets[key]?.attack).areaUnderCurve }
    #expect(try area("synthetic") < 0.6)
    #expect(try area("pixelated") > 0.95 && area("blurred") > 0.95)
    #expect(try area("averaged") > 0.6)
    for key in ["synthetic", "blurred", "real"] {
      #expect(try #require(sets[key]?.accuracy) > 0.5, "\(key)")
    }
  }

  @Test func withoutUnseenImagesNothingIsCompared() throws {
    let images = try GlyphSet.images(120)
    let findings = try Evaluator(
      EvaluationOptions(effort: .quick, seed: 3, testIsUnseen: false), on: machine
    ).findings(
      synthetic: Releasable(images, .postProcessing), train: Sensitive(images),
      test: Sensitive(images))
    var data = ReportData(
      title: "t", subtitle: "s", synthetic: Releasable(images, .postProcessing),
      provenance: Provenance(command: "c", facts: []))
    data.findings = findings
    let page = HTMLReport(data.document(for: InternalReport.self)).markup
    #expect(page.contains("Not compared: the attacks need real images"))
    #expect(!page.contains("best attack"))
  }

  @Test func aClassIsRareOnlyWhereAClassifierFindsItAmongRealImages() {
    let agreement = { (own: [Int], real: [Int]) in
      LabelAgreement(
        synthetic: 0.5, real: 0.5, predictedCounts: own, predictedCountsOfReal: real)
    }
    #expect(agreement([1, 99], [50, 50]).rareClasses == [0])
    #expect(agreement([11, 89], [50, 50]).rareClasses == [])
    #expect(agreement([1, 99], [2, 198]).rareClasses == [], "a classifier that hardly knows it")
  }
}
