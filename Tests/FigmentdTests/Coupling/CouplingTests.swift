import Compute
import Control
import Datasets
import Foundation
import Privacy
import Testing

@testable import Runs
@testable import figmentd

/// A release is a function of public declarations and of values that noise protects, and of nothing
/// else: two sets that differ in a unit which no coin picked give the same bytes.
@Suite struct CouplingTests {
  /// Files that hold answers to questions which every unit enters, and those that repeat the answers
  /// or hash the files.
  private static let answers: Set = [
    "class_counts.json", "accuracy.json", "README.md", "report.html", "report.json",
    "manifest.json",
  ]
  /// Files that hold what the model became, or that hash such files.
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

  /// With the same noise an answer differs by what the unit adds to it, and by nothing else.
  private func expectContribution(
    _ coupling: CouplingCase, _ bench: CouplingBench, _ left: ReleaseListing,
    _ right: ReleaseListing
  ) throws {
    let counts = try [left, right].map {
      try JSONDecoder().decode(
        ClassCountsAnswer.self, from: Data($0.text("class_counts.json").utf8))
    }
    // People have two images in the left set, and the one that differs has one in the right.
    let lost = coupling.unit == .folder ? 1 : 0
    let differences = counts[0].counts.map { name, count in count - (counts[1].counts[name] ?? 0) }
    #expect(differences.sorted() == [0, lost])
    #expect(counts[0].standardDeviation == counts[1].standardDeviation)
    let scores = try [left, right].map {
      try JSONDecoder().decode(
        SyntheticAccuracyAnswer.self, from: Data($0.text("accuracy.json").utf8))
    }
    #expect(scores[0].of - scores[1].of == lost)
    #expect(abs(scores[0].right - scores[1].right) <= (coupling.unit == .folder ? 2 : 1))
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

  /// The secret stands for the images wherever the ledger must name them, so its value may not leave.
  @Test func theSecretNameOfTheImagesStaysInside() throws {
    let (left, _) = try CouplingBench(CouplingCase()).releases()
    for (path, entry) in left.entries {
      #expect(entry.bytes?.firstRange(of: Data("secret 1".utf8)) == nil, "\(path)")
    }
  }
}
