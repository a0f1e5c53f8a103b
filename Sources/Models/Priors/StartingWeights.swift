import Compute
import Learning

/// The weights of a released model, from which another one may start.
///
/// They are public: whatever they know of private images is covered by the statement of that release.
public struct StartingWeights {
  /// What draws in that model.
  let weights: Checkpoint
  /// Its classes, in label order.
  let classes: [String]

  /// Takes the weights of a released model that draws images of these classes.
  public init(of model: any GenerativeModel, classes: [String]) {
    var weights = Checkpoint()
    model.saveGenerator(into: &weights)
    self.weights = weights
    self.classes = classes
  }
}

extension GenerativeModel {
  /// Refuses: a family that states no such prior cannot start from a released model.
  public func start(from release: StartingWeights) throws {
    throw RecipeFailure(
      "family \(Self.family): its models cannot start from a released one. Take a recipe of another family."
    )
  }
}

extension AveragedNetwork {
  /// The ending of the names of parameters that belong to classes.
  private static let classTable = ".table"

  /// Takes over the parameters that have the same names and shapes in a released network.
  ///
  /// Parameters of classes are taken over only if both models have the same classes.
  ///
  /// - Parameter classes: the classes of this network.
  /// - Throws: `RecipeFailure` if fewer than half of the other parameters fit.
  func start(from release: StartingWeights, classes: [String]) throws {
    var (fitting, total) = (0, 0)
    for parameter in parameters.parameters {
      let isOfClasses = parameter.name.hasSuffix(Self.classTable)
      if !isOfClasses { total += parameter.shape.count }
      guard !isOfClasses || classes == release.classes,
        let found = release.weights.tensors["\(names.network).\(parameter.name)"],
        found.shape == parameter.shape.extents
      else { continue }
      guard found.values.allSatisfy(\.isFinite) else {
        throw RecipeFailure(
          "prior: \(names.network).\(parameter.name) of the released model holds a number that is not finite (finite "
            + "weights expected). Take another release.")
      }
      parameters.values(of: parameter).assign(found.values)
      if !isOfClasses { fitting += parameter.shape.count }
    }
    guard 2 * fitting >= total else {
      throw RecipeFailure(
        "prior: only \(fitting) of \(total) parameters of the released model fit into \(names.network) (at least half "
          + "expected). Take a recipe of the same family, channels and depth as that of the release."
      )
    }
    network.network.parametersChanged()
    average.restart()
  }
}
