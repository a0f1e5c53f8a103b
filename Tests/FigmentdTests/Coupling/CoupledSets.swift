import Compute
import Datasets
import Foundation
import Learning
import Models
import Privacy
import Synchronization
import TestSupport
import Testing

@testable import Runs
@testable import figmentd

/// One case of the coupling tests: the model, the unit, the answers, and the course of the run.
struct CouplingCase: Sendable, CustomTestStringConvertible {
  enum Family: String, Sendable, CaseIterable {
    case gan, pixels, taught, distilled, multiscale, vae, attributed
  }
  enum Course: String, Sendable, CaseIterable { case atOnce, resumed, daemon }

  var family = Family.gan
  var unit = Datasets.PrivacyUnit.file
  var isHardened = false
  var asks = false
  var course = Course.atOnce

  /// Every combination.
  static let all: [CouplingCase] = Family.allCases.flatMap { family in
    Datasets.PrivacyUnit.allCases.flatMap { unit in
      [false, true].flatMap { isHardened in
        [false, true].flatMap { asks in
          courses(of: family).map {
            CouplingCase(
              family: family, unit: unit, isHardened: isHardened, asks: asks, course: $0)
          }
        }
      }
    }
  }

  /// The daemon adds nothing to what depends on the family.
  private static func courses(of family: Family) -> [Course] {
    switch family {
    case .distilled, .multiscale, .vae: [.atOnce, .resumed]
    case .attributed: [.atOnce]
    case .gan, .pixels, .taught: Course.allCases
    }
  }

  static let inTheForeground = all.filter { $0.course != .daemon }
  static let throughTheDaemon = all.filter { $0.course == .daemon }
  static let atOnceWithoutQuestions = all.filter { $0.course == .atOnce && !$0.asks }

  var testDescription: String {
    "\(family.rawValue), unit \(unit.rawValue), \(isHardened ? "discrete" : "Gaussian") noise, "
      + "\(asks ? "counts and score" : "no questions"), \(course.rawValue)"
  }

  /// Steps of a run; few, so that some unit is in no batch.
  static let steps = 12
  /// Steps of a private teacher, before those of the model that draws.
  static let teacherSteps = 12
  /// Steps of a network that doubles the size, after those of the small image.
  static let upsamplerSteps = 12
  /// Units of a set.
  static let unitCount = 48

  /// The recipe, a few hundred weights.
  var recipe: String {
    switch family {
    case .gan: RunBench.recipe(side: 8, steps: Self.steps, batchSize: 4)
    case .pixels:
      RunBench.pixelRecipe(steps: Self.steps)
        .replacingOccurrences(of: "batch_size: 16", with: "batch_size: 4")
    case .taught:
      RunBench.taughtRecipe(
        steps: Self.steps, teacherSteps: Self.teacherSteps, batchSize: 4)
    case .distilled: RunBench.distilledRecipe(batchSize: 4)
    case .multiscale:
      RunBench.multiscaleRecipe(
        steps: Self.steps, upsamplerSteps: Self.upsamplerSteps, batchSize: 4, source: "public")
    case .vae: RunBench.vaeRecipe(steps: Self.steps, batchSize: 4)
    case .attributed: RunBench.attributedRecipe(steps: Self.steps, batchSize: 4)
    }
  }

  /// The name of the recipe.
  var recipeName: String {
    switch family {
    case .gan: "tiny"
    case .pixels: "pixels"
    case .taught: "taught-pixels"
    case .distilled: "tiny-distilled"
    case .multiscale: "doubled"
    case .vae: "tiny-vae"
    case .attributed: "tiny-attributed"
    }
  }

  /// The phases of noisy steps, with their numbers of steps.
  var trainings: [(phase: String, steps: Int)] {
    (family == .taught ? [("teacher", Self.teacherSteps)] : []) + [(Phase.training, Self.steps)]
      + (family == .multiscale ? [("upsampling to 8x8", Self.upsamplerSteps)] : [])
  }

  var rules: DatasetRules {
    DatasetRules(
      classes: ["a", "b"], privacyUnit: unit, maximumPerUnit: unit == .file ? nil : 3,
      columns: family == .attributed ? Self.columns : [])
  }

  /// The declared columns of the images' table.
  static let columns = [
    ColumnDomain(name: "side", values: .categories(["left", "right"])),
    ColumnDomain(
      name: "age", values: .numbers(minimum: 0, maximum: 99, bins: 4, areIntegers: true)),
  ]

  /// Phases that read all units, before the noisy steps on samples.
  var phasesOfAllUnits: Int { family == .attributed ? 2 : 0 }
}

/// Two folders of images that differ in one unit, which keeps its place among the units.
///
/// Coin flips are assigned by counting units. Because the unit keeps its place, all others keep their coin
/// flips.
struct CoupledSets {
  let left: String
  let right: String
  /// The differing unit's place.
  let place: Int

  /// Writes both sets below `folder`.
  ///
  /// The unit at `place` differs in name, bytes, size and pixels, and, where a unit is a folder, in
  /// its number of images.
  init(below folder: String, _ coupling: CouplingCase, place: Int) throws {
    self.place = place
    left = folder + "/left/images"
    right = folder + "/right/images"
    let names = try Self.write(to: left, coupling)
    _ = try Self.write(to: right, coupling)
    try Self.replace(names[place], in: right, coupling, place: place)
    if coupling.family == .attributed {
      for root in [left, right] { try Self.writeTable(to: root) }
    }
  }

  /// Writes a row for each image of a set.
  ///
  /// The table is read with noise on all rows, so the differing unit must have the codes of the one that it replaces.
  /// Everything else about its rows differs: their number, their place, and a column that is not declared.
  private static func writeTable(to root: String) throws {
    var files = try FolderTree.files(in: root).filter { $0.hasSuffix(".png") }
    files.sort()
    let isRight = files.contains { $0.contains("Mustermann") }
    if isRight { files.reverse() }
    let rows = files.map { file in
      let isLeft = file.hasPrefix("a/")
      return "\(file),\(isRight ? " " : "")\(isLeft ? "left" : "right"),\(isLeft ? 20 : 70),\(file)"
    }
    let text = (["file_name,side,age,remark"] + rows).joined(separator: "\n") + "\n"
    try DurableFile.write(Data(text.utf8), to: root + "/metadata.csv")
  }

  /// The units of a set in their order, each by the path of its file or folder.
  private static func write(to root: String, _ coupling: CouplingCase) throws -> [String] {
    for name in ["a", "b"] { try DurableFile.makeFolder("\(root)/\(name)") }
    let isFolder = coupling.unit == .folder
    var units: [(key: [UInt8], path: String)] = []
    for number in 0..<CouplingCase.unitCount {
      let digits = String(number + 100)
      let path = "\(number % 2 == 0 ? "a" : "b")/\(isFolder ? "person" : "image")-\(digits)"
      let file = image(seed: UInt64(number), side: 8)
      if isFolder {
        try DurableFile.makeFolder("\(root)/\(path)")
        try DurableFile.write(file, to: "\(root)/\(path)/1.png")
        try DurableFile.write(
          image(seed: UInt64(number) + 1000, side: 8), to: "\(root)/\(path)/2.png")
        units.append((Array(digits.utf8), path))
      } else {
        try DurableFile.write(file, to: "\(root)/\(path).png")
        units.append((hash(of: file), path + ".png"))
      }
    }
    // Folders are ordered by their names, single images by their content.
    return units.sorted { $0.key.lexicographicallyPrecedes($1.key) }.map(\.path)
  }

  private static func replace(
    _ unit: String, in root: String, _ coupling: CouplingCase, place: Int
  ) throws {
    try FolderTree.remove("\(root)/\(unit)")
    if coupling.unit == .folder {
      let folder = "\(root)/\(unit)-Mustermann"
      try DurableFile.makeFolder(folder)
      try DurableFile.write(image(seed: 77, side: 19), to: folder + "/portrait.png")
      return
    }
    let others = try hashes(in: root)
    for seed in 0..<100_000 {
      let file = image(seed: UInt64(5000 + seed), side: 19)
      let own = hash(of: file)
      guard others.count(where: { $0.lexicographicallyPrecedes(own) }) == place else { continue }
      let name = unit.dropLast(".png".count) + "-of-Erika-Mustermann.png"
      return try DurableFile.write(file, to: "\(root)/\(name)")
    }
    throw CouplingFailure("no image keeps place \(place)")
  }

  private static func hashes(in root: String) throws -> [[UInt8]] {
    try ["a", "b"].flatMap { name in
      try DurableFile.names(in: "\(root)/\(name)").map {
        hash(of: try DurableFile.read("\(root)/\(name)/\($0)"))
      }
    }
  }

  private static func hash(of file: Data) -> [UInt8] {
    file.withUnsafeBytes { bytes in ContentHash(of: bytes).withUnsafeBytes { Array($0) } }
  }

  /// Writes images that are declared public.
  static func writePublicImages(to root: String) throws {
    try DurableFile.makeFolder("\(root)/any")
    for number in 0..<8 {
      try DurableFile.write(
        image(seed: 9000 + UInt64(number), side: 8), to: "\(root)/any/\(number).png")
    }
  }

  /// An image of noise.
  private static func image(seed: UInt64, side: Int) -> Data {
    var stream = SeededStream(seed: seed)
    let bytes = (0..<(side * side)).map { _ in UInt8(255 * stream.uniform()) }
    return Data(
      PNGEncoder().encode(
        Image(shape: ImageShape(height: side, width: side, channels: 1), bytes: bytes)))
  }
}

struct CouplingFailure: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}

/// The conditions that both runs of a pair share: secret randomness, time, and the place of a crash.
final class SharedConditions: Sendable {
  private let seed: UInt32

  init(seed: UInt32) { self.seed = seed }

  /// The conditions of one run from its beginning: every run gets the same streams.
  ///
  /// - Parameter disk: the disk of the ledger.
  func make(disk: any LedgerFileDisk = SystemLedgerFileDisk()) -> RunConditions {
    let streams = Counter()
    let secrets = Counter()
    var conditions = RunConditions()
    conditions.makeNoise = { [seed] in TestNoise.stream(seed &+ 7919 &* UInt32(streams.next())) }
    conditions.drawSecret = { [seed] in "secret \(seed) \(secrets.next())" }
    conditions.now = { Date(timeIntervalSince1970: 1_700_000_000) }
    conditions.ledgerDisk = disk
    return conditions
  }
}

/// Counts calls.
final class Counter: Sendable {
  private let value = Mutex(0)

  func next() -> Int {
    value.withLock { value in
      value += 1
      return value
    }
  }
}
