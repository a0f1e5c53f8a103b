import Compute
import Learning

/// The classifiers that measure the utility of synthetic images.
///
/// They are the usual ones in the literature: logistic regression, a perceptron with one hidden layer of 100
/// units, and the small convolutional network of "Private GANs, Revisited" (Bie, Kamath & Zhang, arXiv
/// 2302.02936), two convolutions of 32 and 64 filters and a dense layer of 128 units.
public enum ClassifierKind: String, CaseIterable, Hashable, Sendable, Codable {
  /// One dense layer.
  case logisticRegression = "logistic-regression"
  /// One hidden layer of 100.
  case perceptron = "mlp-100"
  /// Two convolutions, pooling, a dense layer of 128.
  case convolutional = "cnn"

  /// The name for readers.
  public var title: String {
    switch self {
    case .logisticRegression: "Logistic regression"
    case .perceptron: "Perceptron, 100 hidden"
    case .convolutional: "Convolutional network"
    }
  }

  /// A network of this kind for images of `shape`, its weights drawn from `seed`.
  func network(_ shape: Shape, classCount: Int, on machine: Machine, seed: UInt64) -> Network {
    var net = NetworkBuilder(input: shape, on: machine)
    switch self {
    case .logisticRegression: break
    case .perceptron:
      net.dense(100)
      net.leakyReLU(0)
    case .convolutional:
      net.convolution(32, kernel: 3)
      net.leakyReLU(0)
      net.convolution(64, kernel: 3)
      net.leakyReLU(0)
      net.maxPooling(2)
      net.dense(Self.featureWidth)
      net.leakyReLU(0)
    }
    net.dense(classCount)
    return net.network(seed: seed)
  }

  /// The width of the convolutional network's last hidden layer.
  static let featureWidth = 128
}
