import Compute
import Learning

/// Weights that a model takes over before its first step: those of a released model, or of a file beside the recipe.
///
/// They are public: whatever a released model knows of private images is covered by the statement of that release, and
/// a file beside a recipe was learnt from images that a program draws.
public struct StartingWeights {
  /// Where the weights come from.
  enum Origin: Hashable, Sendable {
    /// A released model.
    case release
    /// The file of this name beside the recipe.
    case file(String)
  }

  /// Where they come from.
  let origin: Origin
  /// What draws in that model.
  let weights: Checkpoint
  /// Its classes, in label order; a network of one class has no parameters of classes.
  let classes: [String]
  /// How the weights of a file were learnt, by the part of its recipe; empty for those of a release.
  let priors: [String: PriorSettings]

  /// Takes the weights of a released model that draws images of these classes.
  public init(of model: any GenerativeModel, classes: [String]) {
    self.init(origin: .release, model, classes: classes, priors: [:])
  }

  /// Takes the weights of a file beside a recipe, made by `PreTraining`.
  ///
  /// - Parameters:
  ///   - name: the file's name without its ending.
  ///   - recipe: the recipe by which the file was made.
  ///   - model: the model in the file.
  ///   - classes: its classes.
  /// - Throws: `RecipeFailure` for a model that learnt from other images than those that a program draws.
  public init(
    file name: String, of recipe: Recipe, model: any GenerativeModel, classes: [String]
  ) throws {
    let priors = recipe.model.priors
    guard classes.count == 1, !priors.isEmpty,
      priors.values.allSatisfy({ $0.source == .procedural })
    else {
      let sources = priors.values.map(\.source.rawValue).sorted().joined(separator: ", ")
      throw RecipeFailure(
        "weights \(name): a model with \(classes.count == 1 ? "one class" : "\(classes.count) classes") of recipe "
          + "\(recipe.name), whose priors are: \(sources.isEmpty ? "none" : sources) (one class, and priors that are "
          + "procedural, expected). Make the file with figmentd pretrain.")
    }
    self.init(
      origin: .file(name), model, classes: classes, priors: priors.mapValues(\.learning))
  }

  private init(
    origin: Origin, _ model: any GenerativeModel, classes: [String],
    priors: [String: PriorSettings]
  ) {
    var weights = Checkpoint()
    model.saveGenerator(into: &weights)
    self.init(origin: origin, weights: weights, classes: classes, priors: priors)
  }

  init(
    origin: Origin, weights: Checkpoint, classes: [String], priors: [String: PriorSettings] = [:]
  ) {
    self.origin = origin
    self.weights = weights
    self.classes = classes
    self.priors = priors
  }

  /// The same weights for the network that this part of a recipe describes.
  func part(_ name: String) -> StartingWeights {
    StartingWeights(
      origin: origin, weights: weights, classes: classes,
      priors: priors[name].map { ["": $0] } ?? [:])
  }

  /// Whether there are parameters of a network.
  func holds(_ network: String) -> Bool {
    weights.tensors.keys.contains { $0.hasPrefix(network + ".") }
  }

  /// The same weights with those of one network under the name of another.
  func renaming(_ network: String, to name: String) -> StartingWeights {
    guard network != name else { return self }
    var renamed = weights
    for (key, values) in weights.tensors where key.hasPrefix(network + ".") {
      renamed.tensors[name + key.dropFirst(network.count)] = values
    }
    return StartingWeights(origin: origin, weights: renamed, classes: classes, priors: priors)
  }

  /// What holds the weights, in words.
  var holder: String {
    switch origin {
    case .release: "the released model"
    case .file(let name): PriorSettings.file(name)
    }
  }

  /// The values for a parameter of a model with other classes or the same; nil if there are none.
  ///
  /// Rows of a table belong to classes. The network of a file has one class, and one row for each corner of a block:
  /// every class starts from the same rows. The rows of a released model belong to its own classes.
  func values(of name: String, _ shape: Shape, isOfClasses: Bool, classes: [String]) -> [Float]? {
    guard let found = weights.tensors[name] else { return nil }
    if origin == .release || !isOfClasses {
      let fits = found.shape == shape.extents && (!isOfClasses || self.classes == classes)
      return fits ? found.values : nil
    }
    guard found.shape.count == 2, shape.rank == 2,
      found.shape[1] == shape[1], found.shape[0] > 0, shape[0].isMultiple(of: found.shape[0])
    else { return nil }
    return (0..<(shape[0] / found.shape[0])).flatMap { _ in found.values }
  }
}

extension GenerativeModel {
  /// Refuses: a family that states no such prior cannot start from weights.
  public func start(from weights: StartingWeights) throws {
    throw RecipeFailure(
      "family \(Self.family): its models cannot start from \(weights.holder). Take a recipe of another family."
    )
  }
}

extension AveragedNetwork {
  /// The ending of the names of parameters that belong to classes.
  private static let classTable = ".table"

  /// Takes over the parameters that have the same names and shapes, if the prior asks for these weights.
  ///
  /// Parameters of classes are taken over only from a released model of the same classes, or from a file.
  ///
  /// - Parameters:
  ///   - prior: what the recipe says that this network starts from.
  ///   - classes: the classes of this network.
  /// - Throws: `RecipeFailure` if fewer than half of the other parameters fit, or not all of a file's, and if the
  ///   weights of a file were not learnt as the prior says.
  func start(from start: StartingWeights, _ prior: PriorSettings?, classes: [String]) throws {
    guard let prior, prior.takes(start) else { return }
    let isFile = prior.source != .release
    if isFile, start.priors[""] != prior.learning {
      throw RecipeFailure(
        "prior: the weights in \(start.holder) were not learnt in \(prior.steps) steps of \(prior.batchSize) images at "
          + "learning rate \(prior.learningRate), as the recipe says. Make them again with figmentd pretrain."
      )
    }
    var (fitting, total) = (0, 0)
    for parameter in parameters.parameters {
      let isOfClasses = parameter.name.hasSuffix(Self.classTable)
      if !isOfClasses { total += parameter.shape.count }
      let name = "\(names.network).\(parameter.name)"
      guard
        let values = start.values(
          of: name, parameter.shape, isOfClasses: isOfClasses, classes: classes)
      else { continue }
      guard values.allSatisfy(\.isFinite) else {
        throw RecipeFailure(
          "prior: \(name) of \(start.holder) holds a number that is not finite (finite weights expected). Take "
            + "others.")
      }
      parameters.values(of: parameter).assign(values)
      if !isOfClasses { fitting += parameter.shape.count }
    }
    guard isFile ? fitting == total : 2 * fitting >= total else {
      throw RecipeFailure(
        "prior: only \(fitting) of \(total) parameters of \(start.holder) fit into \(names.network) "
          + "(\(isFile ? "all" : "at least half") expected). Take a recipe of the same family, channels and depth."
      )
    }
    network.network.parametersChanged()
    average.restart()
  }
}
