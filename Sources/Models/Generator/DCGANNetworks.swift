import Compute
import Learning

/// The two networks of a class-conditional DCGAN (Radford et al., arXiv 1511.06434), as in "Private
/// GANs, Revisited", with a class embedding added as a bias instead of label planes.
///
/// Only the generator may normalise over a batch: the discriminator must treat every example separately.
struct DCGANNetworks {
  /// How a generator normalises its activations.
  enum GeneratorNormalization: String, RecipeChoice {
    /// Not at all; the class is a bias of each layer.
    case none
    /// Over the batch, with scales and offsets of the class.
    case batch
  }

  /// How a discriminator normalises its activations.
  enum DiscriminatorNormalization: String, RecipeChoice {
    /// Not at all.
    case none
    /// Groups of channels within each image, in all layers but the first.
    case group
  }

  /// How a discriminator reads the class.
  enum ClassReading: String, RecipeChoice {
    /// As a bias of each layer and a factor of the features.
    case layers
    /// As a vector whose product with the features is added to a logit that does not know the class.
    case projection
  }

  /// The form of a discriminator.
  struct DiscriminatorForm: Hashable {
    /// How it reads the class.
    var classes = ClassReading.layers
    /// How it normalises.
    var normalization = DiscriminatorNormalization.none
  }

  /// One halving of a square image: its side before the stage, and the kernel for it.
  struct Stage: Equatable {
    let side: Int
    /// A 4×4 kernel halves an even side exactly; a 3×3 kernel halves an odd side, rounded up.
    var kernel: Int { side % 2 == 0 ? 4 : 3 }
    /// Rows or columns after the stage: 28 → 14 → 7 → 4, 32 → 16 → 8 → 4.
    var half: Int { (side + 1) / 2 }
  }

  /// The slope of every leaky rectifier.
  static let slope: Float = 0.2

  /// The initial class embeddings: far enough apart that both networks see the class immediately.
  ///
  /// Embeddings that start at zero stay there under noise and clipping, and the classes never separate.
  static let classSpread = Initialization.normal(standardDeviation: 0.5)

  /// The halvings from the full image down to at most four rows and columns.
  static func stages(for format: ImageSpecification) -> [Stage] {
    var stages: [Stage] = []
    var side = format.height
    while side > 4 {
      stages.append(Stage(side: side))
      side = Stage(side: side).half
    }
    return stages
  }

  /// The approximate number of parameters of both networks.
  static func roughParameterCount(
    width: Int, generatorWidth: Int, latentSize: Int, for format: ImageSpecification
  ) -> Double {
    let stages = stages(for: format).count
    let count = { (width: Int) -> Double in
      (0..<stages).reduce(0) { sum, index in
        let channels = Double(width) * Double(1 << index)
        return sum + 16 * channels * channels / 2 + Double(format.classes.count) * channels
      }
    }
    let seed = 16 * Double(generatorWidth) * Double(1 << max(0, stages - 1))
    return count(width) + count(generatorWidth) + Double(latentSize) * seed
  }

  /// Maps an image and a class to one logit: positive means real.
  static func discriminator(
    width: Int, form: DiscriminatorForm = DiscriminatorForm(), for format: ImageSpecification,
    seed: UInt64, on machine: Machine
  ) -> PrivateNetwork {
    var net = NetworkBuilder(input: format.shape, on: machine)
    let classes = format.classes.count > 1 ? format.classes.count : nil
    for (index, stage) in stages(for: format).enumerated() {
      net.convolution(width << index, kernel: stage.kernel, stride: 2, padding: 1)
      if form.normalization == .group, index > 0 {
        net.groupNorm(groups: groupCount(ofChannels: width << index))
      }
      if let classes, form.classes == .layers {
        net.classBias(classes: classes, initialization: classSpread)
      }
      net.leakyReLU(slope)
    }
    switch (classes, form.classes) {
    case (let classes?, .layers):
      // Each class reads the features with its own weights (after Miyato & Koyama, 1802.05637).
      net.classScale(classes: classes, initialization: classSpread)
      net.dense(1)
    case (let classes?, .projection):
      net.residual {
        $0.dense(1)
      } shortcut: {
        $0.classProjection(classes: classes)
      }
    case (nil, _): net.dense(1)
    }
    return net.privateNetwork(seed: seed)
  }

  /// Up to eight groups of channels, of equal size.
  static func groupCount(ofChannels channels: Int) -> Int {
    (1...8).last { channels.isMultiple(of: $0) } ?? 1
  }

  /// Maps a latent vector and a class to an image in [−1, 1].
  static func generator(
    width: Int, latentSize: Int, normalization: GeneratorNormalization = .none,
    for format: ImageSpecification, seed: UInt64, on machine: Machine
  ) -> Network {
    var net = PublicNetworkBuilder(input: Shape(latentSize), on: machine)
    let stages = stages(for: format)
    let channels = { (index: Int) in width << index }
    let side = stages[stages.count - 1].half
    let seedShape = Shape(side, side, channels(stages.count - 1))
    net.dense(seedShape.count)
    switch normalization {
    case .none:
      // Of the numbers, not of the channels: every place of the first layer has its own.
      addClasses(of: format, to: &net)
      net.reshape(seedShape)
    case .batch:
      net.reshape(seedShape)
      addNormalization(of: format, to: &net)
    }
    net.leakyReLU(slope)
    for (index, stage) in stages.enumerated().reversed() where index > 0 {
      net.transposedConvolution(
        channels(index - 1), kernel: stage.kernel, stride: 2, padding: 1)
      switch normalization {
      case .none: addClasses(of: format, to: &net)
      case .batch: addNormalization(of: format, to: &net)
      }
      net.leakyReLU(slope)
    }
    net.transposedConvolution(
      format.channels, kernel: stages[0].kernel, stride: 2, padding: 1)
    net.tanh()
    return net.network(seed: seed)
  }

  private static func addClasses(
    of format: ImageSpecification, to net: inout PublicNetworkBuilder
  ) {
    guard format.classes.count > 1 else { return }
    net.classBias(classes: format.classes.count, initialization: classSpread)
  }

  private static func addNormalization(
    of format: ImageSpecification, to net: inout PublicNetworkBuilder
  ) {
    net.batchNorm(
      classes: format.classes.count > 1 ? format.classes.count : nil, offsets: classSpread)
  }
}
