// Rows of a table, in the form in which releases are written.
extension BayesianNetwork: TableModel {
  /// The seed of labels differs from that of rows: a row given its label must not depend on how the label was drawn.
  private static let seedOfLabels: UInt64 = 0x6C61_6265_6C73

  public func rows(for request: SampleRequest) -> [TableRow] {
    guard format.classes.count > 1 else {
      return rows(count: request.labels.count, seed: request.seed).map {
        TableRow(label: 0, codes: $0)
      }
    }
    return drawRows(ofClasses: request.labels, seed: request.seed).map {
      TableRow(label: Int($0[0]), codes: Array($0.dropFirst()))
    }
  }

  public func labels(count: Int, seed: UInt64) -> [Int] {
    guard format.classes.count > 1 else { return [Int](repeating: 0, count: count) }
    return rows(count: count, seed: seed ^ Self.seedOfLabels).map { Int($0[0]) }
  }
}

extension BayesianNetworkSettings {
  /// A network learns a table alone.
  public static let readsImages = false

  /// It learns the declared columns.
  public static let readsColumns = true
}
