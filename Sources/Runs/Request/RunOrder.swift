import Compute
import Control
package import Datasets
package import Models
package import Privacy

/// What one run is asked to do, with every default filled in; the same for a job of the daemon and
/// for a run in the foreground.
package struct RunOrder: Sendable {
  /// The run's name in the ledger of its root: never used for another run there.
  package let name: String
  /// The dataset's name.
  package let dataset: String
  /// The folder of images; read, never written.
  package let root: String
  /// What the administrator declared about it.
  package var rules: DatasetRules
  /// How long a file must stay as it is before it is read; zero reads files as they are.
  package var settle: Duration = .zero
  /// What is trained and how.
  package let recipe: Recipe
  /// How many units the administrator says there are; nil counts those that are found.
  package var population: Int?
  /// The privacy loss that the run may cause.
  package var loss: LossLimit
  /// The administrator's permission, without which nothing trains without privacy.
  package var permission: UnprotectedTraining?
  /// The probability with which the bound may fail.
  package let delta: Double
  /// Whether the administrator allows a delta that is not below one divided by the number of units.
  package var allowsLargeDelta: Bool = false
  /// The most that all runs on the root may spend together.
  package let budget: PrivacyBudget
  /// Steps; nil takes the recipe's.
  package var steps: Int?
  /// The hardened mode, whatever the recipe says; see `TrainingSettings.noise`.
  package var isHardened: Bool = false
  /// What each answer beside the model may cost, out of the run's epsilon, by the answers' names
  /// (`PaidAnswer.request`).
  package var answers: [String: Double] = [:]
  /// A folder of real images that are never trained on, for the curve of a likelihood; nil for none.
  package var holdOut: String?
  /// Whether that curve may end the training; with privacy it never does.
  package var stopsEarly: Bool = false
  /// Whether a training that crashes cut short by more than a tenth is published all the same.
  package var allowsFewerSteps: Bool = false
  /// Synthetic images at the end.
  package var count: Int
  /// The seed of everything that privacy does not depend on; nil draws one.
  package var seed: UInt64?
  /// The command that lists the files of the dataset with their verdicts; nil where none does.
  package var fileListing: String?
  /// The command that asks for this run, without paths, which can name people.
  package var command: String = "figmentd run"

  /// An order; what is left out has the default that its property states.
  package init(
    name: String, dataset: String, root: String, rules: DatasetRules, settle: Duration = .zero,
    recipe: Recipe, population: Int? = nil, loss: LossLimit, permission: UnprotectedTraining? = nil,
    delta: Double, allowsLargeDelta: Bool = false, budget: PrivacyBudget, steps: Int? = nil,
    isHardened: Bool = false, answers: [String: Double] = [:],
    holdOut: String? = nil, stopsEarly: Bool = false, allowsFewerSteps: Bool = false, count: Int,
    seed: UInt64? = nil, command: String = "figmentd run"
  ) {
    self.name = name
    self.dataset = dataset
    self.root = root
    self.rules = rules
    self.settle = settle
    self.recipe = recipe
    self.population = population
    self.loss = loss
    self.permission = permission
    self.delta = delta
    self.allowsLargeDelta = allowsLargeDelta
    self.budget = budget
    self.steps = steps
    self.isHardened = isHardened
    self.answers = answers
    self.holdOut = holdOut
    self.stopsEarly = stopsEarly
    self.allowsFewerSteps = allowsFewerSteps
    self.count = count
    self.seed = seed
    self.command = command
  }

  /// The settle time of runs in the foreground: long enough for a copy that has just ended.
  package static let usualSettle = Duration.seconds(1)

  /// The form that images are brought to.
  package var transform: ImageTransform { recipe.transform }

  /// The recipe's training settings with the order's steps.
  var training: TrainingSettings {
    var settings = recipe.training
    if let steps { settings.steps = steps }
    if isHardened { settings.noise = .discreteGaussian }
    return settings
  }

  /// The facts about the data that the administrator declared.
  var declared: Set<DatasetFact> {
    var facts: Set<DatasetFact> = []
    if rules.classes != nil { facts.insert(.classes) }
    if population != nil { facts.insert(.population) }
    return facts
  }

  /// Who is protected, as the ledger writes it.
  package var unit: Privacy.PrivacyUnit { rules.protectedUnit }
}

extension Recipe {
  /// The form that the recipe brings images to.
  package var transform: ImageTransform {
    ImageTransform(
      height: image.height, width: image.width, channels: image.channels == 1 ? .grey : .rgb,
      fit: image.fit ?? .centreCrop)
  }
}

/// A fact about a dataset that every release tells.
enum DatasetFact: String, Codable {
  /// The names of the classes.
  case classes
  /// The number of units, from which the sampling probability follows.
  case population
}

/// How much privacy loss a run may cause.
package enum LossLimit: Hashable, Sendable {
  /// Any: it trains without privacy.
  case unlimited
  /// At most this epsilon.
  case epsilon(Double)
  /// What the budget of the root leaves beside everything spent or announced there.
  case remainder
}

/// Where a run's files lie.
package struct RunPlaces: Sendable {
  /// What must never be released: the frozen dataset, run.json, metrics.jsonl, files.jsonl.
  package let internalFiles: String
  /// The folder of checkpoints.
  package let checkpoints: String
  /// Where the release appears, whole or not at all.
  package let release: String
  /// Where the images of a run without privacy appear instead.
  package let unprotected: String
  /// The folder of all ledgers.
  package let ledgers: String
  /// The folder of the ledgers' marks.
  package let ledgerMarks: String
  /// The rights that the release gets; what stays inside has none but the owner's.
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
  /// Synthetic images when nobody says how many.
  package static let usualCount = 10_000

  /// Why a run without privacy is refused.
  package var nonPrivateRefusal: String {
    "dataset \(dataset): its policy does not allow training without privacy. "
      + "Ask the administrator for 'non_private: true' in the dataset's policy, or give an epsilon."
  }
}
