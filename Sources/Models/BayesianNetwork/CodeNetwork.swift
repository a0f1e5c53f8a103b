import Compute
import Glibc

/// A Bayesian network over columns of codes: the distribution of each column given its parents.
///
/// Its columns are in topological order, so a row is drawn column by column, each after its parents.
struct CodeNetwork: Equatable {
  /// One column.
  struct Node: Equatable {
    /// The column.
    let column: Int
    /// The columns it depends on, in ascending order; all of them come before it.
    let parents: [Int]
    /// The probability of each code given those of the parents; the code varies fastest, the last parent next.
    let probabilities: [Float]
  }

  /// Why nodes are not a network.
  struct Flaw: Error, CustomStringConvertible {
    let description: String
  }

  /// The number of codes of each column.
  let codeCounts: [Int]
  /// The columns in topological order.
  let nodes: [Node]

  /// A network of these nodes.
  ///
  /// - Throws: `Flaw`, also for a column that comes before one of its parents.
  init(_ nodes: [Node], codeCounts: [Int]) throws(Flaw) {
    try Self.check(nodes, codeCounts)
    self.nodes = nodes
    self.codeCounts = codeCounts
  }

  /// The network in which all columns are independent and all codes of a column equally likely.
  init(uniformOver codeCounts: [Int]) {
    self.codeCounts = codeCounts
    nodes = codeCounts.indices.map { column in
      Node(
        column: column, parents: [],
        probabilities: [Float](
          repeating: 1 / Float(codeCounts[column]), count: codeCounts[column]))
    }
  }

  /// The network of a fitted tree: its elimination order, read backwards.
  init(of tree: JunctionTree, codeCounts: [Int]) {
    self.codeCounts = codeCounts
    nodes = tree.order.steps.reversed().map { step in
      let family = tree.marginal(of: (step.neighbours + [step.column]).sorted())
      return Node(
        column: step.column, parents: step.neighbours,
        probabilities: Self.conditional(family, of: step.column, given: step.neighbours))
    }
  }

  /// The probabilities of a column's codes given its parents; uniform where the parents' codes never occur.
  private static func conditional(
    _ family: CodeTable, of column: Int, given parents: [Int]
  ) -> [Float] {
    let parentCells = CodeTable.cells(of: parents, in: family.columns, extents: family.extents)
    let own = CodeTable.cells(of: [column], in: family.columns, extents: family.extents)
    let sums = family.marginal(over: parents).values
    let codes = family.values.count / sums.count
    var result = [Float](repeating: 0, count: family.values.count)
    for cell in family.values.indices {
      let sum = sums[Int(parentCells[cell])]
      result[Int(parentCells[cell]) * codes + Int(own[cell])] = Float(
        sum > 0 ? family.values[cell] / sum : 1 / Double(codes))
    }
    return result
  }

  private static func check(_ nodes: [Node], _ codeCounts: [Int]) throws(Flaw) {
    guard nodes.count == codeCounts.count else {
      throw Flaw(description: "\(nodes.count) nodes (\(codeCounts.count) expected)")
    }
    var seen: Set<Int> = []
    for node in nodes {
      let name = "node of column \(node.column)"
      guard codeCounts.indices.contains(node.column), !seen.contains(node.column) else {
        throw Flaw(
          description: "\(name): each column from 0 to \(codeCounts.count - 1) once expected")
      }
      guard node.parents.allSatisfy(seen.contains), node.parents == Set(node.parents).sorted()
      else {
        throw Flaw(
          description: "\(name): parents \(node.parents) (columns before it expected, ascending)")
      }
      let codes = codeCounts[node.column]
      let cells = node.parents.reduce(Double(codes)) { $0 * Double(codeCounts[$1]) }
      guard Double(node.probabilities.count) == cells else {
        throw Flaw(
          description: "\(name): \(node.probabilities.count) probabilities (\(cells) expected)")
      }
      for first in stride(from: 0, to: node.probabilities.count, by: codes) {
        let group = node.probabilities[first..<(first + codes)]
        // A comparison with NaN is false.
        guard group.allSatisfy({ $0 >= 0 }), abs(group.reduce(0, +) - 1) < 1e-3 else {
          throw Flaw(description: "\(name): probabilities that are not a distribution")
        }
      }
      seen.insert(node.column)
    }
  }

  /// The place of the probabilities of a node's codes in a row whose earlier columns are known.
  func place(of node: Node, in row: ArraySlice<UInt8>) -> Int {
    node.parents.reduce(0) { $0 * codeCounts[$1] + Int(row[row.startIndex + $1]) }
      * codeCounts[node.column]
  }

  /// The logarithm of the probability of a row, in nats; minus infinity for a row that cannot occur.
  ///
  /// - Parameters:
  ///   - row: a code for each column, below its number of codes.
  ///   - known: a column without parents whose code is given; nil for none.
  func logProbability(of row: [UInt8], given known: Int? = nil) -> Double {
    precondition(
      row.count == codeCounts.count && zip(row, codeCounts).allSatisfy { Int($0) < $1 },
      "a code for each column, below its number of codes")
    return nodes.reduce(0) { sum, node in
      if node.column == known { return sum }
      let cell = place(of: node, in: row[...]) + Int(row[node.column])
      return sum + log(Double(node.probabilities[cell]))
    }
  }
}
