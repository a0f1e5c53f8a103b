import FoundationEssentials
import Models
public import Privacy

extension TrainingAudit {
  /// A family of models as the audit trains it, with an ordinary recipe of the smallest size.
  public enum Family: String, CaseIterable, Encodable, Sendable {
    /// The GAN whose discriminator reads private images through convolutions.
    case dpGAN = "dp-gan"
    /// The autoregressive model of masked convolutions.
    case pixelModel = "pixel"
    /// The pixel model of a small copy, whose upsamplers learn in phases of their own.
    case multiscale
    /// The generator that matches one noisy sum of features; here the sum is asked in every step.
    case embedding
    /// The variational autoencoder, whose encoder and decoder both read private images.
    case vae
    /// The distilled generator, whose teacher, a GAN, reads private images.
    case distilled
    /// The private teacher of a taught generator: a linear classifier of scattering features.
    case taught

    /// Rows and columns of its images.
    var side: Int {
      switch self {
      case .dpGAN: 8
      case .pixelModel: 4
      case .embedding, .distilled, .multiscale, .taught, .vae: 8
      }
    }

    /// The phase that is attacked.
    var phase: String {
      switch self {
      case .dpGAN, .pixelModel, .multiscale, .embedding, .vae, .distilled: Models.Phase.training
      case .taught: PrivateTeacherSettings.phase
      }
    }

    /// The name prefix of the checkpoint arrays of the network that reads images.
    var network: String {
      switch self {
      case .dpGAN: "discriminator."
      case .pixelModel, .multiscale, .vae: "network."
      case .embedding: "generator."
      case .distilled: "teacher.\(Self.dpGAN.network)"
      case .taught: "private_teacher."
      }
    }

    /// The checkpoint array with Adam's first moment of the network that reads images, or with the newest
    /// noisy sum itself.
    var firstMoment: String {
      switch self {
      case .dpGAN: "discriminator_optimizer.firstMoment"
      case .pixelModel, .multiscale, .vae: "optimizer.firstMoment"
      case .embedding: "embedding.sum"
      case .distilled: "teacher.\(Self.dpGAN.firstMoment)"
      case .taught: "private_teacher_optimizer.firstMoment"
      }
    }

    /// The standard deviation of the values added to all weights of that network before an attack, so that none
    /// starts at zero, where any step can switch a rectifier.
    ///
    /// The teacher has no rectifier; its features are long, and with large weights it would be certain of some
    /// images, whose gradients would be shorter than the clip norm.
    var weightDeviation: Float {
      switch self {
      case .dpGAN, .pixelModel, .multiscale, .embedding, .vae, .distilled: 0.35
      case .taught: 0.02
      }
    }

    /// Whether the gradient of an image at the same weights differs between steps, as the code that is drawn for it
    /// does; which one it is in a step follows from the image and from public numbers.
    var drawsAnewInEachStep: Bool { self == .vae }

    /// The decay of that moment in the shipped recipes; 0 for a sum that replaces the one before.
    var momentDecay: Double {
      switch self {
      case .dpGAN, .distilled: 0.5
      case .pixelModel, .multiscale, .taught, .vae: 0.9
      case .embedding: 0
      }
    }

    /// The family's part of the recipe.
    ///
    /// Steps are so small that weights hardly change, and a direction that the attacker computes remains
    /// valid during a training. The guarantee holds for every step size.
    private var model: String {
      switch self {
      case .dpGAN:
        """
        {"width": 1, "generator_width": 1, "latent_size": 2, "discriminator_learning_rate": 1e-6,
         "generator_learning_rate": 1e-6, "beta1": \(momentDecay), "beta2": 0.999,
         "generator_batch_size": 2, "average_decay": 0.9,
         "schedule": {"start": 20, "grace": 40, "limit": 20}}
        """
      // Small copies are all nearly grey: with two levels, the images of the audit would be too much alike.
      case .multiscale:
        """
        {"stages": 1, "base": \(Self.pixelModel.model.replacing("\"bits\": 1", with: "\"bits\": 3")),
         "upsampler": {"channels": 2, "depth": 1, "bits": 1, "components": 1, "share": 0.1, "batch_size": 2,
          "steps": 1, "clip_norm": 0.05, "learning_rate": 1e-6, "average_decay": 0.9}}
        """
      case .pixelModel:
        """
        {"channels": 2, "depth": 1, "first_kernel": 3, "bits": 1, "output": "softmax",
         "class_regions": 1, "label_dropout": 0, "guidance": 1, "learning_rate": 1e-6,
         "warm_up_steps": 0, "final_rate": 1, "beta1": \(momentDecay), "beta2": 0.999,
         "average_decay": 0.9}
        """
      case .embedding:
        """
        {"features": 16, "generator_width": 1, "latent_size": 2, "steps": 1, "batch_size": 2,
         "learning_rate": 1e-6, "average_decay": 0.9}
        """
      case .vae:
        """
        {"latent_size": 2, "channels": 4, "depth": 1, "bits": 1, "output": "softmax", "kl_weight": 1,
         "kl_warm_up_steps": 0, "codes": "standard", "drawing": "mean", "learning_rate": 1e-6,
         "warm_up_steps": 0, "final_rate": 1, "beta1": \(momentDecay), "beta2": 0.999,
         "average_decay": 0.9}
        """
      case .distilled:
        """
        {"teacher": {"family": "\(Self.dpGAN.rawValue)", \(Self.dpGAN.model.dropFirst()),
         "images": 1, "steps": 1, "batch_size": 1, "width": 1, "generator_width": 1, "latent_size": 2,
         "discriminator_learning_rate": 1e-6, "generator_learning_rate": 1e-6, "average_decay": 0.9}
        """
      case .taught:
        """
        {"generator": {"family": "\(Self.pixelModel.rawValue)", \(Self.pixelModel.model.dropFirst()),
         "teacher": {"share": 0.5, "steps": 1, "batch_size": 1, "clip_norm": 1, "learning_rate": 1e-6}}
        """
      }
    }

    /// The recipe of `phase`, for a training of this number of steps.
    func recipe(_ phase: Phase, steps: Int) throws -> Recipe {
      let text = """
        {"name": "audit-\(rawValue)", "summary": "What the audit attacks.", "family": "\(rawValue)",
         "image": {"height": \(side), "width": \(side), "channels": 1},
         "training": {"batch_size": \(phase.batchSize), "steps": \(steps),
          "clip_norm": \(Phase.clipNorm), "noise": "\(phase.noise.rawValue)"},
         "model": \(model)}
        """
      return try JSONDecoder().decode(Recipe.self, from: Data(text.utf8))
    }
  }

  /// One run of an audited training.
  public struct Phase: Encodable, Hashable, Sendable {
    /// Not 1, so that omitting it is detected, and below the norm of every gradient.
    static let clipNorm = 0.05

    /// The kind of noise.
    public let noise: NoiseDistribution
    /// The claimed noise, in clip norms.
    public let noiseMultiplier: Double
    /// The number of steps.
    public let steps: Int
    /// The expected number of units in a batch; more than one, so that omitting the divisor is detected.
    public let batchSize: Int
    /// The number of units that the plan assumes.
    public let population: Int

    /// A run of `steps` steps; each unit is sampled with probability `batchSize`/`population`.
    public init(
      _ noise: NoiseDistribution, noiseMultiplier: Double, steps: Int, batchSize: Int = 2,
      population: Int
    ) {
      precondition(steps > 0 && batchSize > 0 && population > 0, "a run has steps and units")
      self.noise = noise
      self.noiseMultiplier = noiseMultiplier
      self.steps = steps
      self.batchSize = batchSize
      self.population = population
    }

    private enum CodingKeys: String, CodingKey {
      case noise
      case noiseMultiplier = "noise_multiplier"
      case steps
      case batchSize = "batch_size"
      case population
    }
  }
}
