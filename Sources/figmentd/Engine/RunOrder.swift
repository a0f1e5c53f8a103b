import Compute
import Control
import Datasets
import Models
import Privacy

/// What one run is asked to do, with every default filled in; the same for a job of the daemon and
/// for a run in the foreground.
struct RunOrder: Sendable {
  /// The run's name in the ledger of its root: never used for another run there.
  let name: String
  /// The dataset's name.
  let dataset: String
  /// The folder of images; read, never written.
  let root: String
  /// What the administrator declared about it.
  let rules: DatasetRules
  /// How long a file must stay as it is before it is read; zero reads files as they are.
  var settle = Duration.zero
  /// What is trained and how.
  let recipe: Recipe
  /// How many units the administrator says there are; nil counts those that are found.
  var population: Int?
  /// The privacy loss that the run may cause.
  var loss: LossLimit
  /// The administrator's permission, without which nothing trains without privacy.
  var permission: UnprotectedTraining?
  /// The probability with which the bound may fail.
  let delta: Double
  /// Whether the administrator allows a delta that is not below one divided by the number of units.
  var allowsLargeDelta = false
  /// The most that all runs on the root may spend together.
  let budget: PrivacyBudget
  /// Steps; nil takes the recipe's.
  var steps: Int?
  /// The hardened mode, whatever the recipe says; see `TrainingSettings.noise`.
  var isHardened = false
  /// What an answer to how many images there are of each class may cost, out of the run's epsilon;
  /// nil does not ask.
  var countEpsilon: Double?
  /// What an answer to how many real images a classifier gets right that learnt from the set may
  /// cost, out of the run's epsilon; nil does not ask.
  var scoreEpsilon: Double?
  /// A folder of real images that are never trained on, for the curve of a likelihood; nil for none.
  var holdOut: String?
  /// Whether that curve may end the training; with privacy it never does.
  var stopsEarly = false
  /// Whether a training that crashes cut short by more than a tenth is published all the same.
  var allowsFewerSteps = false
  /// Synthetic images at the end.
  var count: Int
  /// The seed of everything that privacy does not depend on; nil draws one.
  var seed: UInt64?
  /// The command that asks for this run, without paths, which can name people.
  var command = "figmentd run"

  /// The settle time of runs in the foreground: long enough for a copy that has just ended.
  static let usualSettle = Duration.seconds(1)

  /// The form that images are brought to.
  var transform: ImageTransform { recipe.transform }

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
  var unit: Privacy.PrivacyUnit {
    switch rules.privacyUnit {
    case .file: .file
    case .folder: .subfolder(maximumImages: rules.maximumPerUnit ?? Int(Int32.max))
    }
  }
}

extension Recipe {
  /// The form that the recipe brings images to.
  var transform: ImageTransform {
    ImageTransform(
      height: image.height, width: image.width, channels: image.channels == 1 ? .grey : .rgb,
      fit: image.fit == .stretch ? .stretch : .centreCrop)
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
enum LossLimit: Hashable, Sendable {
  /// Any: it trains without privacy.
  case unlimited
  /// At most this epsilon.
  case epsilon(Double)
  /// What the budget of the root leaves beside everything spent or announced there.
  case remainder
}

/// Where a run's files lie.
struct RunPlaces: Sendable {
  /// What must never be released: the frozen dataset, run.json, metrics.jsonl, files.jsonl.
  let internalFiles: String
  /// The folder of checkpoints.
  let checkpoints: String
  /// Where the release appears, whole or not at all.
  let release: String
  /// Where the images of a run without privacy appear instead.
  let unprotected: String
  /// The folder of all ledgers.
  let ledgers: String
  /// The folder of the ledgers' marks.
  let ledgerMarks: String
  /// The rights that the release gets; what stays inside has none but the owner's.
  var rights = ReleaseRights.ownerAlone

  /// Where the set of the run appears.
  func set(isProtected: Bool) -> SetPlace {
    SetPlace(
      isProtected ? release : unprotected, internalFiles: internalFiles,
      rights: isProtected ? rights : .ownerAlone)
  }
}
