/// A measured table: the noisy number of units in each cell.
struct MeasuredTable: Equatable {
  /// The columns, in ascending order.
  let columns: [Int]
  /// The measured cells; single precision, so that a checkpoint holds them exactly.
  var values: [Float]
  /// The variance of the noise on each cell, in units; 1 without noise, when all tables count alike.
  var variance: Double

  /// Combines this table with a second measurement of it, each weighted by the inverse of its variance.
  mutating func combine(_ other: [Double], variance second: Double) {
    let both = 1 / (1 / variance + 1 / second)
    for cell in values.indices {
      values[cell] = Float((Double(values[cell]) / variance + other[cell] / second) * both)
    }
    variance = both
  }
}

/// The distribution that fits noisy tables best, among those that the tables' columns make a network of.
///
/// It minimises the sum of squared differences from the measured cells, each divided by its variance, by mirror
/// descent on the potentials of the tables (McKenna, Sheldon and Miklau 2019, arXiv 1901.09136). Its marginals are
/// consistent with one another, never negative, and have the same total, whatever noise did to the measured ones.
/// Everything here is computed from noisy numbers: post-processing.
struct TableFit {
  /// The tree whose beliefs are the fitted marginals, in units.
  let tree: JunctionTree
  /// The number of units that all tables share.
  let total: Double
  private let measured: [MeasuredTable]
  /// For each table its node, and for each cell of that node the cell of the table.
  private let homes: [Int]
  private let places: [[Int32]]
  /// The logarithm of the factor of each cell of each table.
  private(set) var potentials: [[Double]]
  /// The step size of the descent, which later fits begin with.
  private(set) var stepSize: Double

  /// Prepares a fit.
  ///
  /// - Parameters:
  ///   - root: the column without parents; nil for whichever comes.
  ///   - potentials: where the descent begins, for each table.
  ///   - stepSize: the step size to begin with; nil for one that suits the noise.
  init(
    _ measured: [MeasuredTable], total: Double, codeCounts: [Int], root: Int?,
    potentials: [[Float]], stepSize: Double?
  ) {
    let tree = JunctionTree(of: measured.map(\.columns), codeCounts: codeCounts, root: root)
    self.tree = tree
    self.measured = measured
    self.total = total
    let homes = measured.map { table in
      guard let home = tree.home(of: table.columns) else {
        preconditionFailure("no node has the columns \(table.columns)")
      }
      return home
    }
    self.homes = homes
    places = measured.indices.map { index in
      let clique = tree.cliques[homes[index]]
      return CodeTable.cells(
        of: measured[index].columns, in: clique.columns, extents: clique.extents)
    }
    self.potentials = potentials.map { $0.map(Double.init) }
    let least = measured.map(\.variance).min() ?? 1
    self.stepSize = stepSize ?? 2 * least / total
  }

  /// The marginals of the current potentials, table by table; nil if those are not numbers to compute with.
  private func marginals(_ potentials: [[Double]]) -> [[Double]]? {
    var energies = tree.cliques.map { [Double](repeating: 0, count: $0.cellCount) }
    for index in measured.indices {
      let own = potentials[index]
      energies[homes[index]].withUnsafeMutableBufferPointer { energy in
        for cell in energy.indices { energy[cell] += own[Int(places[index][cell])] }
      }
    }
    guard tree.calibrate(energies, total: total) else { return nil }
    return measured.indices.map { index in
      var sums = [Double](repeating: 0, count: measured[index].values.count)
      let belief = tree.beliefs[homes[index]]
      for cell in belief.indices { sums[Int(places[index][cell])] += belief[cell] }
      return sums
    }
  }

  /// Half the sum of squared differences, each divided by its variance.
  private func loss(_ marginals: [[Double]]) -> Double {
    var sum = 0.0
    for (table, fitted) in zip(measured, marginals) {
      var own = 0.0
      for cell in fitted.indices {
        let difference = fitted[cell] - Double(table.values[cell])
        own += difference * difference
      }
      sum += own / table.variance
    }
    return sum / 2
  }

  /// Makes up to so many steps of the descent, each with a step size that is halved until the loss falls enough.
  mutating func descend(steps: Int) {
    var fitted = marginals(potentials)
    if fitted == nil {
      // Potentials of a checkpoint that nobody could have written; begin again.
      potentials = potentials.map { $0.map { _ in 0 } }
      fitted = marginals(potentials)
    }
    guard var current = fitted else {
      preconditionFailure("no distribution of potentials that are 0")
    }
    var best = loss(current)
    for _ in 0..<steps {
      let gradients = measured.indices.map { index in
        current[index].indices.map {
          (current[index][$0] - Double(measured[index].values[$0])) / measured[index].variance
        }
      }
      let size = stepSize
      guard let next = step(along: gradients, from: current, loss: best) else {
        // No step helps any more. Later fits begin with a size that did, or they would stand still.
        stepSize = size
        break
      }
      (potentials, current, best) = next
      stepSize *= 1.1
    }
    // The last trial may have been refused, and the beliefs are those of the last trial.
    _ = marginals(potentials)
  }

  private static let mostHalvings = 30

  private mutating func step(
    along gradients: [[Double]], from current: [[Double]], loss before: Double
  ) -> (potentials: [[Double]], marginals: [[Double]], loss: Double)? {
    for _ in 0..<Self.mostHalvings {
      let trial = zip(potentials, gradients).map { own, slope in
        own.indices.map { own[$0] - stepSize * slope[$0] }
      }
      if let moved = marginals(trial) {
        let after = loss(moved)
        var expected = 0.0
        for index in moved.indices {
          for cell in moved[index].indices {
            expected += gradients[index][cell] * (current[index][cell] - moved[index][cell])
          }
        }
        if after.isFinite, before - after >= expected / 2 { return (trial, moved, after) }
      }
      stepSize /= 2
    }
    return nil
  }
}
