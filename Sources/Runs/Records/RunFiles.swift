import Control
import Datasets
import FoundationEssentials
import Glibc
import Models
@_spi(PrivateZone) import Privacy

/// One line of `metrics.jsonl`: a reported step.
struct MetricsLine: Codable {
  let step: Int
  let epsilon: Double?
  /// Curves that may be released.
  let curves: [String: Double]
  /// Curves computed from real images without noise.
  let privateCurves: [String: Double]

  private enum CodingKeys: String, CodingKey {
    case step, epsilon, curves
    case privateCurves = "private_curves"
  }
}

/// `metrics.jsonl`: one object for each reported step.
///
/// Internal: it may contain numbers computed from real images without noise.
final class MetricsFile {
  private let path: String
  private let encoder = JSONEncoder()
  private static let name = "metrics.jsonl"

  /// Continues the file, or begins it.
  init(in folder: String) {
    path = folder + "/" + Self.name
    encoder.outputFormatting = [.sortedKeys]
  }

  /// The lines of the file in `folder`; empty when it does not exist.
  static func lines(in folder: String) throws -> [MetricsLine] {
    guard try DurableFile.names(in: folder).contains(name) else { return [] }
    // A crash may have cut the last line; a line with an impossible step counts as damaged too.
    return try DurableFile.read("\(folder)/\(name)").split(separator: 0x0A).compactMap {
      let line = Data($0)
      if let found = try? JSONDecoder().decode(StateFormat.Number.self, from: line).format {
        try StateFormat.check(found, of: "\(folder)/\(name)")
      }
      guard let read = try? JSONDecoder().decode(MetricsLine.self, from: line),
        (0...TrainingSettings.mostSteps).contains(read.step)
      else { return nil }
      return read
    }
  }

  /// Removes lines of steps after `step`, which a crash lost: those steps are made again.
  static func forget(after step: Int, in folder: String) throws {
    let all = try lines(in: folder)
    let kept = all.filter { $0.step <= step }
    guard kept.count < all.count else { return }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    let data = try kept.reduce(into: Data()) { data, line in
      data += try encoder.encode(Formatted(line)) + [0x0A]
    }
    try DurableFile.write(data, to: "\(folder)/\(name)")
  }

  /// Appends the curves of a step.
  func append(_ report: StepReport, of step: Int, epsilon: Double?) throws {
    // JSON has no infinity: a value that is not finite is left out.
    let line = MetricsLine(
      step: step, epsilon: epsilon,
      curves: Self.finite(report.curves.mapValues(\.value)),
      privateCurves: Self.finite(report.privateCurves.mapValues { $0.revealed() }))
    var data = try encoder.encode(Formatted(line))
    data.append(0x0A)
    try AppendedFile.append(data, to: path)
  }

  private static func finite(_ curves: [TrainingCurve: Double]) -> [String: Double] {
    Dictionary(uniqueKeysWithValues: curves.map { ($0.name, $1) }).filter { $0.value.isFinite }
  }
}

/// `files.jsonl`, the list of every file of the root with its verdict.
///
/// Internal: names are personal data.
enum VerdictsFile {
  /// The list of a run's internal files.
  static func path(in folder: String) -> String { folder + "/files.jsonl" }

  /// Writes the list.
  static func write(_ files: [InspectedFile], in folder: String) throws {
    struct Line: Encodable {
      let path: String
      let verdict: String
      let reason: String
    }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    var data = Data()
    for file in files {
      data.append(
        try encoder.encode(
          Formatted(
            Line(
              path: file.path.description, verdict: file.verdict.code,
              reason: file.reason))))
      data.append(0x0A)
    }
    try DurableFile.write(data, to: path(in: folder))
  }
}

/// `run.json`, the record of a run: every resolved value, and its state.
///
/// Internal: it contains counts.
struct RunRecord: Encodable {
  /// The state of the run.
  enum State: String, Encodable {
    case training, finished, stopped
  }

  let run: String
  let dataset: String
  let state: State
  let recipe: Recipe
  let phases: [Phase]
  let population: Int
  let epsilon: Double?
  let delta: Double
  let seed: UInt64
  let classes: [String]
  let snapshot: String
  let images: Int
  let units: Int
  let verdicts: [String: Int]
  let stepsMade: Int
  let stepsCharged: Int
  let attempt: Int
  let instructionSet: String
  let threads: Int
  let software: String
  let networks: String

  /// Writes the record durably.
  func write(in folder: String) throws {
    try DurableFile.write(
      try ControlCoding.encodeForPeople(Formatted(self)), to: folder + "/run.json")
  }
}

/// `results.json`: the results of a finished run, so that a repeated order is answered without drawing the
/// set again.
package enum ResultsFile {
  private static let name = "/results.json"

  /// Writes the results durably, after all files that they name.
  static func write(_ results: JobResults, in folder: String) throws {
    try DurableFile.write(try StateFormat.encodeSealed(results), to: path(in: folder))
  }

  /// The path of a run's results.
  static func path(in folder: String) -> String { folder + name }

  /// The results of a finished run of `count` images, if its files still exist; nil otherwise.
  static func read(in folder: String, count: Int) throws -> JobResults? {
    guard let results = try stored(in: folder) else { return nil }
    let areThere = results.outputs.allSatisfy { access($0.path, F_OK) == 0 }
    return results.images == count && areThere ? results : nil
  }

  /// The steps that a finished run made on private images; nil if no results are there.
  package static func steps(in folder: String) throws -> Int? {
    try stored(in: folder)?.steps
  }

  private static func stored(in folder: String) throws -> JobResults? {
    guard try DurableFile.names(in: folder).contains(String(name.dropFirst())) else { return nil }
    return try StateFormat.read(JobResults.self, at: path(in: folder))
  }
}
