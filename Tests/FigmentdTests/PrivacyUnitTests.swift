import Control
import Datasets
import Privacy
import Testing

@testable import Models
@testable import figmentd

/// Three rooms declare the unit of privacy, because none of them may import another.
@Suite struct PrivacyUnitTests {
  @Test func messagesAndPackedFilesHaveTheSameWords() {
    #expect(
      Control.PrivacyUnit.allCases.map(\.rawValue) == Datasets.PrivacyUnit.allCases.map(\.rawValue))
  }

  @Test(
    arguments: [
      (.file, nil, .file),
      (.folder, 12, .subfolder(maximumImages: 12)),
      // No folder has more images than a packed file can number.
      (.folder, nil, .subfolder(maximumImages: 2_147_483_647)),
    ] as [(Control.PrivacyUnit, Int?, Privacy.PrivacyUnit)])
  func theConfiguredUnitIsTheOneThatTheLedgerProtects(
    _ unit: Control.PrivacyUnit, _ most: Int?, _ ledger: Privacy.PrivacyUnit
  ) {
    let dataset = DatasetConfiguration(
      name: "people", root: "/images",
      policy: PrivacyPolicy(epsilonMaximum: 8, delta: 1e-5, unit: unit, maximumPerUnit: most))
    #expect(dataset.rules.privacyUnit.rawValue == unit.rawValue)
    #expect(dataset.rules.protectedUnit == ledger)
  }
}
