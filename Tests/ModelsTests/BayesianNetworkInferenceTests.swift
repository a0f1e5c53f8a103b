import Compute
import Glibc
import TestSupport
import Testing

@testable import Models

/// Trees, fits and drawing against the enumeration of every row by an independent script.
@Suite struct BayesianNetworkInferenceTests {
  private func tree(_ golden: GoldenNetwork) throws -> JunctionTree {
    let codes = try golden.codeCounts()
    var tables: [(columns: [Int], potential: [Double])] = []
    while let columns = try? golden.whole("columns\(tables.count)") {
      tables.append((columns, try golden.numbers("potential\(tables.count)")))
    }
    let tree = JunctionTree(of: tables.map(\.columns), codeCounts: codes)
    var energies = tree.cliques.map { [Double](repeating: 0, count: $0.cellCount) }
    for table in tables {
      let home = try #require(tree.home(of: table.columns))
      let clique = tree.cliques[home]
      let places = CodeTable.cells(
        of: table.columns, in: clique.columns, extents: clique.extents)
      for cell in places.indices { energies[home][cell] += table.potential[Int(places[cell])] }
    }
    #expect(tree.calibrate(energies, total: 1000))
    return tree
  }

  @Test(arguments: ["loop", "apart", "chain", "triples"])
  func marginalsOfUpToThreeColumnsAreThoseOfAllRows(_ name: String) throws {
    let golden = try GoldenNetwork(name)
    let tree = try tree(golden)
    let count = try golden.codeCounts().count
    var compared = 0
    for set in 1..<(1 << count) {
      let columns = (0..<count).filter { set >> $0 & 1 == 1 }
      guard columns.count <= 3 else { continue }
      let expected = try golden.numbers("marginal\(columns.map(String.init).joined())")
      let found = tree.marginal(of: columns)
      #expect(found.columns == columns && found.values.count == expected.count)
      for (left, right) in zip(found.values, expected) {
        #expect(isClose(left, to: right, relative: 1e-9, absolute: 1e-9), "\(columns)")
      }
      compared += 1
    }
    #expect(compared >= 25)
  }

  @Test(arguments: ["loop", "apart", "chain", "triples"])
  func theNetworkOfATreeHasTheSameDistribution(_ name: String) throws {
    let golden = try GoldenNetwork(name)
    let codes = try golden.codeCounts()
    let network = CodeNetwork(of: try tree(golden), codeCounts: codes)
    let joint = try golden.joint()
    #expect(CodeTable(network).distance(from: joint) < 1e-6)
    // It is a network by the checks that strangers' files must pass.
    #expect(try CodeNetwork(network.nodes, codeCounts: codes) == network)
  }

  @Test func theProbabilityOfARowIsTheProductAlongTheNetwork() throws {
    let joint = try GoldenNetwork("network").joint()
    let found = CodeTable(try GoldenNetwork.network())
    for (left, right) in zip(found.values, joint.values) {
      #expect(isClose(left, to: right, relative: 1e-6))
    }
  }

  /// What one node finds impossible but for one in e^5000 can be what the other one insists on: the joint energies are
  /// enumerated and the largest is subtracted.
  @Test(arguments: [1, 700, 5000, 1e9])
  func energiesOfAnySizeGiveTheMarginalsOfAllRows(_ size: Double) throws {
    let tree = JunctionTree(of: [[0, 1], [1, 2], [2, 3]], codeCounts: [2, 3, 2, 3])
    let tables: [[Int]: [Double]] = [
      [0, 1]: [1, 0, -0.5, 0.9, 0, -1], [1, 2]: [-1, 0.1, 1, 0.2, 0.9, -0.3],
      [2, 3]: [0, -1, 0.7, 0.2, -1, -0.8],
    ]
    let energies = tree.cliques.map { (tables[$0.columns] ?? []).map { $0 * size } }
    #expect(energies.count == 3 && tree.calibrate(energies, total: 40))
    var joint = CodeTable(
      [0, 1, 2, 3], extents: [2, 3, 2, 3], values: [Double](repeating: 0, count: 36))
    for (columns, table) in tables {
      let places = CodeTable.cells(of: columns, in: joint.columns, extents: joint.extents)
      for cell in places.indices { joint.values[cell] += table[Int(places[cell])] * size }
    }
    let largest = try #require(joint.values.max())
    joint.values = joint.values.map { exp($0 - largest) }
    for columns in [[0], [3], [0, 1], [1, 2], [2, 3], [0, 3], [0, 2, 3]] {
      let expected = joint.marginal(over: columns).values.map { $0 * 40 / joint.sum }
      for (left, right) in zip(tree.marginal(of: columns).values, expected) {
        #expect(isClose(left, to: right, relative: 1e-6, absolute: 1e-6), "\(columns)")
      }
    }
  }

  @Test(arguments: [Double.nan, .infinity, -.infinity, 1e31])
  func energiesThatAreNoNumbersToComputeWithAreSaidToBe(_ energy: Double) {
    let tree = JunctionTree(of: [[0, 1], [1, 2]], codeCounts: [2, 2, 2])
    #expect(!tree.calibrate([[0, 0, energy, 0], [0, 0, 0, 0]], total: 1))
    #expect(!tree.calibrate([[0, 0, 0, 0], [0, 0, 0, energy]], total: 1))
    #expect(tree.calibrate([[0, 0, 0, 0], [0, 0, 0, 0]], total: 1))
  }

  @Test func aFitToContradictingTablesIsTheBestAmongAllDistributions() throws {
    let golden = try GoldenNetwork("fit")
    let measured = try (0..<8).map { index in
      MeasuredTable(
        columns: try golden.whole("columns\(index)"),
        values: try golden.numbers("measured\(index)").map(Float.init),
        variance: try golden.numbers("variance\(index)")[0])
    }
    var fit = TableFit(
      measured, total: try golden.numbers("total")[0], codeCounts: try golden.codeCounts(),
      root: nil, potentials: measured.map { $0.values.map { _ in 0 } }, stepSize: nil)
    fit.descend(steps: 2000)
    for (index, table) in measured.enumerated() {
      let found = fit.tree.marginal(of: table.columns).values
      let expected = try golden.numbers("fitted\(index)")
      for (left, right) in zip(found, expected) {
        #expect(abs(left - right) < 0.2, "table \(index): \(left), expected \(right)")
      }
    }
  }

  /// For independent rows, Pearson's statistic of 143 degrees of freedom has mean 143 and standard deviation 17;
  /// sharing out makes it smaller.
  @Test func rowsAreDrawnWithTheirProbabilities() throws {
    let network = try GoldenNetwork.network()
    let expected = try GoldenNetwork("network").joint()
    let count = 100_000
    let rows = network.rows(count, seed: 11)
    let split = stride(from: 0, to: rows.count, by: 5).map { Array(rows[$0..<($0 + 5)]) }
    let found = CodeTable(counting: split, codeCounts: network.codeCounts)
    let statistic = zip(found.values, expected.values).reduce(0) { sum, pair in
      let mean = pair.1 * Double(count)
      return sum + (pair.0 - mean) * (pair.0 - mean) / mean
    }
    #expect(statistic < 143 + 5 * 17, "\(statistic)")
  }

  @Test func rowsOfAClassFollowTheDistributionGivenTheClass() throws {
    let golden = try GoldenNetwork("triples")
    let codes = try golden.codeCounts()
    let learner = try learner(of: golden, root: 0)
    let network = learner.network()
    #expect(network.nodes.first?.column == 0)
    let labels = (0..<40_000).map { $0 % 4 == 0 ? 0 : 1 }
    let rows = network.rows(labels.count, seed: 5, first: labels)
    let split = stride(from: 0, to: rows.count, by: 5).map { Array(rows[$0..<($0 + 5)]) }
    #expect(split.map { Int($0[0]) } == labels)
    let given = CodeTable(network)
    for label in 0..<2 {
      let own = split.filter { $0[0] == UInt8(label) }
      let found = CodeTable(counting: own, codeCounts: codes).marginal(over: [1, 2, 3, 4])
      let half = given.values.count / 2
      let expected = CodeTable(
        [1, 2, 3, 4], extents: Array(codes.dropFirst()),
        values: Array(given.values[(label * half)..<((label + 1) * half)]))
      #expect(found.distance(from: expected) < 0.02, "class \(label)")
    }
  }

  private func learner(of golden: GoldenNetwork, root: Int?) throws -> NetworkLearner {
    let answers = PlainAnswers(try golden.joint())
    var learner = NetworkLearner(
      codeCounts: try golden.codeCounts(),
      limits: .init(tableColumns: 2, degree: 6, cells: 10_000), root: root)
    learner.start(with: answers.oneWay(), deviation: 0)
    for _ in 0..<4 { _ = try learner.round(asking: answers) }
    return learner
  }

  @Test func rowsDependOnTheSeedAlone() throws {
    let network = try GoldenNetwork.network()
    #expect(network.rows(40, seed: 3) == network.rows(40, seed: 3))
    #expect(network.rows(40, seed: 3) != network.rows(40, seed: 4))
    #expect(network.rows(0, seed: 3).isEmpty)
  }

  /// Codes are shared out in proportion: of 1000 rows, a code of the root differs from its share by less than one.
  @Test func codesOfRowsWithTheSameParentsAreSharedOut() throws {
    let network = try GoldenNetwork.network()
    let rows = network.rows(1000, seed: 8)
    let root = try #require(network.nodes.first)
    var given = [Int: [Int]]()
    for row in 0..<1000 {
      given[Int(rows[row * 5 + root.column]), default: []].append(Int(rows[row * 5]))
    }
    let child = network.nodes[1]
    #expect(child.column == 0 && child.parents == [root.column])
    for (code, children) in given {
      #expect(abs(Double(children.count) - 1000 * Double(root.probabilities[code])) < 1)
      for own in 0..<3 {
        let expected = Double(child.probabilities[code * 3 + own]) * Double(children.count)
        #expect(abs(Double(children.count { $0 == own }) - expected) < 1.001)
      }
    }
  }

  /// One row at a time has nothing to share out, so chance alone decides: Pearson's statistic has two degrees of freedom.
  @Test func aSingleRowFollowsTheNetworkToo() throws {
    let network = try GoldenNetwork.network()
    let root = try #require(network.nodes.first)
    let draws = 4000
    var counts = [Double](repeating: 0, count: 2)
    for seed in 0..<draws { counts[Int(network.rows(1, seed: UInt64(seed))[root.column])] += 1 }
    let mean = Double(root.probabilities[0]) * Double(draws)
    let spread = (mean * Double(root.probabilities[1])).squareRoot()
    #expect(abs(counts[0] - mean) < 4 * spread, "\(counts[0]) of \(mean)")
  }

  @Test func nodesThatAreNoNetworkAreRefused() throws {
    let codes = [2, 2]
    func node(_ column: Int, _ parents: [Int], _ numbers: [Float]) -> CodeNetwork.Node {
      CodeNetwork.Node(column: column, parents: parents, probabilities: numbers)
    }
    let root = node(0, [], [0.5, 0.5])
    let child = node(1, [0], [0.1, 0.9, 1, 0])
    #expect(throws: Never.self) { try CodeNetwork([root, child], codeCounts: codes) }
    let refused: [[CodeNetwork.Node]] = [
      [root], [root, root], [child, root],
      [node(0, [1], [0.5, 0.5, 0.5, 0.5]), node(1, [0], [0.5, 0.5, 0.5, 0.5])],
      [root, node(1, [1], [0.5, 0.5, 0.5, 0.5])], [root, node(2, [], [0.5, 0.5])],
      [root, node(1, [0], [0.5, 0.5])],
      [root, node(1, [0, 0], [Float](repeating: 0.5, count: 8))],
      [root, node(1, [], [.nan, 1])], [root, node(1, [], [-0.5, 1.5])],
      [root, node(1, [], [0.5, 0.4])], [root, node(1, [], [.infinity, 0])],
    ]
    for nodes in refused {
      #expect(throws: CodeNetwork.Flaw.self, "\(nodes)") {
        try CodeNetwork(nodes, codeCounts: codes)
      }
    }
  }
}
