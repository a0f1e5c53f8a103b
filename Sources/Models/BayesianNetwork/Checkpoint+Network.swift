// What a network is saved as. Checkpoints may come from strangers, so everything that is restored is checked before
// memory is allocated for it.
extension Checkpoint {
  private static let mostTables = 1 << 16

  /// Saves what was learnt.
  mutating func save(_ learner: NetworkLearner) {
    metadata["network.tables"] = String(learner.measured.count)
    metadata["network.total"] = String(learner.total)
    if let step = learner.stepSize { metadata["network.step_size"] = String(step) }
    for (index, table) in learner.measured.enumerated() {
      metadata["network.columns.\(index)"] = Self.text(table.columns)
      metadata["network.variance.\(index)"] = String(table.variance)
      tensors["network.measured.\(index)"] = Array(
        shape: [table.values.count], values: table.values)
      tensors["network.potentials.\(index)"] = Array(
        shape: [table.values.count], values: learner.potentials[index])
    }
  }

  /// A learner with the settings of `model` and the saved answers.
  ///
  /// - Throws: `Failure` for answers that the settings do not permit.
  func learner(like model: NetworkLearner) throws -> NetworkLearner {
    var learner = NetworkLearner(
      codeCounts: model.codeCounts, limits: model.limits, root: model.root)
    if metadata["network.step_size"] != nil {
      learner.stepSize = try number("network.step_size", atLeast: .leastNonzeroMagnitude)
    }
    let count = try self.count("network.tables")
    let names = "network.tables"
    guard count <= Self.mostTables, count == 0 || count >= model.codeCounts.count else {
      throw Failure.badMetadata(key: names, found: metadata[names])
    }
    learner.total = try number("network.total", atLeast: count > 0 ? 1 : 0)
    for index in 0..<count {
      let key = "network.columns.\(index)"
      let columns = try numbers(key)
      guard isTable(columns, at: index, of: learner) else {
        throw Failure.badMetadata(key: key, found: metadata[key])
      }
      let size = columns.reduce(1) { $0 * model.codeCounts[$1] }
      learner.measured.append(
        MeasuredTable(
          columns: columns, values: try finite("network.measured.\(index)", count: size),
          variance: try number("network.variance.\(index)", atLeast: .leastNormalMagnitude)))
      learner.potentials.append(try finite("network.potentials.\(index)", count: size))
    }
    guard learner.isWithinLimits else {
      throw Failure.badMetadata(key: names, found: metadata[names])
    }
    return learner
  }

  /// Whether a table over `columns` may be the next of a learner: that of its column at first, then a new one.
  private func isTable(_ columns: [Int], at index: Int, of learner: NetworkLearner) -> Bool {
    let codes = learner.codeCounts
    guard index >= codes.count else { return columns == [index] }
    return (2...learner.limits.tableColumns).contains(columns.count)
      && columns.allSatisfy(codes.indices.contains) && columns == Set(columns).sorted()
      && !learner.measured.contains { $0.columns == columns }
      && columns.reduce(1.0) { $0 * Double(codes[$1]) } <= Double(learner.limits.cells)
  }

  /// Saves the network that draws.
  mutating func save(_ network: CodeNetwork) {
    metadata["network.order"] = Self.text(network.nodes.map(\.column))
    for node in network.nodes {
      metadata["network.parents.\(node.column)"] = Self.text(node.parents)
      tensors["network.probabilities.\(node.column)"] = Array(
        shape: [node.probabilities.count], values: node.probabilities)
    }
  }

  /// The saved network, for columns and limits of `model`.
  ///
  /// - Throws: `Failure` for anything that is not a network.
  func network(like model: NetworkLearner) throws -> CodeNetwork {
    let key = "network.order"
    let order = try numbers(key)
    guard order.sorted() == Swift.Array(model.codeCounts.indices),
      model.root == nil || order.first == model.root
    else { throw Failure.badMetadata(key: key, found: metadata[key]) }
    let nodes = try order.map { column in
      let name = "network.parents.\(column)"
      let parents = try numbers(name)
      guard parents.allSatisfy(model.codeCounts.indices.contains),
        parents.count <= model.limits.degree,
        parents.reduce(Double(model.codeCounts[column]), { $0 * Double(model.codeCounts[$1]) })
          <= Double(model.limits.cells)
      else { throw Failure.badMetadata(key: name, found: metadata[name]) }
      let size = parents.reduce(model.codeCounts[column]) { $0 * model.codeCounts[$1] }
      return CodeNetwork.Node(
        column: column, parents: parents,
        probabilities: try finite("network.probabilities.\(column)", count: size))
    }
    do {
      return try CodeNetwork(nodes, codeCounts: model.codeCounts)
    } catch {
      throw Failure.badMetadata(key: key, found: "\(metadata[key] ?? ""): \(error)")
    }
  }

  private static func text(_ numbers: [Int]) -> String {
    numbers.map(String.init).joined(separator: ",")
  }

  /// Whole numbers, separated by commas.
  private func numbers(_ key: String) throws -> [Int] {
    guard let text = metadata[key] else { throw Failure.badMetadata(key: key, found: nil) }
    return try text.split(separator: ",", omittingEmptySubsequences: true).map { word in
      guard let number = Int(word) else { throw Failure.badMetadata(key: key, found: text) }
      return number
    }
  }

  /// A finite number that is not below `least`.
  private func number(_ key: String, atLeast least: Double) throws -> Double {
    let value: Double = try self.value(key)
    guard value.isFinite, value >= least else {
      throw Failure.badMetadata(key: key, found: metadata[key])
    }
    return value
  }

  /// An array of finite numbers.
  private func finite(_ name: String, count: Int) throws -> [Float] {
    let values = try array(name, shape: [count]).values
    guard values.count == count, let bad = values.first(where: { !$0.isFinite }) else {
      return values
    }
    throw Failure.badMetadata(key: name, found: "\(bad)")
  }
}
