import Testing

@testable import Models

@Suite struct DiscriminatorScheduleTests {
  private func climb(_ schedule: inout DiscriminatorSchedule, accuracy: Double, times: Int) {
    for _ in 0..<times { schedule.generatorStepped(fakeAccuracy: accuracy) }
  }

  @Test func generatorWaitsForTheStepsOfTheRung() {
    var schedule = DiscriminatorSchedule(.init(start: 3, threshold: nil))
    // Called outside the expectation, whose macro expansion copies its operands.
    let firstTurn = (0..<3).map { _ in schedule.discriminatorStepped() }
    #expect(firstTurn == [false, false, true])
    schedule.generatorStepped(fakeAccuracy: 1)
    let isDueAtOnce = schedule.discriminatorStepped()
    #expect(!isDueAtOnce)
  }

  @Test func ladderIsClimbedOneRungWhenAccuracyFallsAndNotWithinTheGrace() {
    var schedule = DiscriminatorSchedule(.init(start: 1, threshold: 0.6, grace: 200))
    climb(&schedule, accuracy: 0, times: 200)
    #expect(schedule.discriminatorSteps == 1)
    climb(&schedule, accuracy: 0, times: 1)
    #expect(schedule.discriminatorSteps == 2)
    climb(&schedule, accuracy: 0, times: 200)
    #expect(schedule.discriminatorSteps == 2)
    climb(&schedule, accuracy: 0, times: 1)
    #expect(schedule.discriminatorSteps == 5)
  }

  @Test func ladderIsNeverSteppedDown() {
    var schedule = DiscriminatorSchedule(.init(start: 1, threshold: 0.6, grace: 10))
    climb(&schedule, accuracy: 0, times: 100)
    var reached = schedule.discriminatorSteps
    #expect(reached > 1)
    // The running accuracy recovers slowly: the schedule still climbs until it passes the threshold.
    for _ in 0..<5000 {
      let mayClimb = schedule.accuracy <= 0.6
      schedule.generatorStepped(fakeAccuracy: 1)
      #expect(schedule.discriminatorSteps >= reached)
      #expect(mayClimb || schedule.discriminatorSteps == reached)
      reached = schedule.discriminatorSteps
    }
    #expect(schedule.accuracy > 0.99)
  }

  @Test func accuracyAveragesWithThePublishedDecay() {
    var schedule = DiscriminatorSchedule(.init(start: 1, threshold: 0.6))
    schedule.generatorStepped(fakeAccuracy: 0.5)
    #expect(abs(schedule.accuracy - (0.99 * 1 + 0.01 * 0.5)) < 1e-15)
  }

  @Test func fixedScheduleAndLimitStay() {
    var fixed = DiscriminatorSchedule(.init(start: 50, threshold: nil))
    climb(&fixed, accuracy: 0, times: 1000)
    #expect(fixed.discriminatorSteps == 50)
    var limited = DiscriminatorSchedule(.init(start: 1, threshold: 0.6, grace: 0, limit: 5))
    climb(&limited, accuracy: 0, times: 5000)
    #expect(limited.discriminatorSteps == 5)
  }

  @Test func savedStateContinuesIdentically() throws {
    var schedule = DiscriminatorSchedule(.init(start: 1, threshold: 0.6, grace: 30))
    climb(&schedule, accuracy: 0.3, times: 150)
    _ = schedule.discriminatorStepped()
    var checkpoint = Checkpoint()
    schedule.save(into: &checkpoint)
    var restored = DiscriminatorSchedule(.init(start: 1, threshold: 0.6, grace: 30))
    try restored.restore(from: checkpoint)
    #expect(restored == schedule)
  }
}
