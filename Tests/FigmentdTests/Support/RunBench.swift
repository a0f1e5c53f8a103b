import Compute
import Control
import Datasets
import FoundationEssentials
import Models
import Privacy
import Synchronization
import TestSupport
import Testing

@testable import Runs
@testable import figmentd

extension [Phase] {
  /// The plan of the first phase with noisy steps.
  var firstPlan: TrainingPlan? { lazy.compactMap(\.plan).first }
}

extension TrainingRun.Ending {
  /// Whether the set is complete.
  var isFinished: Bool {
    if case .finished = self { true } else { false }
  }
}

/// The keys of a JSON object, sorted.
struct ObjectKeys: Decodable {
  let sorted: [String]

  private struct Key: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }
    init?(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }

  init(from decoder: any Decoder) throws {
    sorted = try decoder.container(keyedBy: Key.self).allKeys.map(\.stringValue).sorted()
  }
}

/// A folder of drawn images, a recipe of a few hundred weights, and the places of one run.
struct RunBench {
  let scratch: ScratchFolder
  var order: RunOrder
  var places: RunPlaces

  /// Draws `drawn` images; the run trains on them at `side` pixels and draws `count` synthetic ones.
  init(
    named name: String = "run", epsilon: Double? = 4, maximum: Double = 100, side: Int = 8,
    steps: Int = 40, drawn: Int = 64, count: Int = 12, hardened: Bool = false,
    answers: [String: Double] = [:], rules: DatasetRules = DatasetRules(),
    recipe: String? = nil
  ) throws {
    scratch = ScratchFolder()
    let images = scratch.path + "/images"
    try GlyphGenerator(seed: 3).write(count: drawn, to: images)
    let recipe = try RecipeLibrary.read(
      scratch.write("tiny.yaml", recipe ?? Self.recipe(side: side, steps: steps)))
    order = RunOrder(
      name: name, dataset: "glyphs", root: images, rules: rules, recipe: recipe,
      loss: epsilon.map { .epsilon($0) } ?? .unlimited,
      permission: epsilon == nil ? .test : nil, delta: 1e-5,
      budget: try PrivacyBudget(epsilon: maximum, delta: 1e-5),
      steps: nil, isHardened: hardened, answers: answers, count: count, seed: 5)
    places = RunPlaces(
      internalFiles: scratch.path + "/internal", checkpoints: scratch.path + "/checkpoints",
      release: scratch.path + "/release/run", unprotected: scratch.path + "/unprotected/run",
      ledgers: scratch.path + "/ledgers", ledgerMarks: scratch.path + "/marks")
  }

  /// Another run on the root of `bench`, with another order.
  private init(after bench: RunBench, named name: String, order: RunOrder) {
    self.order = order
    scratch = bench.scratch
    places = RunPlaces(
      internalFiles: scratch.path + "/internal-" + name,
      checkpoints: scratch.path + "/checkpoints-" + name,
      release: scratch.path + "/release/" + name,
      unprotected: scratch.path + "/unprotected/" + name,
      ledgers: bench.places.ledgers, ledgerMarks: bench.places.ledgerMarks)
  }

  /// The same run on the same root, with another name and another limit.
  func next(
    named name: String, loss: LossLimit? = nil, classes: [String]? = nil, population: Int? = nil,
    rules: DatasetRules? = nil
  ) -> RunBench {
    RunBench(
      after: self, named: name,
      order: RunOrder(
        name: name, dataset: order.dataset, root: order.root,
        rules: rules ?? DatasetRules(classes: classes),
        recipe: order.recipe, population: population, loss: loss ?? order.loss, delta: order.delta,
        budget: order.budget, steps: order.steps, count: order.count, seed: order.seed))
  }

  /// The phases of the order over `units` units, on an unused root.
  func phases(units: Int = 64, classes: [String] = ["a", "b"]) throws -> [Phase] {
    try PricedPhases(order, classes: classes, units: units, after: LedgerHistory()).phases
  }

  /// A recipe named tiny.
  static func recipe(side: Int, steps: Int, batchSize: Int = 16) -> String {
    """
    name: tiny
    summary: For tests.
    family: dp-gan
    image: {height: \(side), width: \(side), channels: 1}
    training: {batch_size: \(batchSize), steps: \(steps), clip_norm: 1}
    model:
      width: 2
      generator_width: 2
      latent_size: 4
      discriminator_learning_rate: 0.001
      generator_learning_rate: 0.001
      beta1: 0.5
      beta2: 0.999
      generator_batch_size: 8
      schedule: {start: 2, grace: 10, limit: 5}
      average_decay: 0.9
    """
  }

  /// A recipe of a pixel model named pixels, for images of 8×8 pixels.
  static func pixelRecipe(steps: Int, warmUpSteps: Int = 1) -> String {
    """
    name: pixels
    summary: For tests.
    family: pixel
    image: {height: 8, width: 8, channels: 1}
    training: {batch_size: 16, steps: \(steps), clip_norm: 1}
    model:
      channels: 8
      depth: 1
      first_kernel: 3
      bits: 2
      output: softmax
      class_regions: 2
      label_dropout: 0
      guidance: 1
      learning_rate: 0.01
      warm_up_steps: \(warmUpSteps)
      final_rate: 1
      beta1: 0.9
      beta2: 0.99
      average_decay: 0.9
    """
  }

  /// Trains and publishes.
  func run(
    threads: Int = 1, stop: StopSignal = StopSignal(),
    under conditions: RunConditions = RunConditions(),
    report: @escaping @Sendable (JobReport) -> Void = { _ in }
  ) throws -> TrainingRun.Ending {
    try TrainingRun(
      order, at: places, on: Machine(threadCount: threads), stop: stop, under: conditions,
      makeDecoder: { ImageCodec() }, report: report
    ).run()
  }

  /// Trains and publishes; returns the tensors of the first checkpoint, which precedes every step.
  func runForFirstCheckpoint() throws -> [String: Checkpoint.Array] {
    let first = Mutex<Data?>(nil)
    var conditions = RunConditions()
    conditions.writeCheckpoint = { data, path in
      first.withLock { $0 = $0 ?? data }
      try DurableFile.write(data, to: path)
    }
    #expect(try run(under: conditions).isFinished)
    return try Safetensors.decode(try #require(first.withLock { $0 })).tensors
  }

  /// The accesses that were charged to the root's ledger, by the names of their phases.
  func charges() throws -> [String: Int] {
    Dictionary(
      try history().charges.map { ($0.entry.purpose, $0.used ?? $0.entry.times) },
      uniquingKeysWith: +)
  }

  /// The fold of the root's ledger.
  func history() throws -> LedgerHistory {
    try LedgerFile.history(
      at: RootLedger.location(
        RootLedger.identity(of: order.root), ledgers: places.ledgers, marks: places.ledgerMarks))
  }

  /// The text of a file.
  func text(_ path: String) throws -> String {
    String(decoding: try DurableFile.read(path), as: UTF8.self)
  }
}
