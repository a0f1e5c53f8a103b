// The fields, stated once.
extension BayesianNetworkSettings {
  public static let summary =
    "A Bayesian network over the declared columns of a table, and over the class where there are "
    + "several. It reads noisy tables of single columns, then chooses in each round the table that it "
    + "describes worst and measures that one with noise. Rows are drawn column by column, each after "
    + "those it depends on."

  /// It makes no images.
  public static let imageSizes = ImageSizes(sides: 0...0)

  public static var recipeFields: [RecipeField] { CodingKeys.allCases.map(field) }

  private static let onlyCorrelated = "in mode `correlated` only"

  /// The statement of a field.
  static func field(_ key: CodingKeys) -> RecipeField {
    switch key {
    case .mode:
      RecipeField(
        key, .choice(Mode.allCases.map(\.rawValue)),
        "What is learnt: nothing but the number of rows, so that all values of the declared domains "
          + "are equally likely (`random`), how often each value of each column occurs "
          + "(`independent`), or also which columns depend on one another (`correlated`).")
    case .share:
      RecipeField(
        key, .number(.above(0, below: 1)), condition: onlyCorrelated,
        fallback: "\(defaultShare)",
        "The part of the run's epsilon that pays for the tables of single columns; the rounds get "
          + "the rest.")
    case .rounds:
      RecipeField(
        key, .integer(RecipeRange(1...10_000)), condition: onlyCorrelated,
        fallback: "three for each column",
        "The number of rounds; each measures one more table. More rounds describe more dependencies, "
          + "each with more noise.")
    case .tableColumns:
      RecipeField(
        key, .integer(RecipeRange(2...4)), condition: onlyCorrelated,
        fallback: "\(defaultLimits.tableColumns)",
        "The most columns of a measured table. Two describe all pairs; three also find what only "
          + "three columns together show, and compute longer.")
    case .degree:
      RecipeField(
        key, .integer(RecipeRange(1...16)), condition: onlyCorrelated,
        fallback: "\(defaultLimits.degree)", "The most parents of a column in the network.")
    case .maximumCells:
      RecipeField(
        key, .integer(RecipeRange(256...1_000_000)), condition: onlyCorrelated,
        fallback: "\(defaultLimits.cells)",
        "The most cells of the table of a column and its parents; larger networks compute longer.")
    }
  }
}
