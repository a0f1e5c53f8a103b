import Datasets

extension Recipe {
  /// What shaped the rows of the recipe's model, as sentences that follow from the plan alone.
  public var tableAssumptions: [String] {
    guard !columns.isEmpty else { return [] }
    let binned = columns.filter(\.hasNumbers)
    var words = [
      "Only the \(columns.count == 1 ? "column" : "\(columns.count) columns") declared for this dataset "
        + "\(columns.count == 1 ? "was" : "were") read. What other columns held is lost, also where it explained these.",
      "A value outside its declared domain counted as missing. A domain that is too narrow therefore shows as missing "
        + "values, not as wrong ones.",
    ]
    if !binned.isEmpty {
      let bins = binned.map { "\($0.name): \($0.valueCount)" }.joined(separator: ", ")
      words.append(
        "Numbers were read as bins of equal width (\(bins)) and are drawn evenly within them: differences inside a bin "
          + "are not in the data.")
    }
    if let network { words += network.assumptions }
    return words
  }

  /// The network that draws the rows; nil without one.
  private var network: BayesianNetworkSettings? {
    (model as? BayesianNetworkSettings) ?? (model as? AttributedImagesSettings)?.table
  }
}

extension BayesianNetworkSettings {
  /// What the network cannot express, as sentences.
  fileprivate var assumptions: [String] {
    switch mode {
    case .random:
      ["Nothing but the number of rows was learnt: all values of a domain are equally likely."]
    case .independent:
      [
        "Columns are drawn independently of each other: no relation between two columns is in the data."
      ]
    case .correlated:
      [
        "Relations are learnt from tables of at most \(limits.tableColumns) columns, chosen one after the other; what "
          + "only more columns together show is not in the data.",
        "Each column depends directly on at most \(limits.degree) others.",
      ]
    }
  }
}
