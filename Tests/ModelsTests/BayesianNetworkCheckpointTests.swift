import Compute
import TestSupport
import Testing

@testable import Models

/// Checkpoints of networks that a stranger may have written.
@Suite struct BayesianNetworkCheckpointTests {
  private static let limits = NetworkLearner.Limits(tableColumns: 2, degree: 2, cells: 300)

  private func learner() throws -> NetworkLearner {
    let golden = try GoldenNetwork("chain")
    let answers = PlainAnswers(try golden.joint(), deviation: 3)
    var learner = NetworkLearner(
      codeCounts: try golden.codeCounts(), limits: Self.limits, root: 0)
    learner.start(with: answers.oneWay(), deviation: 3)
    for _ in 0..<5 { _ = try learner.round(asking: answers) }
    return learner
  }

  private func checkpoint() throws -> Checkpoint {
    let learner = try learner()
    var checkpoint = Checkpoint()
    checkpoint.save(learner)
    checkpoint.save(learner.network())
    return checkpoint
  }

  @Test func whatIsSavedIsRestored() throws {
    let learner = try learner()
    let checkpoint = try checkpoint()
    let empty = NetworkLearner(codeCounts: learner.codeCounts, limits: Self.limits, root: 0)
    #expect(try checkpoint.learner(like: empty) == learner)
    #expect(try checkpoint.network(like: empty) == learner.network())
    var untrained = Checkpoint()
    untrained.save(empty)
    #expect(try untrained.learner(like: learner) == empty)
  }

  @Test(arguments: [
    ("network.tables", "5"), ("network.tables", "-1"), ("network.tables", "99999999"),
    ("network.tables", "x"), ("network.total", "0"), ("network.total", "nan"),
    ("network.total", "inf"), ("network.step_size", "0"), ("network.step_size", "nan"),
    ("network.variance.0", "0"), ("network.variance.3", "-1"), ("network.variance.6", "nan"),
    ("network.columns.0", "1"), ("network.columns.2", "2,3"), ("network.columns.6", "0"),
    ("network.columns.6", "3,0"), ("network.columns.6", "0,0"), ("network.columns.6", "0,99"),
    ("network.columns.6", "-1,0"), ("network.columns.6", "0,1,2"), ("network.columns.6", "0,,x"),
    ("network.columns.6", ""),
  ])
  func answersThatNoTrainingGivesAreRefused(_ key: String, _ value: String) throws {
    let learner = try learner()
    var checkpoint = try checkpoint()
    #expect(checkpoint.metadata[key] != nil && checkpoint.metadata[key] != value)
    checkpoint.metadata[key] = value
    #expect(throws: Checkpoint.Failure.self) { try checkpoint.learner(like: learner) }
    checkpoint.metadata[key] = nil
    guard key != "network.step_size" else { return }
    #expect(throws: Checkpoint.Failure.self) { try checkpoint.learner(like: learner) }
  }

  @Test(arguments: ["network.measured.0", "network.potentials.7", "network.measured.8"])
  func tablesOfAnotherSizeOrWithoutNumbersAreRefused(_ name: String) throws {
    let learner = try learner()
    let whole = try checkpoint()
    let array = try #require(whole.tensors[name])
    for changed in [
      nil, Checkpoint.Array(shape: [array.values.count + 1], values: array.values + [0]),
      Checkpoint.Array(shape: array.shape, values: array.values.dropLast() + [.nan]),
      Checkpoint.Array(shape: array.shape, values: array.values.dropLast() + [.infinity]),
    ] {
      var checkpoint = whole
      checkpoint.tensors[name] = changed
      #expect(throws: Checkpoint.Failure.self) { try checkpoint.learner(like: learner) }
    }
  }

  @Test func aNetworkBeyondTheLimitsIsRefusedBeforeItsTreeIsBuilt() throws {
    let golden = try GoldenNetwork("chain")
    let codes = try golden.codeCounts()
    let answers = PlainAnswers(try golden.joint(), deviation: 3)
    var limits = Self.limits
    limits.degree = 5
    var dense = NetworkLearner(codeCounts: codes, limits: limits, root: 0)
    dense.start(with: answers.oneWay(), deviation: 3)
    for _ in 0..<30 { _ = try dense.round(asking: answers) }
    var checkpoint = Checkpoint()
    checkpoint.save(dense)
    #expect(try checkpoint.learner(like: dense) == dense)
    let strict = NetworkLearner(codeCounts: codes, limits: Self.limits, root: 0)
    #expect(throws: Checkpoint.Failure.self) { try checkpoint.learner(like: strict) }
  }

  @Test func aGeneratorThatIsNoNetworkIsRefused() throws {
    let learner = try learner()
    let whole = try checkpoint()
    let nodes = learner.network().nodes
    let child = try #require(nodes.last { !$0.parents.isEmpty })
    let order = nodes.map { String($0.column) }
    // Children before their parents; a cycle; a column twice; one that does not exist; another root.
    let hostile = [
      ("network.order", order.reversed().joined(separator: ",")),
      ("network.order", order.dropLast().joined(separator: ",") + ",0"),
      ("network.order", order.dropLast().joined(separator: ",")),
      ("network.order", "0,1,2,3,4,77"), ("network.order", ""),
      ("network.parents.0", "\(child.column)"),
      ("network.parents.\(child.column)", "\(child.column)"),
      ("network.parents.\(child.column)", "-1"), ("network.parents.\(child.column)", "99"),
      ("network.parents.\(child.column)", "0,0"), ("network.parents.\(child.column)", "x"),
      ("network.parents.\(child.column)", "0,1,2,3"),
    ]
    for (key, value) in hostile {
      var checkpoint = whole
      checkpoint.metadata[key] = value
      #expect(throws: Checkpoint.Failure.self, "\(key) = \(value)") {
        try checkpoint.network(like: learner)
      }
    }
    let name = "network.probabilities.\(child.column)"
    let array = try #require(whole.tensors[name])
    for last: Float in [.nan, .infinity, -1, 3] {
      var checkpoint = whole
      checkpoint.tensors[name] = Checkpoint.Array(
        shape: array.shape, values: array.values.dropLast() + [last])
      #expect(throws: Checkpoint.Failure.self) { try checkpoint.network(like: learner) }
    }
    var checkpoint = whole
    checkpoint.tensors[name] = Checkpoint.Array(shape: [1], values: [1])
    #expect(throws: Checkpoint.Failure.self) { try checkpoint.network(like: learner) }
  }
}
