/// What a person wants to train, as far as the choice of a recipe depends on it.
public struct AdviceQuestion: Hashable, Sendable {
  /// The epsilon of the run.
  public var epsilon: Double
  /// The longest time that a run may take, in hours; nil for any.
  public var hours: Double?
  /// The number of classes; nil if nobody declared it and the images may not be looked at.
  public var classes: Int?
  /// Whether the images have colours; nil if they may not be looked at.
  public var isColoured: Bool?

  /// Asks for a run.
  public init(
    epsilon: Double, hours: Double? = nil, classes: Int? = nil, isColoured: Bool? = nil
  ) {
    self.epsilon = epsilon
    self.hours = hours
    self.classes = classes
    self.isColoured = isColoured
  }
}

/// A recipe that a run might use.
public struct AdviceCandidate: Sendable {
  /// The recipe.
  public let recipe: Recipe
  /// The name in requests, that of its file.
  ///
  /// Measured runs count only for a recipe that has the same name itself.
  public let name: String
  /// The units of privacy that its run would learn from.
  public let units: Int
  /// Whether most of the images would have to be enlarged for it; false if they may not be looked at.
  public let isLargerThanImages: Bool

  /// Describes a candidate.
  public init(
    _ recipe: Recipe, named name: String? = nil, units: Int, isLargerThanImages: Bool = false
  ) {
    self.recipe = recipe
    self.name = name ?? recipe.name
    self.units = units
    self.isLargerThanImages = isLargerThanImages
  }
}

/// A recipe with the settings that measured runs suggest, and what became of it.
public struct AdvisedRun: Hashable, Sendable {
  /// What a plan found.
  public struct Trial: Hashable, Sendable {
    /// The duration in seconds; nil if unknown.
    public var seconds: Double?
    /// Whether noise outweighs the images; nil if unknown.
    public var noise: NoiseOutlook.Expectation?
    /// The warning about noise in words; nil if noise is small.
    public var warning: String?

    /// Reports what a plan found.
    public init(
      seconds: Double? = nil, noise: NoiseOutlook.Expectation? = nil, warning: String? = nil
    ) {
      self.seconds = seconds
      self.noise = noise
      self.warning = warning
    }
  }

  /// What became of it.
  public enum State: Hashable, Sendable {
    /// It has not been planned.
    case waiting
    /// It can be run: images and time suffice.
    case possible(Trial)
    /// It takes longer than asked for.
    case tooLong(Trial)
    /// Its images would show little or nothing but noise.
    case noise(Trial)
    /// No run with it is possible: why.
    case impossible(String)
  }

  /// The recipe's name in requests.
  public let recipe: String
  /// The family of its models.
  public let family: String
  /// The images that it makes.
  public let image: ImageSettings
  /// The batch that differs from the recipe's; nil for the recipe's own.
  public let batchSize: Int?
  /// The number of steps that differs from the recipe's; nil for the recipe's own.
  public let steps: Int?
  /// The quality that measured runs let expect; nil if none was measured.
  public let quality: ExpectedQuality?
  /// What the closest measured runs showed on a sheet of drawn images; nil if nobody described it.
  public let sheet: String?
  /// How epsilon and free work are divided over phases, in a sentence; nil for a single phase.
  public let phases: String?
  /// Whether it is as colourful as the images, as far as these were looked at.
  public let suitsColours: Bool
  /// Units of privacy that it learns from.
  public let units: Int
  /// What became of it.
  public internal(set) var state = State.waiting

  /// What a plan found; nil if there is none.
  public var trial: Trial? {
    switch state {
    case .possible(let trial), .tooLong(let trial), .noise(let trial): trial
    case .waiting, .impossible: nil
    }
  }

  /// Gradients that its noisy steps compute: its own work relative to other settings of the same recipe.
  fileprivate func work(of recipe: Recipe) -> Double {
    Double(batchSize ?? recipe.training.batchSize) * Double(steps ?? recipe.training.steps)
  }

  /// Whether it comes before another one in the order of advice: by what is assured, so that a lucky measurement of a
  /// wide interval does not come first.
  fileprivate func isBetter(than other: AdvisedRun) -> Bool {
    if suitsColours != other.suitsColours { return suitsColours }
    let assured = { (quality: ExpectedQuality?) in
      quality.map { max(0, $0.share - $0.margin) } ?? -1
    }
    let (own, others) = (assured(quality), assured(other.quality))
    if own != others { return own > others }
    if recipe != other.recipe { return recipe < other.recipe }
    return (steps ?? 0) > (other.steps ?? 0)
  }
}

/// The choice of a recipe for a set of images: pure, from facts about the set and the table of measured runs.
///
/// Recipes that suit the colours of the images come first, then those with measured runs in the order of the
/// quality that these let expect, then the others. The caller plans them in this order (`next`), and the first
/// that fits into the time and gives more than noise is the choice. Batch and steps are those of the measured
/// run with the nearest signal. If that takes too long, a measured run of the same recipe with less work takes
/// its place in the order.
public struct Advice: Sendable {
  /// So many possible runs are enough to choose from.
  static let enough = 3
  /// So many are planned at most: each plan takes seconds of processor time from trainings.
  public static let mostPlans = 8

  /// What was asked.
  public let question: AdviceQuestion
  /// The runs, best first; those that were ruled out before any plan stand last.
  public private(set) var runs: [AdvisedRun]

  private let table: MeasurementTable
  private let recipes: [String: Recipe]
  private var planned = 0

  /// Orders candidates; recipes for training without privacy are left out.
  public init(
    _ question: AdviceQuestion, among candidates: [AdviceCandidate], table: MeasurementTable
  ) {
    self.question = question
    self.table = table
    let usable = candidates.filter { $0.recipe.privacy != Recipe.PrivacyUse.none }
    recipes = Dictionary(usable.map { ($0.name, $0.recipe) }) { first, _ in first }
    runs = usable.map { AdvisedRun($0, for: question, by: table) }
    sort()
  }

  /// The run to plan next; nil if enough is known.
  public var next: AdvisedRun? {
    guard planned < Self.mostPlans, possible.count < Self.enough else { return nil }
    return runs.first { $0.state == .waiting }
  }

  /// The runs that fit into the time and give more than noise, best first.
  public var possible: [AdvisedRun] {
    runs.filter { if case .possible = $0.state { true } else { false } }
  }

  /// The run to choose; nil if none gives more than noise in the time.
  public var choice: AdvisedRun? { possible.first }

  /// Takes what the plan of a run found.
  public mutating func take(_ trial: AdvisedRun.Trial, for run: AdvisedRun) {
    let seconds = trial.seconds ?? 0
    let isTooLong = question.hours.map { seconds > 3600 * $0 } ?? false
    // The outlook counts parameters and knows nothing of priors; what was measured with as little signal counts more.
    let isNoise =
      (trial.noise == .noise && !(run.quality?.isMeasuredHere ?? false))
      || (run.quality?.isWorthless ?? false)
    set(isNoise ? .noise(trial) : isTooLong ? .tooLong(trial) : .possible(trial), for: run)
    if isTooLong, !isNoise { addShorter(than: run) }
  }

  /// Takes the reason why a run cannot be planned.
  public mutating func take(failure: String, for run: AdvisedRun) {
    set(.impossible(failure), for: run)
  }

  private mutating func set(_ state: AdvisedRun.State, for run: AdvisedRun) {
    planned += 1
    guard let place = runs.firstIndex(of: run) else { return }
    runs[place].state = state
    sort()
  }

  /// Adds the measured settings of a recipe that need less work than those of a run that takes too long.
  private mutating func addShorter(than run: AdvisedRun) {
    guard let recipe = recipes[run.recipe], recipe.name == run.recipe else { return }
    let all = table.rows(of: recipe).filter { $0.accuracy != nil }
      .map { AdvisedRun(like: run, of: recipe, settingsOf: $0, for: question, by: table) }
      .filter { $0.work(of: recipe) < run.work(of: recipe) }
    for shorter in all where !runs.contains(where: { $0.hasSettings(of: shorter) }) {
      runs.append(shorter)
    }
    sort()
  }

  private mutating func sort() {
    runs.sort { first, second in
      first.isImpossible == second.isImpossible
        ? first.isBetter(than: second) : second.isImpossible
    }
  }
}

extension AdvisedRun {
  /// The run of a candidate with the settings of the measured run whose signal is nearest.
  fileprivate init(
    _ candidate: AdviceCandidate, for question: AdviceQuestion, by table: MeasurementTable
  ) {
    let recipe = candidate.recipe
    let table = candidate.name == recipe.name ? table : MeasurementTable()
    let quality = table.quality(
      of: recipe, epsilon: question.epsilon, units: candidate.units)
    self.init(
      recipe, named: candidate.name, candidate.units, nearest: quality?.evidence.first,
      quality: quality,
      sheet: (quality?.evidence ?? table.rows(of: recipe)).lazy.compactMap(\.sheet).first,
      isColoured: question.isColoured)
    if candidate.isLargerThanImages {
      state = .impossible(
        "larger than most of the images, which would have to be enlarged by more than a quarter. Larger originals are needed"
      )
    }
  }

  /// A run of the same recipe with the settings of one measured run.
  fileprivate init(
    like run: AdvisedRun, of recipe: Recipe, settingsOf row: Measurement,
    for question: AdviceQuestion, by table: MeasurementTable
  ) {
    let quality = table.quality(of: recipe, epsilon: question.epsilon, units: run.units) {
      $0.batchSize == row.batchSize && $0.steps == row.steps
    }
    self.init(
      recipe, named: run.recipe, run.units, nearest: row, quality: quality,
      sheet: row.sheet ?? run.sheet, isColoured: question.isColoured)
  }

  private init(
    _ recipe: Recipe, named name: String, _ units: Int, nearest row: Measurement?,
    quality: ExpectedQuality?,
    sheet: String?, isColoured: Bool?
  ) {
    self.recipe = name
    family = recipe.family
    image = recipe.image
    batchSize = row?.batchSize == recipe.training.batchSize ? nil : row?.batchSize
    steps = row?.steps == recipe.training.steps ? nil : row?.steps
    self.quality = quality
    self.sheet = sheet
    phases = recipe.divisionInWords
    suitsColours = isColoured.map { $0 == (recipe.image.channels == 3) } ?? true
    self.units = units
  }

  fileprivate func hasSettings(of other: AdvisedRun) -> Bool {
    recipe == other.recipe && batchSize == other.batchSize && steps == other.steps
  }

  fileprivate var isImpossible: Bool { if case .impossible = state { true } else { false } }
}

extension Recipe {
  /// How epsilon and free work are divided over the phases of a run, in a sentence; nil for a single phase.
  fileprivate var divisionInWords: String? {
    let outlines = phases(training: training, classes: ["one", "two"])
    guard outlines.count > 1 else { return nil }
    let shares = outlines.compactMap(\.share).reduce(0, +)
    let parts = outlines.map { outline in
      switch outline.work {
      case .free(.publicData, _): "\(outline.name) (free, on images that show nobody)"
      case .free(.postProcessing, _): "\(outline.name) (free)"
      case .training, .answer, .rounds:
        "\(outline.name) (\(Int((100 * (outline.share ?? 1 - shares)).rounded())) % of epsilon"
          + (outline.share == nil && shares > 0 ? " or more)" : ")")
      }
    }
    return "Its phases: \(parts.joined(separator: ", "))."
  }
}
