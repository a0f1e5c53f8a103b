import ArgumentParser
import FoundationEssentials
import Testing

@testable import figment

/// The interface for scripts: the exact form of the output, and the exit codes of refusals.
@Suite struct PrivacyCommandTests {
  private static let classic = [
    "--sampling-rate", "0.00426666666667", "--steps", "14100", "--delta", "1e-5",
  ]

  private struct EpsilonAnswer: Decodable {
    struct Renyi: Decodable { let epsilon, order: Double }
    struct PrivacyLoss: Decodable { let epsilon: Double }
    let epsilon: Double
    let rdp: Renyi
    let pld: PrivacyLoss
  }

  private struct NoiseAnswer: Decodable {
    let noise_multiplier: Double
    let epsilon: Double
  }

  private func epsilon(_ arguments: [String]) throws -> String {
    try PrivacyEpsilonCommand.parse(arguments).answer()
  }

  @Test func epsilonAsJsonHasExactlyTheThreeFigures() throws {
    let text = try epsilon(Self.classic + ["--noise-multiplier", "1.1", "--json"])
    let answer = try JSONDecoder().decode(EpsilonAnswer.self, from: Data(text.utf8))
    // The classic reference: RDP 2.600 at order 8.1, PLD 2.385.
    #expect(abs(answer.rdp.epsilon - 2.60034294) < 1e-5 && answer.rdp.order == 8.1)
    #expect(answer.pld.epsilon >= 2.38020752 && answer.pld.epsilon < 2.3862)
    #expect(answer.epsilon == answer.pld.epsilon)
    #expect(
      text == #"{"epsilon":\#(answer.epsilon),"rdp":{"epsilon":\#(answer.rdp.epsilon),"#
        + #""order":8.1},"pld":{"epsilon":\#(answer.pld.epsilon)}}"#)
  }

  @Test func noiseAsJsonCostsWhatItSays() throws {
    let text = try PrivacyNoiseCommand.parse(Self.classic + ["--epsilon", "2", "--json"]).answer()
    let answer = try JSONDecoder().decode(NoiseAnswer.self, from: Data(text.utf8))
    #expect(answer.epsilon <= 2 && answer.noise_multiplier < 1.225341 * 1.001)
    #expect(
      text == #"{"noise_multiplier":\#(answer.noise_multiplier),"epsilon":\#(answer.epsilon)}"#)
    let again = try epsilon(
      Self.classic + ["--noise-multiplier", "\(answer.noise_multiplier)", "--json"])
    let cost = try JSONDecoder().decode(EpsilonAnswer.self, from: Data(again.utf8))
    #expect(cost.epsilon == answer.epsilon)
  }

  @Test func theSentenceNamesItsAssumptions() throws {
    let text = try epsilon(Self.classic + ["--noise-multiplier", "1.1"])
    for part in [
      "1e-5)-differential privacy", "14,100 steps", "independently with probability 0.0042666",
      "clipped", "1.1 times the clip norm", "added to or removed from", "smaller of two upper",
    ] {
      #expect(text.contains(part), "\(part)")
    }
    #expect(!text.contains("\n"))
    let noise = try PrivacyNoiseCommand.parse(Self.classic + ["--epsilon", "2"]).answer()
    #expect(noise.contains("not above the target of 2,"))
  }

  @Test(arguments: [
    ["--sampling-rate", "nan", "--steps", "1", "--delta", "1e-5", "--noise-multiplier", "1"],
    ["--sampling-rate", "1.5", "--steps", "1", "--delta", "1e-5", "--noise-multiplier", "1"],
    ["--sampling-rate", "0", "--steps", "1", "--delta", "1e-5", "--noise-multiplier", "1"],
    ["--sampling-rate", "0.1", "--steps", "0", "--delta", "1e-5", "--noise-multiplier", "1"],
    ["--sampling-rate", "0.1", "--steps", "1", "--delta", "1e-13", "--noise-multiplier", "1"],
    ["--sampling-rate", "0.1", "--steps", "1", "--delta", "1", "--noise-multiplier", "1"],
    ["--sampling-rate", "0.1", "--steps", "1", "--delta", "1e-5", "--noise-multiplier", "inf"],
    ["--sampling-rate", "0.1", "--steps", "1", "--delta", "1e-5", "--noise-multiplier", "0"],
    ["--sampling-rate", "-1", "--steps", "-1", "--delta", "-1", "--noise-multiplier", "-1"],
    ["--sampling-rate", "0.1", "--steps", "1.5", "--delta", "1e-5", "--noise-multiplier", "1"],
    ["--sampling-rate", "0.1", "--steps", "1", "--delta", "1e-5"],
  ])
  func badArgumentsEndWithTheCodeOfUsage(_ arguments: [String]) {
    let error = #expect(throws: (any Error).self) {
      try PrivacyEpsilonCommand.parse(arguments).run()
    }
    #expect(PrivacyCommand.exitCode(for: error ?? CleanExit.helpRequest()) == ExitCode(64))
  }

  @Test func noBoundIsAFailureNotANumber() throws {
    let arguments = [
      "--sampling-rate", "1", "--steps", "1", "--delta", "1e-5", "--noise-multiplier", "1e-170",
    ]
    let error = #expect(throws: (any Error).self) {
      try PrivacyEpsilonCommand.parse(arguments).run()
    }
    #expect(PrivacyCommand.exitCode(for: error ?? CleanExit.helpRequest()) == ExitCode(1))
  }

  @Test func auditIsLeftToTheDaemonsBinary() throws {
    let plain = try PrivacyAuditCommand.parse([])
    #expect(plain.daemonArguments == ["figmentd", "audit"])
    let quick = try PrivacyAuditCommand.parse(["--quick", "--json"])
    #expect(quick.daemonArguments == ["figmentd", "audit", "--quick", "--json"])
    #expect(throws: (any Error).self) { try PrivacyAuditCommand.parse(["--fast"]) }
  }
}
