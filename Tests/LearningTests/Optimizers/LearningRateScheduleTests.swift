import Learning
import TestSupport
import Testing

/// Learning rates by step.
@Suite struct LearningRateScheduleTests {
  @Test func warmUpIsLinearAndReachesThePeak() {
    let schedule = LearningRateSchedule(0.4, warmUpSteps: 4)
    #expect((0..<6).map(schedule.rate(at:)) == [0.1, 0.2, 0.3, 0.4, 0.4, 0.4])
  }

  @Test func cosineFallsFromPeakToFloor() {
    let schedule = LearningRateSchedule(2, warmUpSteps: 10, .cosine(end: 110, floor: 0.1))
    #expect(schedule.rate(at: 10) == 2)
    #expect(isClose(Double(schedule.rate(at: 60)), to: 1.1, relative: 1e-6))
    #expect(isClose(Double(schedule.rate(at: 110)), to: 0.2, relative: 1e-6))
    #expect(schedule.rate(at: 500) == schedule.rate(at: 110))
    for step in 10..<110 { #expect(schedule.rate(at: step + 1) <= schedule.rate(at: step)) }
  }

  @Test func stepwiseMultipliesAfterEachInterval() {
    let schedule = LearningRateSchedule(1, .stepwise(interval: 3, factor: 0.5))
    #expect((0..<7).map(schedule.rate(at:)) == [1, 1, 1, 0.5, 0.5, 0.5, 0.25])
  }
}
