import Control
import Testing

/// The command line in a report.
@Suite struct CommandTextTests {
  @Test func aTrainingIsNamedWithEveryOptionThatWasGivenAndNoOther() throws {
    let request = TrainRequest(
      dataset: "faces", recipe: "dp-gan-28", epsilon: 2.5, delta: 1e-6, steps: 300,
      batchSize: 64, hardened: true, answers: ["class-counts": 0.5, "accuracy": 0.25], count: 1000,
      seed: 7)
    #expect(
      request.command
        == "figment train faces --recipe dp-gan-28 --epsilon 2.5 --delta 1e-06 --steps 300 "
        + "--batch-size 64 --hardened --answer accuracy=0.25 --answer class-counts=0.5 --count 1000 --seed 7"
    )
    #expect(
      TrainRequest(dataset: "faces", recipe: "dp-gan-28", nonPrivate: true).command
        == "figment train faces --recipe dp-gan-28 --non-private")
    let job = try #require(JobID("faces-3"))
    #expect(
      EvaluateRequest(job: job, effort: .quick, seed: 4).command
        == "figment evaluate faces-3 --quick --seed 4")
  }

  @Test func aShellReadsAWordAsItWasGivenAndAPathIsNotNamed() {
    var command = CommandText("figmentd run")
    command.add("classes", "it's, here")
    command.add("empty", "")
    command.add("nothing", String?.none)
    command.add(path: "images", "IMAGES")
    command.add(path: "hold-out", "HOLD-OUT", isGiven: false)
    command.add(flag: "hardened", false)
    #expect(command.text == #"figmentd run --classes 'it'\''s, here' --empty '' --images IMAGES"#)
  }
}
