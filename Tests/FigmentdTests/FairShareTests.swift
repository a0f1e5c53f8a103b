import Testing

@testable import figmentd

/// What a fair scheduler leaves beside other work.
@Suite struct FairShareTests {
  @Test(arguments: [
    (threads: 2, processors: 2, hogs: 1, share: 0.75),
    (threads: 2, processors: 2, hogs: 2, share: 0.5),
    (threads: 2, processors: 2, hogs: 3, share: (1.0 / 2 + 1.0 / 3) / 2),
    (threads: 1, processors: 2, hogs: 1, share: 1),
    (threads: 1, processors: 2, hogs: 2, share: 0.5),
    (threads: 4, processors: 4, hogs: 1, share: 3.5 / 4),
    (threads: 4, processors: 2, hogs: 1, share: (1 + 2.0 / 3) / 2),
    (threads: 3, processors: 8, hogs: 5, share: 1),
  ])
  func hogsAreSpreadEvenly(threads: Int, processors: Int, hogs: Int, share: Double) {
    let found = FairShare.share(threads: threads, processors: processors, hogs: hogs)
    #expect(abs(found - share) < 1e-12)
  }

  @Test func aloneNothingIsLost() {
    #expect(FairShare.share(threads: 2, processors: 2, hogs: 0) == 1)
  }
}
