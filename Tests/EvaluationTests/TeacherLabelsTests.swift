import Compute
import Datasets
import FoundationEssentials
@_spi(PrivateZone) import Privacy
import Testing

@testable import Evaluation

/// The opinions of a private teacher beside a set: how they are read, and what classifiers learn from them.
@Suite struct TeacherLabelsTests {
  private let machine = Machine(threadCount: 2)
  private let folder: String

  init() throws {
    folder =
      FileManager.default.temporaryDirectory.path + "/teacher-\(UInt64.random(in: 0 ... .max))"
    try FileManager.default.createDirectory(
      atPath: folder + "/data", withIntermediateDirectories: true)
  }

  /// Writes one grey image for each name, and the lines of the metadata.
  private func write(_ names: [String], _ lines: [String]) throws {
    for name in names {
      let path = "\(folder)/\(name)"
      try FileManager.default.createDirectory(
        atPath: String(path[..<(path.lastIndex(of: "/") ?? path.endIndex)]),
        withIntermediateDirectories: true)
      let image = Image(
        shape: ImageShape(height: 4, width: 4, channels: 1), bytes: [UInt8](repeating: 9, count: 16)
      )
      try Data(PNGEncoder().encode(image)).write(to: URL(filePath: path))
    }
    try Data(lines.joined(separator: "\n").utf8).write(
      to: URL(filePath: folder + "/metadata.jsonl"))
  }

  private func load(_ classNames: [String]) throws -> LabelledImages {
    try ImageFolder(folder + "/data").load(
      ImageTransform(height: 4, width: 4, channels: .grey), classNames: classNames, on: machine
    ).images
  }

  private func line(_ name: String, _ probabilities: String?) -> String {
    let opinion = probabilities.map { #", "teacher_label": "b", "teacher_probabilities": \#($0)"# }
    return #"{"file_name": "\#(name)", "label": "a"\#(opinion ?? "")}"#
  }

  @Test func opinionsFollowTheFilesInTheOrderOfTheClasses() throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try write(
      ["data/b/1.png", "data/a/0.png"],
      [line("data/b/1.png", "[0.1, 0.9]"), line("data/a/0.png", "[0.7, 0.3]")])
    let images = try load(["a", "b"])
    #expect(images.teacherProbabilities == [0.7, 0.3, 0.1, 0.9])
    #expect(images.teacherLabels == [0, 1])
    #expect(try load(["b", "a"]).teacherProbabilities == [0.3, 0.7, 0.9, 0.1])
    #expect(images.images(at: [1]).teacherProbabilities == [0.1, 0.9])
    let (first, second) = images.split(first: 1, seed: 3)
    #expect(first.appending(second).teacherProbabilities?.count == 4)
  }

  @Test func aSetOfWhichOnlySomeImagesHaveAnOpinionHasNone() throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try write(
      ["data/b/1.png", "data/a/0.png"],
      [line("data/b/1.png", "[0.1, 0.9]"), line("data/a/0.png", nil)])
    #expect(try load(["a", "b"]).teacherProbabilities == nil)
    try write([], [line("data/b/1.png", nil)])
    #expect(try load(["a", "b"]).teacherProbabilities == nil)
    try FileManager.default.removeItem(atPath: folder + "/metadata.jsonl")
    #expect(try load(["a", "b"]).teacherProbabilities == nil)
  }

  @Test(
    arguments: [
      "[0.1, 0.2, 0.7]", "[0.9, 0.9]", "[-0.5, 1.5]", "[]", "\"high\"", "[1e39, 0]",
    ])
  func probabilitiesThatAreNoneAreRefusedByLine(_ found: String) throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try write(
      ["data/b/1.png", "data/a/0.png"],
      [line("data/b/1.png", "[0.1, 0.9]"), line("data/a/0.png", found)])
    let error = #expect(throws: EvaluationError.self) { try load(["a", "b"]) }
    #expect(error?.description.contains("metadata.jsonl, line 2: ") == true)
  }

  @Test func aTeachersLabelsReplaceWrongOnesInASecondFigure() throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let train = try GlyphSet.images(600)
    let test = try GlyphSet.images(200, from: 10_000)
    let drawn = try GlyphSet.images(600, from: 20_000)
    let classCount = drawn.classNames.count
    // Every label is wrong; the teacher knows better.
    let wrong = LabelledImages(
      shape: drawn.shape, classNames: drawn.classNames,
      labels: drawn.labels.map { ($0 + 1) % classCount }, pixels: drawn.pixels,
      teacherProbabilities: drawn.labels.flatMap { label in
        (0..<classCount).map { $0 == label ? Float(0.86) : 0.14 / Float(classCount - 1) }
      })
    let study = UtilityStudy(machine: machine, effort: .quick, seed: 1)
    func finding(_ synthetic: LabelledImages) -> UtilityFinding {
      study.finding(
        .perceptron, synthetic: synthetic, train: train, test: test, progress: { _ in },
        kept: { _ in })
    }
    let both = finding(wrong)
    let plain = finding(
      LabelledImages(
        shape: wrong.shape, classNames: wrong.classNames, labels: wrong.labels,
        pixels: wrong.pixels))
    #expect(both.onSynthetic == plain.onSynthetic && both.onReal == plain.onReal)
    #expect(plain.accuracyWithTeacher == nil)
    #expect(both.accuracy < 0.3)
    #expect(try #require(both.accuracyWithTeacher) > both.ceiling - 0.1)
  }

  /// Two classifiers are counted together, so that one answer has both figures for the price of one.
  @Test func everyImageCountsInOneOfFourPlaces() throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let drawn = try GlyphSet.images(400)
    let classCount = drawn.classNames.count
    let opinions = drawn.labels.flatMap { label in
      (0..<classCount).map { $0 == (label + 1) % classCount ? Float(1) : 0 }
    }
    let classifier = try SyntheticClassifier(
      trainedOn: LabelledImages(
        shape: drawn.shape, classNames: drawn.classNames, labels: drawn.labels,
        pixels: drawn.pixels, teacherProbabilities: opinions), seed: 4, on: machine)
    let plain = try SyntheticClassifier(trainedOn: drawn, seed: 4, on: machine)
    #expect(classifier.hasTeacher && !plain.hasTeacher)
    let test = try GlyphSet.images(150, from: 10_000)
    let counts = classifier.outcomes(for: Sensitive(test)).revealed()
    let two = plain.outcomes(for: Sensitive(test)).revealed()
    #expect(counts.count == 4 && counts.reduce(0, +) == 150)
    #expect(counts[0] + counts[1] == two[0] && two[0] > 80)
    // The teacher was wrong everywhere.
    #expect(counts[0] + counts[2] < 40)
    // One image more is one more in one place.
    let fewer = classifier.outcomes(for: Sensitive(test.images(at: 0..<149))).revealed()
    #expect(zip(counts, fewer).map { $0 - $1 }.sorted() == [0, 0, 0, 1])
  }
}
