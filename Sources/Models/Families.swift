public import Compute

/// The model families of this program.
///
/// The list is constant: a family is part of the privacy argument and needs review.
public enum Families {
  /// The families that read private images and draw by themselves.
  public static let plain: [any GenerativeModel.Type] = [
    DPGAN.self, PixelModel.self, Multiscale.self, Embedding.self, VAE.self,
  ]

  /// All families: behind those that draw images by themselves, those with a model of another family inside, and
  /// tables.
  public static let all: [any GenerativeModel.Type] =
    plain + [
      Distilled.self, Taught.self, BayesianNetwork.self, AttributedImages.self,
    ]

  /// The names of the families that compute the likelihood of images.
  public static let withLikelihood = plain.filter { $0 is any LikelihoodModel.Type }.map {
    $0.family
  }

  /// The family of this name.
  public static func named(_ name: String) -> (any GenerativeModel.Type)? {
    all.first { $0.family == name }
  }
}

extension GenerativeModel {
  /// Reads the family's part of a recipe.
  static func settings(from decoder: any Decoder) throws -> any ModelSettings {
    try Settings(from: decoder)
  }

  /// Creates an untrained model of settings that are known to be the family's.
  static func make(
    _ settings: any ModelSettings, for format: ImageSpecification, seed: UInt64, on machine: Machine
  ) throws -> any GenerativeModel {
    guard let own = settings as? Settings else {
      preconditionFailure("a recipe holds the settings of its own family")
    }
    return try Self(own, for: format, seed: seed, on: machine)
  }

  /// The phases of settings that are known to be the family's.
  static func phases(
    of settings: any ModelSettings, training: TrainingSettings, for format: ImageSpecification
  ) -> [PhaseOutline] {
    guard let own = settings as? Settings else {
      preconditionFailure("a recipe holds the settings of its own family")
    }
    return phases(of: own, training: training, for: format)
  }
}

extension Recipe {
  /// The phases in which a model of this recipe learns.
  ///
  /// - Parameter training: the recipe's own settings, with what an order changes in them.
  public func phases(training: TrainingSettings, classes: [String]) -> [PhaseOutline] {
    familyType.phases(of: model, training: training, for: format(classes: classes))
  }

  /// Creates an untrained model from this recipe.
  public func makeModel(
    classes: [String], seed: UInt64, on machine: Machine
  ) throws -> any GenerativeModel {
    try validate(classes: classes)
    return try familyType.make(model, for: format(classes: classes), seed: seed, on: machine)
  }
}
