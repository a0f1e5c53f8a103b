import Control
import Testing

@testable import Runs
@testable import figmentd

/// The contract of removing jobs, for every implementation of `ControlAPI`.
extension ControlContractTests {
  @Test(arguments: Engine.allCases) func aFinishedJobIsRemovedAndItsNumberStaysTaken(
    _ engine: Engine
  ) async throws {
    try await withAPI(engine) { api, house in
      let first = try await api.submit(TestHouse.training, token: nil)
      _ = try await house.wait(for: first.id, "completed")
      house.engine.change { $0.isEndless = true }
      let second = try await api.submit(TestHouse.training, token: nil)
      await expect(.failed, "(a finished job expected). Cancel it first.") {
        try await api.remove(second.id, withRelease: false)
      }
      let removal = try await api.remove(first.id, withRelease: false)
      #expect(removal.job == first.id && removal.bytes > 0 && !removal.withRelease)
      await expect(.notFound, "unknown") { try await api.job(first.id) }
      await expect(.notFound, "unknown") { try await api.remove(first.id, withRelease: false) }
      #expect(try await api.jobs(JobFilter()).map(\.id) == [second.id])
      _ = try await api.stop(second.id, reason: .cancelled)
      #expect(try await api.submit(TestHouse.training, token: nil).id.number == 3)
    }
  }

  @Test(arguments: Engine.allCases) func jobsThatThePolicyNoLongerKeepsAreRemoved(
    _ engine: Engine
  ) async throws {
    try await withAPI(engine) { api, house in
      for _ in 0..<3 {
        let job = try await api.submit(TestHouse.training, token: nil)
        _ = try await house.wait(for: job.id, "completed")
      }
      #expect(try await api.prune(dryRun: false).isEmpty, "without a policy nothing goes")
      var configuration = TestHouse.configuration
      configuration.retention = RetentionPolicy(keepJobs: 1)
      await house.daemon.adopt(configuration)
      let named = try await api.prune(dryRun: true)
      #expect(named.map(\.job.name) == ["glyphs-1", "glyphs-2"])
      #expect(named.first?.reason == "more than 1 finished jobs of its dataset")
      #expect(try await api.jobs(JobFilter()).count == 3)
      #expect(try await api.prune(dryRun: false) == named)
      #expect(try await api.jobs(JobFilter()).map(\.id.name) == ["glyphs-3"])
      #expect(try await api.ledger(of: "glyphs").entries.count == 1)
    }
  }
}
