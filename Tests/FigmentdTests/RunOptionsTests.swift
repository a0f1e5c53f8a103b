import ArgumentParser
import CommandLineOptions
import Control
import Testing

@testable import Runs

/// The options of a run are the same for every command, and they name everything that a run accepts.
@Suite struct RunOptionsTests {
  @Test func theHelpNamesEveryAnswer() {
    let help = RunOptions.help
    for kind in PaidAnswers.kinds { #expect(help.contains("\(kind.request): "), "\(kind.request)") }
  }

  @Test func answersHaveDifferentNamesPhasesAndFiles() {
    let kinds = PaidAnswers.kinds
    #expect(Set(kinds.map { $0.request }).count == kinds.count)
    #expect(Set(kinds.map { $0.phase }).count == kinds.count)
    #expect(Set(kinds.map { $0.name }).count == kinds.count)
  }

  @Test func formerOptionsAskForTheSameAnswers() throws {
    let new = try RunOptions.parse(["--answer", "class-counts=0.5", "--answer", "accuracy=0.25"])
    let former = try RunOptions.parse(["--count-epsilon", "0.5", "--score-epsilon", "0.25"])
    let request = new.request(dataset: "d", recipe: "r")
    #expect(request == former.request(dataset: "d", recipe: "r"))
    #expect(request.allAnswers == ["class-counts": 0.5, "accuracy": 0.25])
    let body = #"{"dataset":"d","recipe":"r","count_epsilon":0.5,"score_epsilon":0.25}"#
    let read = try ControlCoding.decode(TrainRequest.self, from: .init(body.utf8))
    #expect(read.allAnswers == request.allAnswers)
  }

  @Test(arguments: ["accuracy", "accuracy=", "=1", "accuracy=x", "a=1=2"])
  func anAnswerWithoutANameAndAPriceIsRefused(_ text: String) {
    let error = #expect(throws: (any Error).self) { try RunOptions.parse(["--answer", text]) }
    let message = error.map { RunOptions.message(for: $0) } ?? ""
    #expect(message.contains("found '\(text)', expected NAME=EPSILON, for example "), "\(message)")
  }

  @Test func anAnswerWithoutAPriceIsShownWithOne() {
    let error = #expect(throws: (any Error).self) {
      try RunOptions.parse(["--answer", "accuracy"])
    }
    let message = error.map { RunOptions.message(for: $0) } ?? ""
    #expect(message.contains("expected NAME=EPSILON, for example accuracy=0.5"), "\(message)")
  }

  @Test func anAnswerHasOnePrice() {
    for options in [
      ["--answer", "accuracy=1", "--answer", "accuracy=2"],
      ["--answer", "class-counts=1", "--count-epsilon", "2"],
    ] {
      #expect(throws: (any Error).self) { try RunOptions.parse(options) }
    }
    var request = TrainRequest(dataset: "d", recipe: "r", answers: ["accuracy": 1])
    request.scoreEpsilon = 2
    #expect(throws: ControlError.self) { try request.validate() }
  }

  @Test func pricesOfNothingAreRefused() throws {
    for price in [0, -1, Double.nan, .infinity] {
      let request = TrainRequest(dataset: "d", recipe: "r", answers: ["accuracy": price])
      let error = #expect(throws: ControlError.self) { try request.validate() }
      #expect(error?.message.contains("answers: accuracy") == true)
    }
  }
}

private struct HelpOfRunOptions: ParsableCommand {
  @OptionGroup var options: RunOptions
}

extension RunOptions {
  fileprivate static var help: String { HelpOfRunOptions.helpMessage(columns: 10_000) }
}
