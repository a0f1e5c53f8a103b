import Compute
import Control
import Datasets
import Foundation
import Privacy
import Testing

@testable import Runs
@testable import figmentd

/// A release is a function of public declarations and of values that noise protects, and of nothing else:
/// two sets that differ in a unit that was never drawn produce the same bytes.
@Suite struct CouplingTests {
  /// Files with answers that every unit enters, and files that repeat the answers or contain their hashes.
  private static let answers: Set = [
    "class_counts.json", "class_means.json", "class_means.png", "accuracy.json", "README.md",
    "report.html", "report.json",
    "manifest.json",
  ]
  /// Files with results of the training, and files that contain their hashes.
  private static let learned: Set = [
    "samples.png", "report.html", "report.json", "manifest.json", "model/generator.safetensors",
  ]
  /// A teacher's opinions about drawn images follow from what it became.
  private static let labelled: Set = ["metadata.jsonl"]

  @Test(arguments: CouplingCase.inTheForeground)
  func aUnitThatNoStepDrewChangesNothing(_ coupling: CouplingCase) throws {
    let bench = try CouplingBench(coupling)
    let (left, right) = try bench.releases()
    let changed = left.differences(from: right)
    #expect(left.order == right.order)
    #expect(left.entries.count > 15)
    guard coupling.asks else {
      #expect(changed == [])
      return
    }
    #expect(Set(changed).isSubset(of: Self.answers.map { "patients-1/" + $0 }))
    try expectContribution(coupling, bench, left, right)
  }

  /// With the same noise, an answer differs exactly by the contribution of the unit.
  private func expectContribution(
    _ coupling: CouplingCase, _ bench: CouplingBench, _ left: ReleaseListing,
    _ right: ReleaseListing
  ) throws {
    let counts = try [left, right].map {
      try JSONDecoder().decode(
        ClassCountsAnswer.self, from: Data($0.text("class_counts.json").utf8))
    }
    // Folders have two images in the left set, and the differing one has one in the right set.
    let lost = coupling.unit == .folder ? 1 : 0
    let differences = counts[0].counts.map { name, count in count - (counts[1].counts[name] ?? 0) }
    #expect(differences.sorted() == [0, lost])
    #expect(counts[0].standardDeviation == counts[1].standardDeviation)
    try expectMeans(left, right)
    let scores = try [left, right].map {
      try JSONDecoder().decode(
        SyntheticAccuracyAnswer.self, from: Data($0.text("accuracy.json").utf8))
    }
    #expect(scores[0].of - scores[1].of == lost)
    #expect(abs(scores[0].right - scores[1].right) <= (coupling.unit == .folder ? 2 : 1))
  }

  /// The noise of the means is stated from noisy numbers of images, so it may differ, by a unit's share.
  private func expectMeans(_ left: ReleaseListing, _ right: ReleaseListing) throws {
    let means = try [left, right].map {
      try JSONDecoder().decode(
        ClassMeansAnswer.self, from: Data($0.text("class_means.json").utf8))
    }
    #expect(means[0].means.keys.sorted() == means[1].means.keys.sorted())
    #expect(means[0].epsilon == means[1].epsilon)
    for (name, levels) in means[0].means {
      let differences = zip(levels, means[1].means[name] ?? []).map { abs($0 - $1) }
      #expect(differences.count == levels.count && differences.reduce(0, +) < 30 * levels.count)
    }
  }

  @Test(arguments: CouplingCase.atOnceWithoutQuestions)
  func aUnitThatWasDrawnChangesOnlyWhatNoiseProtects(_ coupling: CouplingCase) throws {
    let (left, right) = try CouplingBench(coupling, isDrawn: true).releases()
    #expect(left.entries.keys.sorted() == right.entries.keys.sorted())
    let changed = Set(left.differences(from: right)).filter {
      !$0.hasPrefix("patients-1/data/")
    }
    #expect(changed.contains("patients-1/model/generator.safetensors"), "the unit was drawn")
    let learned = coupling.family == .taught ? Self.learned.union(Self.labelled) : Self.learned
    #expect(changed.isSubset(of: learned.map { "patients-1/" + $0 }))
    for (path, entry) in left.entries {
      let other = try #require(right.entries[path])
      #expect(entry.mode == other.mode && entry.seconds == other.seconds, "\(path)")
    }
  }

  @Test func everythingThatIsReleasedCarriesOneTime() throws {
    let (left, _) = try CouplingBench(CouplingCase()).releases()
    #expect(Set(left.entries.values.map(\.seconds)) == [315_532_800])
    #expect(Set(left.entries.values.map(\.nanoseconds)) == [0])
  }

  /// The secret stands for the images wherever the ledger names them, so it must not be released.
  @Test func theSecretNameOfTheImagesStaysInside() throws {
    let (left, _) = try CouplingBench(CouplingCase()).releases()
    for (path, entry) in left.entries {
      #expect(entry.bytes?.firstRange(of: Data("secret 1".utf8)) == nil, "\(path)")
    }
  }
}
