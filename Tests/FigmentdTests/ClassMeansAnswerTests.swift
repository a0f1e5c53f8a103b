import Control
import Datasets
import FoundationEssentials
import Privacy
import Testing

@testable import Runs
@testable import figmentd

/// Mean images that are paid for: a sum of vectors as a phase of its own.
@Suite struct ClassMeansAnswerTests {
  @Test func meansAreChargedFirstAndLeaveWithTheRelease() throws {
    let bench = try RunBench(answers: ["class-means": 1])
    #expect(try bench.run().isFinished)
    let history = try bench.history()
    let first = try #require(history.charges.first?.entry)
    #expect(first.purpose == "class means" && first.times == 1)
    #expect(try PrivacyCost(of: EventTally(first.event), delta: 1e-5).epsilon <= 1)
    #expect(try PrivacyCost(of: history.spent, delta: 1e-5).epsilon <= 4)
    let answer = try JSONDecoder().decode(
      ClassMeansAnswer.self, from: DurableFile.read(bench.places.release + "/class_means.json"))
    #expect(answer.height == 8 && answer.width == 8 && answer.channels == 1)
    #expect(answer.epsilon <= 1 && answer.epsilon > 0.9 && answer.delta == 1e-5)
    let plan = try #require(try ResolvedPlan.saved(in: bench.places.internalFiles))
    #expect(Set(answer.means.keys) == Set(plan.classes))
    #expect(answer.means.values.allSatisfy { $0.count == 64 })
    let file = [UInt8](try DurableFile.read(bench.places.release + "/class_means.png"))
    let picture = try file.withUnsafeBytes { try ImageCodec().decode($0).image }
    #expect(picture.shape.channels == 1 && picture.shape.height > 60)
    let manifest = try bench.text(bench.places.release + "/manifest.json")
    #expect(manifest.contains("class_means.json") && manifest.contains("class_means.png"))
    #expect(try bench.text(bench.places.release + "/README.md").contains("class_means.png"))
    #expect(try bench.text(bench.places.release + "/PRIVACY.md").contains("class_means.json"))
  }

  @Test func aResumedRunAsksOnce() throws {
    let bench = try RunBench(answers: ["class-means": 1])
    let stop = StopSignal()
    _ = try bench.run(stop: stop) { report in
      if case .progress(let progress) = report, progress.phase == .train { stop.raise() }
    }
    let name = bench.places.internalFiles + "/class_means.json"
    let answer = try bench.text(name)
    #expect(try bench.run().isFinished)
    #expect(try bench.text(name) == answer)
    #expect(try bench.history().charges.count { $0.entry.purpose == "class means" } == 1)
  }
}
