import Compute
import Learning

/// The public features in which classes are compared: activations of random convolutions, and small copies of
/// the image.
enum EmbeddingFeatures {
  /// Sides at which convolutions and copies end.
  private static let grid = 8
  /// The weight of the small copy beside the convolutions.
  private static let pixelWeight: Float = 1
  /// The seed of the random filters: the same for every run, so that nothing depends on it.
  private static let seed: UInt64 = 0x5EED_FEA7

  /// The features of images of `format`.
  static func map(
    _ settings: EmbeddingSettings, for format: ImageSpecification, on machine: Machine
  ) -> FeatureMap {
    FeatureMap(
      [(convolutions(settings, format, machine), 1), (copies(format, machine), pixelWeight)],
      of: format.shape, on: machine)
  }

  /// Random filters that halve the image until its side is at most `grid`.
  private static func convolutions(
    _ settings: EmbeddingSettings, _ format: ImageSpecification, _ machine: Machine
  ) -> Network {
    var net = NetworkBuilder(input: format.shape, on: machine)
    var channels = settings.features
    for stage in DCGANNetworks.stages(for: format) {
      net.convolution(channels, kernel: stage.kernel, stride: 2, padding: 1)
      net.leakyReLU(DCGANNetworks.slope)
      if stage.half <= grid { break }
      channels *= 2
    }
    return net.network(seed: seed)
  }

  /// Means over squares, until the side is at most `grid`.
  private static func copies(_ format: ImageSpecification, _ machine: Machine) -> Network {
    var net = NetworkBuilder(input: format.shape, on: machine)
    var side = format.height
    repeat {
      net.averagePooling(2)
      side /= 2
    } while side > grid
    return net.network(seed: seed)
  }
}
