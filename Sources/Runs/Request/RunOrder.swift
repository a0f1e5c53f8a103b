import Compute
import Control
package import Datasets
package import Models
package import Privacy

/// The order for one run, with every default filled in; the same for a job of the daemon and for a run in the
/// foreground.
package struct RunOrder: Sendable {
  /// The run's name in the ledger of its root; no other run there may have it.
  package let name: String
  /// The dataset's name.
  package let dataset: String
  /// The folder of images; read, never written.
  package let root: String
  /// The administrator's rules for the dataset.
  package var rules: DatasetRules
  /// How long a file must stay unchanged before it is read; zero reads files as they are.
  package var settle: Duration = .zero
  /// The model and its training.
  package let recipe: Recipe
  /// The number of units that the administrator declared; nil counts the units found.
  package var population: Int?
  /// The privacy loss that the run may cause.
  package var loss: LossLimit
  /// The administrator's permission, without which nothing trains without privacy.
  package var permission: UnprotectedTraining?
  /// The probability with which the privacy bound may fail.
  package let delta: Double
  /// Whether the administrator allows a delta that is not below one divided by the number of units.
  package var allowsLargeDelta: Bool = false
  /// The most that all runs on the root may spend together.
  package let budget: PrivacyBudget
  /// The number of steps; nil for the recipe's.
  package var steps: Int?
  /// Units that a step reads on average; nil for the recipe's number.
  package var batchSize: Int?
  /// Whether the run is hardened even if its recipe is not; see `TrainingSettings.noise`.
  package var isHardened: Bool = false
  /// The epsilon that each answer beside the model may cost out of the run's epsilon, by the answers' names
  /// (`PaidAnswer.request`).
  package var answers: [String: Double] = [:]
  /// A folder of real images that are never trained on, for the curve of a likelihood; nil for none.
  package var holdOut: String?
  /// A folder of images that the administrator declares public; nil for none.
  package var publicImages: String?
  /// A release whose model a recipe may start from; nil for none.
  package var startFrom: String?
  /// The folder of the recipe, in which the files of weights lie that it may start from.
  package var recipes: String = "."
  /// Whether that curve may end the training; with privacy it never does.
  package var stopsEarly: Bool = false
  /// Whether a training that crashes cut short by more than a tenth is still published.
  package var allowsFewerSteps: Bool = false
  /// The number of synthetic images.
  package var count: Int
  /// The seed of everything that privacy does not depend on; nil draws one.
  package var seed: UInt64?
  /// The command that lists the files of the dataset with their verdicts; nil if there is none.
  package var fileListing: String?
  /// The command that requests this run, without paths, which can name people.
  package var command: String = "figmentd run"

  /// An order; options that are left out have the defaults of their properties.
  package init(
    name: String, dataset: String, root: String, rules: DatasetRules, settle: Duration = .zero,
    recipe: Recipe, population: Int? = nil, loss: LossLimit, permission: UnprotectedTraining? = nil,
    delta: Double, allowsLargeDelta: Bool = false, budget: PrivacyBudget, steps: Int? = nil,
    batchSize: Int? = nil, isHardened: Bool = false, answers: [String: Double] = [:],
    holdOut: String? = nil, publicImages: String? = nil, startFrom: String? = nil,
    recipes: String = ".", stopsEarly: Bool = false, allowsFewerSteps: Bool = false, count: Int,
    seed: UInt64? = nil, command: String = "figmentd run"
  ) {
    self.name = name
    self.dataset = dataset
    self.root = root
    self.settle = settle
    self.recipe = recipe.reading(rules.columns)
    self.rules = rules
    // What no model of the recipe learns is not read.
    self.rules.columns = self.recipe.columns
    self.population = population
    self.loss = loss
    self.permission = permission
    self.delta = delta
    self.allowsLargeDelta = allowsLargeDelta
    self.budget = budget
    self.steps = steps
    self.batchSize = batchSize
    self.isHardened = isHardened
    self.answers = answers
    self.holdOut = holdOut
    self.publicImages = publicImages
    self.startFrom = startFrom
    self.recipes = recipes
    self.stopsEarly = stopsEarly
    self.allowsFewerSteps = allowsFewerSteps
    self.count = count
    self.seed = seed
    self.command = command
  }

  /// The settle time of runs in the foreground: long enough for a copy that has just ended.
  package static let usualSettle = Duration.seconds(1)

  /// The form into which images are converted.
  package var transform: ImageTransform { recipe.transform }

  /// The recipe's training settings with the order's steps and batch.
  var training: TrainingSettings {
    var settings = recipe.training
    if let steps { settings.steps = steps }
    if let batchSize { settings.batchSize = batchSize }
    if isHardened { settings.noise = .discreteGaussian }
    return settings
  }

  /// The facts about the data that the administrator declared.
  var declared: Set<DatasetFact> {
    var facts: Set<DatasetFact> = []
    if rules.classes != nil { facts.insert(.classes) }
    if !recipe.columns.isEmpty { facts.insert(.columns) }
    if population != nil { facts.insert(.population) }
    return facts
  }

  /// The classes that are known before the folder is read; nil if they are those of its folders.
  ///
  /// Rows of tables alone have one.
  package var knownClasses: [String]? {
    recipe.model.readsImages ? rules.classes : [DatasetRules.singleClass]
  }

  /// The unit of privacy, as the ledger records it.
  package var unit: Privacy.PrivacyUnit {
    recipe.model.readsImages ? rules.protectedUnit : rules.protectedUnitOfRows
  }
}

extension Recipe {
  /// The form into which the recipe converts images.
  package var transform: ImageTransform {
    guard model.readsImages else { return .noPixels }
    return ImageTransform(
      height: image.height, width: image.width, channels: image.channels == 1 ? .grey : .rgb,
      fit: image.fit ?? .centreCrop)
  }
}

/// A fact about a dataset that every release reveals.
enum DatasetFact: String, Codable {
  /// The names of the classes.
  case classes
  /// The names and domains of the columns; always declared.
  case columns
  /// The number of units, which determines the sampling probability.
  case population
}

/// How much privacy loss a run may cause.
package enum LossLimit: Hashable, Sendable {
  /// Any: it trains without privacy.
  case unlimited
  /// At most this epsilon.
  case epsilon(Double)
  /// The rest of the root's budget, beside everything spent or announced there.
  case remainder
}

/// The places of a run's files.
package struct RunPlaces: Sendable {
  /// The folder of files that are never released: the frozen dataset, run.json, metrics.jsonl, files.jsonl.
  package let internalFiles: String
  /// The folder of checkpoints.
  package let checkpoints: String
  /// The place at which the release appears, complete or not at all.
  package let release: String
  /// The place at which the images of a run without privacy appear instead.
  package let unprotected: String
  /// The folder of all ledgers.
  package let ledgers: String
  /// The folder of the ledgers' marks.
  package let ledgerMarks: String
  /// The rights of the release; only the owner may read the files that are not released.
  package var rights: ReleaseRights = .ownerAlone

  /// Places for the files of one run.
  package init(
    internalFiles: String, checkpoints: String, release: String, unprotected: String,
    ledgers: String, ledgerMarks: String, rights: ReleaseRights = .ownerAlone
  ) {
    self.internalFiles = internalFiles
    self.checkpoints = checkpoints
    self.release = release
    self.unprotected = unprotected
    self.ledgers = ledgers
    self.ledgerMarks = ledgerMarks
    self.rights = rights
  }
}

extension RunOrder {
  /// The number of synthetic images when the request names none.
  package static let usualCount = 10_000

  /// The reason for refusing a run without privacy.
  package var nonPrivateRefusal: String {
    "dataset \(dataset): its policy does not allow training without privacy. "
      + "Ask the administrator for 'non_private: true' in the dataset's policy, or give an epsilon."
  }
}
