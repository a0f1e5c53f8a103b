import Glibc

/// A tree of tables in which the distribution that maximises entropy under given tables is computed.
///
/// Each node, a clique, is a table over the columns of one step of an elimination order; steps whose columns an
/// earlier one contains have none. Two passes of messages over the tree make every clique a marginal of one
/// distribution (Lauritzen and Spiegelhalter 1988).
final class JunctionTree {
  /// A node.
  struct Clique {
    let columns: [Int]
    let extents: [Int]
    var cellCount: Int { extents.reduce(1, *) }
  }

  /// An edge, from the node that is nearer to the root.
  struct Edge {
    let parent: Int
    let child: Int
    /// The columns that both have.
    let separator: [Int]
    let separatorSize: Int
    /// For each cell of a node, its cell of the separator.
    let parentCells: [Int32]
    let childCells: [Int32]
  }

  /// The order of columns that the tree is made from.
  let order: EliminationOrder
  let cliques: [Clique]
  /// The edges, those at the root first.
  let edges: [Edge]
  /// The marginal of each node, after `calibrate`.
  private(set) var beliefs: [[Double]]

  /// The tree of a network in which each of `tables` lies within one node.
  init(of tables: [[Int]], codeCounts: [Int], root: Int? = nil) {
    order = EliminationOrder(of: tables, codeCounts: codeCounts, root: root)
    var sets: [Set<Int>] = []
    for step in order.steps {
      let set = Set(step.neighbours + [step.column])
      if !sets.contains(where: { $0.isSuperset(of: set) }) { sets.append(set) }
    }
    let cliques = sets.map { set in
      Clique(columns: set.sorted(), extents: set.sorted().map { codeCounts[$0] })
    }
    self.cliques = cliques
    edges = Self.spanningTree(of: sets).map { parent, child in
      let separator = sets[parent].intersection(sets[child]).sorted()
      func cells(_ index: Int) -> [Int32] {
        CodeTable.cells(
          of: separator, in: cliques[index].columns, extents: cliques[index].extents)
      }
      return Edge(
        parent: parent, child: child, separator: separator,
        separatorSize: separator.reduce(1) { $0 * codeCounts[$1] },
        parentCells: cells(parent), childCells: cells(child))
    }
    beliefs = cliques.map { [Double](repeating: 0, count: $0.cellCount) }
  }

  /// The edges of the tree whose separators have the most columns in all (Prim's algorithm), from node 0 outwards.
  ///
  /// For the cliques of a chordal graph, every such tree is a junction tree.
  private static func spanningTree(of sets: [Set<Int>]) -> [(parent: Int, child: Int)] {
    var best = sets.map { (shared: $0.intersection(sets.first ?? []).count, parent: 0) }
    var outside = Array(sets.indices.dropFirst())
    var edges: [(parent: Int, child: Int)] = []
    while !outside.isEmpty {
      // The first of equal ones, so that the tree does not depend on chance.
      var place = 0
      for index in outside.indices
      where best[outside[index]].shared > best[outside[place]].shared {
        place = index
      }
      let child = outside.remove(at: place)
      edges.append((best[child].parent, child))
      for other in outside {
        let shared = sets[other].intersection(sets[child]).count
        if shared > best[other].shared { best[other] = (shared, child) }
      }
    }
    return edges
  }

  /// The smallest node that has all of these columns; nil if there is none.
  func home(of columns: [Int]) -> Int? {
    cliques.indices.filter { node in columns.allSatisfy(cliques[node].columns.contains) }
      .min { cliques[$0].cellCount < cliques[$1].cellCount }
  }

  /// Energies beyond this, which no measured table asks for, are not computed with.
  private static let largestEnergy = 1e30

  /// Makes the beliefs the marginals of the distribution that is proportional to the exponential of `energies`, one
  /// array for each node, summed; together they have the sum `total`.
  ///
  /// Messages are logarithms, and a node holds its distribution given each cell of the separator, whose largest
  /// factor is 1: energies may differ by any amount, and nothing is divided by a number that has become too small.
  ///
  /// - Returns: whether the energies are numbers that can be computed with; if not, the beliefs mean nothing.
  func calibrate(_ energies: [[Double]], total: Double) -> Bool {
    // A comparison with NaN is false.
    guard energies.allSatisfy({ $0.allSatisfy { abs($0) <= Self.largestEnergy } }) else {
      return false
    }
    beliefs = energies
    for edge in edges.reversed() {
      let message = condition(edge.child, on: edge.childCells, edge.separatorSize)
      for cell in edge.parentCells.indices {
        beliefs[edge.parent][cell] += message[Int(edge.parentCells[cell])]
      }
    }
    _ = condition(0, on: [Int32](repeating: 0, count: beliefs[0].count), 1)
    for cell in beliefs[0].indices { beliefs[0][cell] *= total }
    for edge in edges {
      let shares = sums(of: edge.parent, edge.parentCells, edge.separatorSize)
      multiply(edge.child, by: shares, at: edge.childCells)
    }
    return true
  }

  /// Turns the energies of a node into its distribution given each cell of a separator.
  ///
  /// - Returns: for each cell of the separator, the logarithm of the sum of the exponentials of its energies.
  private func condition(_ node: Int, on places: [Int32], _ size: Int) -> [Double] {
    var values = beliefs[node]
    var largest = [Double](repeating: -.infinity, count: size)
    for cell in values.indices {
      largest[Int(places[cell])] = max(largest[Int(places[cell])], values[cell])
    }
    for cell in values.indices { values[cell] = exp(values[cell] - largest[Int(places[cell])]) }
    beliefs[node] = values
    let sums = sums(of: node, places, size)
    multiply(node, by: sums.map { 1 / $0 }, at: places)
    return zip(largest, sums).map { $0 + log($1) }
  }

  private func sums(of node: Int, _ places: [Int32], _ size: Int) -> [Double] {
    var result = [Double](repeating: 0, count: size)
    beliefs[node].withUnsafeBufferPointer { values in
      places.withUnsafeBufferPointer { places in
        result.withUnsafeMutableBufferPointer { result in
          for cell in 0..<values.count { result[Int(places[cell])] += values[cell] }
        }
      }
    }
    return result
  }

  private func multiply(_ node: Int, by factors: [Double], at places: [Int32]) {
    beliefs[node].withUnsafeMutableBufferPointer { values in
      places.withUnsafeBufferPointer { places in
        factors.withUnsafeBufferPointer { factors in
          for cell in 0..<values.count { values[cell] *= factors[Int(places[cell])] }
        }
      }
    }
  }

  /// The belief of a node as a table.
  func table(of node: Int) -> CodeTable {
    CodeTable(cliques[node].columns, extents: cliques[node].extents, values: beliefs[node])
  }

  /// The marginal of any columns, in ascending order, by messages over the part of the tree between them.
  func marginal(of columns: [Int]) -> CodeTable {
    if let node = home(of: columns) { return table(of: node).marginal(over: columns) }
    guard let first = columns.first, let root = home(of: [first]) else {
      return CodeTable([], extents: [], values: [beliefs.first?.reduce(0, +) ?? 0])
    }
    var neighbours = cliques.map { _ in [(node: Int, separator: [Int])]() }
    for edge in edges {
      neighbours[edge.parent].append((edge.child, edge.separator))
      neighbours[edge.child].append((edge.parent, edge.separator))
    }
    return collect(Set(columns), at: root, from: nil, separator: [], neighbours)?
      .marginal(over: columns) ?? table(of: root)
  }

  /// The marginal of the wanted columns on one side of an edge together with the edge's separator; nil if that side
  /// has none but those of the separator.
  private func collect(
    _ wanted: Set<Int>, at node: Int, from origin: Int?, separator: [Int],
    _ neighbours: [[(node: Int, separator: [Int])]]
  ) -> CodeTable? {
    var beyond: [CodeTable] = []
    var needed = wanted.union(separator)
    for (next, shared) in neighbours[node] where next != origin {
      guard let table = collect(wanted, at: next, from: node, separator: shared, neighbours)
      else { continue }
      beyond.append(table.quotient(by: table.marginal(over: shared)))
      needed.formUnion(shared)
    }
    var result = table(of: node).marginal(over: cliques[node].columns.filter(needed.contains))
    for table in beyond { result = result.product(with: table) }
    let kept = result.columns.filter { wanted.contains($0) || separator.contains($0) }
    guard origin == nil || kept.contains(where: { !separator.contains($0) }) else { return nil }
    return result.marginal(over: kept)
  }
}
