import Foundation
import Testing

/// Small programs that try to leak private numbers.
///
/// The compiler must refuse each program for the stated reason, and must accept its honest twin,
/// which differs only in that place.
@Suite struct PrivateZoneTests {
  struct Leak: CustomTestStringConvertible, Sendable {
    let testDescription: String
    /// The program, with `LINE` in place of the leak.
    let program: String
    let leak: String
    let honest: String
    /// The compiler's message about the leak, as a regular expression.
    let refusal: String

    static let all = [
      Leak(
        testDescription: "a loss on real images becomes a curve that may leave",
        program: """
          import Models
          import Privacy
          func report(_ loss: Sensitive<Double>) -> StepReport {
            var report = StepReport()
            LINE
            return report
          }
          """,
        leak: #"report.curves[.bitsPerDimension] = loss"#,
        honest: #"report.privateCurves[.bitsPerDimension] = loss"#,
        refusal: "cannot assign value of type 'Sensitive<Double>' to subscript of type "
          + "'Releasable<Double>"),
      Leak(
        testDescription: "a sensitive value is opened",
        program: """
          import Privacy
          func double(_ loss: Sensitive<Double>) -> Sensitive<Double> {
            LINE
          }
          """,
        leak: "return Sensitive(2 * loss.revealed())", honest: "return loss.map { 2 * $0 }",
        refusal: "'revealed' is inaccessible due to '@_spi' protection level"),
      Leak(
        testDescription: "a sensitive value is written into a variable outside",
        program: """
          import Privacy
          func last(_ losses: [Sensitive<Double>]) -> Double {
            var last = 0.0
            LINE
            return last
          }
          """,
        leak: "for loss in losses { _ = loss.map { last = $0 } }",
        honest: "for loss in losses { _ = loss.map { $0 + 1 } }; last = 1",
        refusal: "mutation of captured var 'last' in concurrently-executing code"),
      Leak(
        testDescription: "a sensitive value becomes a releasable one",
        program: """
          import Privacy
          func release(_ count: Sensitive<Int>) -> Releasable<Int> {
            LINE
          }
          """,
        leak: "return Releasable(count, .postProcessing)",
        honest: "return Releasable(0, .postProcessing)",
        refusal: "cannot convert value of type 'Sensitive<Int>' to expected argument type 'Int'"),
      Leak(
        testDescription: "an answer is called paid for that no ledger wrote down",
        program: """
          import Privacy
          func pay(_ event: PrivacyEvent, by paid: consuming Reservation) -> Reservation {
            LINE
          }
          """,
        leak: "return Reservation(number: 1, event: event, times: 1)", honest: "return paid",
        refusal: "'Reservation' initializer is inaccessible due to '@_spi'"),
      Leak(
        testDescription: "a transform hands private images to an object outside",
        program: """
          import Compute
          import Learning
          final class Box { var images: (any ExampleSource)? }
          func copy(_ images: PrivateExamples, _ noise: NoiseStream, _ box: Box) -> PrivateExamples {
            LINE
          }
          """,
        leak:
          "return images.map(drawing: box) { images, box in box.images = images; return images }",
        honest: "return images.map(drawing: noise) { images, noise in images }",
        refusal: "cannot convert value of type 'Box' to expected argument type 'NoiseStream'"),
      Leak(
        testDescription: "private images give a gradient without noise",
        program: """
          import Compute
          import Learning
          import Privacy
          func step(
            _ network: PrivateNetwork, _ images: PrivateExamples, _ fakes: some ExampleSource,
            _ target: Tensor, _ pass: Pass
          ) -> Double {
            network.addPublicGradient(
              over: LINE, loss: BinaryCrossEntropy(target: 1), clipNorm: nil, scale: 1, to: target,
              in: pass)
          }
          """,
        leak: "images", honest: "fakes",
        refusal: "requires that 'PrivateExamples' conform to 'ExampleSource'"),
      Leak(
        testDescription: "the images of a step are read",
        program: """
          import Compute
          import Learning
          func look(_ images: PrivateExamples, _ fakes: any ExampleSource, _ target: Tensor) {
            LINE
          }
          """,
        leak: "images.source.fill(target, from: 0..<1)", honest: "fakes.fill(target, from: 0..<1)",
        refusal: "'source' is inaccessible due to 'internal' protection level"),
      Leak(
        testDescription: "a clipped sum is read before its noise",
        program: """
          import Compute
          import Learning
          func first(_ sum: consuming ClippedSum, _ noise: NoiseStream) -> Float {
            LINE
          }
          """,
        leak: "sum.sum.values.pointer[0]",
        honest: "let gradient = sum.noised(by: noise); return gradient.values.pointer[0]",
        refusal: "'sum' is inaccessible due to 'private' protection level"),
      Leak(
        testDescription: "a clipped sum is scaled before its noise",
        program: """
          import Compute
          import Learning
          func halved(
            _ sum: consuming ClippedSum, _ noise: NoiseStream, _ machine: Machine
          ) -> NoisedGradient {
            LINE
          }
          """,
        leak: "machine.scale(sum.values, by: 0.5); return sum.noised(by: noise)",
        honest: "let gradient = sum.noised(by: noise); machine.scale(gradient.values, by: 0.5); "
          + "return gradient",
        refusal: "value of type 'ClippedSum' has no member 'values'"),
      Leak(
        testDescription: "a clipped sum is noised twice",
        program: """
          import Compute
          import Learning
          func mean(_ sum: consuming ClippedSum, _ noise: NoiseStream) -> Float {
            let first = sum.noised(by: noise)
            LINE
          }
          """,
        leak: "let other = sum.noised(by: noise); return first.values.pointer[0] "
          + "+ other.values.pointer[0]",
        honest: "return first.values.pointer[0]", refusal: "'sum' consumed more than once"),
      Leak(
        testDescription: "a private run takes the road without noise",
        program: """
          import Compute
          import Learning
          import Models
          import Privacy
          func step(
            _ step: TrainingStep, _ network: PrivateNetwork, _ images: PrivateExamples, _ adam: Adam,
            _ pass: Pass
          ) {
            let loss = BinaryCrossEntropy(target: 1)
            switch step.protection {
            case .noise(let mechanism):
              let sum = network.clippedSum(over: images, loss: loss, mechanism, in: pass)
              LINE
            case .none(let permission):
              let gradient = network.unprotectedGradient(over: images, loss: loss, in: pass)
              network.update(along: gradient, by: adam, permission)
            }
          }
          """,
        leak: "network.update(along: network.unprotectedGradient(over: images, loss: loss, "
          + "in: pass), by: adam, UnprotectedTraining()); _ = sum.noised(by: step.noise)",
        honest: "network.update(along: sum.noised(by: step.noise), by: adam)",
        refusal: "'UnprotectedTraining' initializer is inaccessible due to '@_spi'"),
      Leak(
        testDescription: "a number of real images enters a report that leaves",
        program: """
          import Evaluation
          import Privacy
          func add(_ loss: Sensitive<String>, to document: inout ReportDocument<ReleaseReport>) {
            LINE
          }
          """,
        leak: "document.add(loss.map { ReportBlock.code($0) })",
        honest: #"document.add(loss.map { ReportBlock.code($0) }, named: "Loss", because: "real")"#,
        refusal: "cannot convert value of type 'Sensitive<ReportBlock>' to expected argument type "
          + "'Releasable<ReportBlock>'"),
      Leak(
        testDescription: "a number of real images is written into a release",
        program: """
          import Privacy
          @testable import Runs
          func write(_ loss: Sensitive<String>, _ writer: ReleaseWriter) throws {
            LINE
          }
          """,
        leak: #"try writer.write(loss, as: "loss.txt")"#,
        honest: #"try writer.write(Releasable("", .chosenBeforehand), as: "loss.txt")"#,
        refusal: "candidate expects value of type 'Releasable<String>' for parameter #1 "
          + "(got 'Sensitive<String>')"),
      Leak(
        testDescription: "images that show rows of real ones are written into a release",
        program: """
          import Models
          @testable import Runs
          func complete(
            _ images: Completion, _ model: any CompletingModel, _ format: ImageSpecification,
            _ request: SampleRequest, _ release: ReleaseWriter, _ inside: InternalSetWriter
          ) throws -> Bool {
            try LINE.writeImages(completing: images, by: model, format: format, request)
          }
          """,
        leak: "release", honest: "inside",
        refusal: "requires the types 'ReleaseReport' and 'InternalReport' be equivalent"),
      Leak(
        testDescription: "a number of real images is told of a job",
        program: """
          import Control
          import Privacy
          @testable import Runs
          func tell(_ loss: Sensitive<Double>, _ accuracy: Releasable<Double>) -> JobReport {
            LINE
          }
          """,
        leak: ".note(loss.map { String($0) })", honest: ".note(accuracy.map { String($0) })",
        refusal: "cannot convert value of type 'Sensitive<String>' to expected argument type "
          + "'Releasable<String>'"),
    ]
  }

  @Test(arguments: Leak.all) func theCompilerRefusesALeak(_ leak: Leak) throws {
    let compiler = try Compiler()
    let refused = try compiler.check(
      leak.program.replacingOccurrences(of: "LINE", with: leak.leak))
    #expect(refused.status != 0, "the compiler accepted it")
    #expect(refused.text.contains(leak.refusal), "\(refused.text)")
    let taken = try compiler.check(
      leak.program.replacingOccurrences(of: "LINE", with: leak.honest))
    #expect(taken.status == 0, "\(taken.text)")
  }

  /// Every file that opens a door is in this list; a new entry is a decision about privacy.
  @Test func theDoorsAreOpenedByKnownFilesAlone() throws {
    let sources = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("Sources")
    var doors: [String: Set<String>] = [:]
    let files = try #require(FileManager.default.enumerator(atPath: sources.path))
    for case let file as String in files where file.hasSuffix(".swift") {
      let text = try String(contentsOf: sources.appendingPathComponent(file), encoding: .utf8)
      for line in text.split(separator: "\n")
      where line.contains("import Privacy") && !line.hasPrefix("//") {
        for door in ["PrivateZone", "Administrator", "Ledger"] where line.contains("@_spi(\(door))")
        {
          doors[door, default: []].insert(file)
        }
      }
    }
    #expect(
      doors == [
        "PrivateZone": [
          "Evaluation/Report/ReportZone.swift", "Learning/Private/CountAnswer.swift",
          "Runs/Execution/HeldOutLikelihood.swift", "Runs/Records/RunFiles.swift",
        ],
        "Administrator": [
          "Runs/Plan/NoiseImages.swift", "figmentd/Configuration/Permissions.swift",
        ],
        "Ledger": ["Runs/Account/LedgerFileRun.swift"],
      ])
  }
}
