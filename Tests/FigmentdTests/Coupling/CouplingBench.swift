import Compute
import Control
import Datasets
import Foundation
import Glibc
import Learning
import Privacy
import Synchronization
import TestSupport
import Testing

@testable import Models
@testable import Runs
@testable import figmentd

/// Trains twice under the same conditions, on two sets that differ in one unit.
struct CouplingBench {
  /// What runs that ask ask for.
  static let questions: [String: Double] = ["class-counts": 1, "class-means": 1, "accuracy": 1]
  /// Those that are asked before training.
  private static let earlyQuestions = 2

  let scratch = ScratchFolder()
  let coupling: CouplingCase
  let conditions: SharedConditions
  let sets: CoupledSets

  /// The step whose settlement a crash prevents, in courses with a crash.
  private static let crashStep = 5

  /// Finds a unit that no step draws, or one that the first step draws, and writes both sets.
  init(_ coupling: CouplingCase, isDrawn: Bool = false, seed: UInt32 = 1) throws {
    self.coupling = coupling
    conditions = SharedConditions(seed: seed)
    // Only coin flips and numbers decide which units are drawn, so any set of this size shows it.
    let trial = try CoupledSets(below: scratch.path + "/trial", coupling, place: 0)
    let drawn = try Self.drawnUnits(
      order: Self.order(coupling, root: trial.left, in: scratch),
      streams: Self.trainingStreams(coupling, conditions), folder: scratch.path + "/trial")
    let place = try #require(
      (3..<CouplingCase.unitCount).first { drawn.contains($0) == isDrawn },
      "a unit that is \(isDrawn ? "drawn" : "drawn never")")
    sets = try CoupledSets(below: scratch.path, coupling, place: place)
  }

  /// A run's order on one of the sets.
  static func order(
    _ coupling: CouplingCase, root: String, in scratch: ScratchFolder
  ) throws -> RunOrder {
    var order = RunOrder(
      name: "patients-1", dataset: "patients", root: root, rules: coupling.rules,
      recipe: try RecipeLibrary.read(scratch.write("tiny.yaml", coupling.recipe)),
      population: CouplingCase.unitCount, loss: .epsilon(8), delta: 1e-5,
      budget: try PrivacyBudget(epsilon: 100, delta: 1e-5), steps: nil,
      isHardened: coupling.isHardened,
      answers: coupling.asks ? Self.questions : [:], count: 12, seed: 5)
    if order.recipe.model.usesPublicImages {
      let folder = scratch.path + "/public"
      try CoupledSets.writePublicImages(to: folder)
      order.publicImages = folder
    }
    return order
  }

  static func places(in folder: String) -> RunPlaces {
    RunPlaces(
      internalFiles: folder + "/internal", checkpoints: folder + "/checkpoints",
      release: folder + "/out/release/patients-1", unprotected: folder + "/out/internal/patients-1",
      ledgers: folder + "/ledgers", ledgerMarks: folder + "/marks")
  }

  /// Trains on both sets and returns the content of the releases.
  func releases() throws -> (left: ReleaseListing, right: ReleaseListing) {
    let sides = try [sets.left, sets.right].map { root in
      let folder = String(root.dropLast("/images".count))
      let stage = try raise(root)
      defer { lower(root) }
      try run(stage, places: Self.places(in: folder))
      return try ReleaseListing(of: folder + "/out/release")
    }
    return (sides[0], sides[1])
  }

  private var stage: String { scratch.path + "/stage" }

  /// Moves a set to the place at which both are trained on: the ledger identifies a set by its place, which
  /// is public and the same for both.
  func raise(_ root: String) throws -> String {
    try systemCall("rename", root) { rename(root, stage) }
    return stage
  }

  /// Moves a set back.
  func lower(_ root: String) { rename(stage, root) }

  private func run(_ root: String, places: RunPlaces) throws {
    let order = try Self.order(coupling, root: root, in: scratch)
    var shared = conditions.make()
    let attempt = { (conditions: RunConditions) in
      try TrainingRun(
        order, at: places, on: Machine(threadCount: 1), stop: StopSignal(), under: conditions,
        makeDecoder: { ImageCodec() }, report: { _ in }
      ).run()
    }
    if coupling.course == .resumed {
      // As a kill would: the step is made, and neither its settlement nor a checkpoint is written.
      let lines = 2 + (coupling.asks ? 2 * Self.earlyQuestions : 0) + 2 * (Self.crashStep - 1) + 1
      let real = shared.ledgerDisk
      shared.ledgerDisk = FaultyLedgerDisk(.write, number: 2 * lines + 1, code: EIO)
      #expect(throws: ControlError.self) { try attempt(shared) }
      shared.ledgerDisk = real
      let left = try LedgerFile.history(
        at: RootLedger.location(
          RootLedger.identity(of: root), ledgers: places.ledgers, marks: places.ledgerMarks))
      #expect(left.openReservationCount == 1, "the crash came in the middle of a step")
    }
    #expect(try attempt(shared).isFinished)
  }

  /// The streams that determine the samples of each attempt at a phase, with the number of its steps.
  private static func trainingStreams(
    _ coupling: CouplingCase, _ conditions: SharedConditions
  ) -> [(stream: NoiseStream, phase: String, steps: Int)] {
    let make = conditions.make().makeNoise
    // Counts and means are asked for first.
    for _ in 0..<((coupling.asks ? earlyQuestions : 0) + coupling.phasesOfAllUnits) { _ = make() }
    return coupling.trainings.enumerated().flatMap { number, training in
      guard coupling.course == .resumed, number == 0 else {
        return [(make(), training.phase, training.steps)]
      }
      // The step of the crash is lost, and the checkpoint is of the step before.
      return [
        (make(), training.phase, crashStep), (make(), training.phase, training.steps - crashStep),
      ]
    }
  }

  /// The units that some batch of these streams contains.
  private static func drawnUnits(
    order: RunOrder, streams: [(stream: NoiseStream, phase: String, steps: Int)], folder: String
  ) throws -> Set<Int> {
    let snapshot = try SnapshotBuilder(
      root: order.root, rules: order.rules, transform: order.transform, threadCount: 1
    ).build(in: folder + "/pack").snapshot
    let phases = try PricedPhases(
      order, classes: snapshot.classes, units: snapshot.unitCount, after: LedgerHistory()
    ).phases
    let images = RecordedImages(snapshot)
    for (stream, phase, steps) in streams {
      let plan = try #require(phases.first { $0.name == phase }?.plan)
      let model = try order.recipe.makeModel(
        classes: snapshot.classes, seed: 1, on: Machine(threadCount: 1))
      let trainer = Trainer(
        model, plan: plan, images: images,
        ledger: try MemoryLedger(budget: PrivacyBudget(epsilon: 1e6, delta: 1e-5)),
        phase: phase, noise: stream)
      _ = try trainer.run(
        blockSize: { 1 }, shouldStop: { trainer.step >= steps }, report: { _ in }, blockEnded: {})
    }
    return images.drawn
  }
}

/// Draws like the shipped images, and records the units.
private final class RecordedImages: Trainer.Images {
  private let sampler: BatchSampler
  private(set) var drawn: Set<Int> = []

  init(_ snapshot: DatasetSnapshot) { sampler = BatchSampler(snapshot) }

  func drawBatch(probability: Double, from noise: NoiseStream) -> PrivateExamples {
    var source = noise
    let batch = sampler.draw(probability: probability, using: &source)
    drawn.formUnion(batch.images.map { sampler.snapshot.unit(of: Int($0)) })
    return PrivateExamples(BatchExamples(batch: batch))
  }
}

/// Everything that a reader of a folder can see: names, their order on disk, kinds, rights, times, lengths
/// and bytes.
struct ReleaseListing: Equatable {
  struct Entry: Equatable {
    let mode: UInt32
    let seconds: Int
    let nanoseconds: Int
    let bytes: Data?
  }

  /// The entries, by path.
  private(set) var entries: [String: Entry] = [:]
  /// The paths as the file system lists them.
  private(set) var order: [String] = []

  init(of folder: String) throws { try add(folder, as: "") }

  private mutating func add(_ path: String, as name: String) throws {
    var information = stat()
    try systemCall("lstat", path) { lstat(path, &information) }
    let isFolder = information.st_mode & S_IFMT == S_IFDIR
    // The folder of all releases belongs to the administrator.
    if !name.isEmpty {
      order.append(name)
      entries[name] = Entry(
        mode: information.st_mode, seconds: information.st_mtim.tv_sec,
        nanoseconds: information.st_mtim.tv_nsec, bytes: isFolder ? nil : try DurableFile.read(path)
      )
    }
    guard isFolder else { return }
    for child in try FileManager.default.contentsOfDirectory(atPath: path) {
      try add("\(path)/\(child)", as: name.isEmpty ? child : "\(name)/\(child)")
    }
  }

  /// The paths at which two listings differ.
  func differences(from other: ReleaseListing) -> [String] {
    Set(entries.keys).union(other.entries.keys).filter { entries[$0] != other.entries[$0] }.sorted()
  }

  /// The text of a file of the only release.
  func text(_ name: String) -> String {
    String(decoding: entries["patients-1/\(name)"]?.bytes ?? Data(), as: UTF8.self)
  }
}
