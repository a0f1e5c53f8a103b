import Datasets

/// The settings of a Bayesian network over the columns of a table.
public struct BayesianNetworkSettings: ModelSettings {
  /// What a network learns of a table.
  public enum Mode: String, RecipeChoice {
    /// Nothing: every value is equally likely.
    case random
    /// How often each value of each column occurs.
    case independent
    /// That, and which columns depend on one another.
    case correlated
  }

  /// What the network learns.
  public var mode: Mode
  /// The part of epsilon that pays for the tables of single columns; nil for the default.
  public var share: Double?
  /// The number of rounds, each of which measures one more table; nil for a number that follows from the columns.
  public var rounds: Int?
  /// The most columns of a measured table; nil for the default.
  public var tableColumns: Int?
  /// The most parents of a column; nil for the default.
  public var degree: Int?
  /// The most cells of the table of a column and its parents; nil for the default.
  public var maximumCells: Int?

  enum CodingKeys: String, CodingKey, CaseIterable {
    case mode
    case share
    case rounds
    case tableColumns = "table_columns"
    case degree
    case maximumCells = "maximum_cells"
  }

  /// Creates settings.
  public init(
    mode: Mode, share: Double? = nil, rounds: Int? = nil, tableColumns: Int? = nil,
    degree: Int? = nil, maximumCells: Int? = nil
  ) {
    self.mode = mode
    self.share = share
    self.rounds = rounds
    self.tableColumns = tableColumns
    self.degree = degree
    self.maximumCells = maximumCells
  }

  static let defaultShare = 0.3
  static let defaultLimits = NetworkLearner.Limits(tableColumns: 2, degree: 6, cells: 20_000)

  /// How large the network may become.
  var limits: NetworkLearner.Limits {
    let standard = Self.defaultLimits
    return NetworkLearner.Limits(
      tableColumns: tableColumns ?? standard.tableColumns, degree: degree ?? standard.degree,
      cells: maximumCells ?? standard.cells)
  }

  /// The number of rounds for a network over so many columns: by default three for each.
  func roundCount(columns: Int) -> Int { rounds ?? 3 * columns }

  /// The number of codes of each column of the network: the class first, if there is more than one.
  static func codeCounts(of format: ImageSpecification) -> [Int] {
    (format.classes.count > 1 ? [format.classes.count] : []) + format.columns.map(\.codeCount)
  }

  /// Refuses sampling options: rows are drawn in one way only.
  public func validate(_ request: SampleRequest, for format: ImageSpecification) throws {
    try request.requireNoOptions(of: BayesianNetwork.family)
  }

  /// Checks what types cannot express.
  public func validate(for format: ImageSpecification) throws {
    let place = "recipe, \(BayesianNetwork.family): "
    let given: [(CodingKeys, isGiven: Bool)] = [
      (.share, share != nil), (.rounds, rounds != nil), (.tableColumns, tableColumns != nil),
      (.degree, degree != nil), (.maximumCells, maximumCells != nil),
    ]
    if mode != .correlated, let (key, _) = given.first(where: \.isGiven) {
      throw RecipeFailure(
        "\(place)\(key.rawValue) in mode \(mode.rawValue) (only in mode "
          + "\(Mode.correlated.rawValue) expected). Leave it out.")
    }
    try Self.field(.share).check(share, in: place)
    try Self.field(.rounds).check(rounds, in: place)
    try Self.field(.tableColumns).check(tableColumns, in: place)
    try Self.field(.degree).check(degree, in: place)
    try Self.field(.maximumCells).check(maximumCells, in: place)
    let codes = Self.codeCounts(of: format)
    guard codes.count <= EliminationOrder.mostColumns else {
      throw RecipeFailure(
        "\(place)\(codes.count) columns with the class (up to \(EliminationOrder.mostColumns) "
          + "expected). Declare fewer.")
    }
    // A class is stored as a code.
    guard codes.allSatisfy({ $0 <= 256 }) else {
      throw RecipeFailure("\(place)\(format.classes.count) classes (up to 256 expected).")
    }
  }
}
