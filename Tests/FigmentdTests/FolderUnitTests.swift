import Compute
import Datasets
import FoundationEssentials
import Models
import Privacy
import Testing

@testable import Runs
@testable import figmentd

/// A person with several images, from the folder to the statement.
@Suite struct FolderUnitTests {
  @Test func aFolderRunProtectsFoldersInLedgerStatementAndBatches() throws {
    let coupling = CouplingCase(unit: .folder)
    let scratch = ScratchFolder()
    let root = try CoupledSets(below: scratch.path, coupling, place: 0).left
    let places = CouplingBench.places(in: scratch.path + "/run")
    let order = try CouplingBench.order(coupling, root: root, in: scratch)
    #expect(
      try TrainingRun(
        order, at: places, on: Machine(threadCount: 1), stop: StopSignal(),
        makeDecoder: { ImageCodec() }, report: { _ in }
      ).run().isFinished)
    let history = try LedgerFile.history(
      at: RootLedger.location(
        RootLedger.identity(of: root), ledgers: places.ledgers, marks: places.ledgerMarks))
    #expect(history.root?.unit == .subfolder(maximumImages: 3))
    let statement = try JSONDecoder().decode(
      PrivacyStatement.self, from: DurableFile.read(places.release + "/privacy.json"))
    #expect(statement.unit == .subfolder(maximumImages: 3))
    #expect(statement.sentence.contains("one sub-folder (one person) of at most 3 images"))
    // Two images per person: people are sampled, and all images of a person are sampled together.
    let snapshot = try DatasetSnapshot(opening: places.internalFiles + "/images.pack")
    #expect(snapshot.unitCount == CouplingCase.unitCount)
    #expect(snapshot.count == 2 * CouplingCase.unitCount)
    #expect(snapshot.privacyUnit == .folder)
  }
}
