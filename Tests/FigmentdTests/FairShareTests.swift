import Testing

@testable import Runs
@testable import figmentd

/// The share of a processor that a fair scheduler leaves beside other work.
@Suite struct FairShareTests {
  private struct Case: Sendable {
    let threads: Int, processors: Int, hogs: Int
    let share: Double
  }

  private static let cases: [Case] = [
    Case(threads: 2, processors: 2, hogs: 1, share: 0.75),
    Case(threads: 2, processors: 2, hogs: 2, share: 0.5),
    Case(threads: 2, processors: 2, hogs: 3, share: 5.0 / 12),
    Case(threads: 1, processors: 2, hogs: 1, share: 1),
    Case(threads: 1, processors: 2, hogs: 2, share: 0.5),
    Case(threads: 4, processors: 4, hogs: 1, share: 0.875),
    Case(threads: 4, processors: 2, hogs: 1, share: 5.0 / 6),
    Case(threads: 3, processors: 8, hogs: 5, share: 1),
  ]

  @Test(arguments: 0..<8) func hogsAreSpreadEvenly(_ number: Int) {
    let one = Self.cases[number]
    let found = FairShare.share(
      threads: one.threads, processors: one.processors, hogs: one.hogs)
    #expect(abs(found - one.share) < 1e-12)
  }

  @Test func aloneNothingIsLost() {
    #expect(FairShare.share(threads: 2, processors: 2, hogs: 0) == 1)
  }
}
