import Compute
import Datasets
import Learning
import Privacy

/// Private training reduced to what the strongest attacker sees: a tiny network in which one
/// parameter is changed by one example alone, the canary.
///
/// The canary's gradient is nonzero only in that parameter (a Dirac gradient) and longer than the
/// clip norm, so the mechanism's whole sensitivity shows in one coordinate. Sampling, clipping,
/// noise and divisor are those that models train with (Nasr et al., arXiv 2302.07956).
struct CanaryMechanism {
  /// Other people's examples, who are in every data set.
  private static let ordinaryCount = 3
  private let mechanism: SubsampledGaussian
  private let network: PrivateNetwork
  private let pass: Pass
  /// The position of the canary's parameter in the gradient.
  private let coordinate: Int

  /// Builds the network that `mechanism` is run on.
  init(_ mechanism: SubsampledGaussian) {
    self.mechanism = mechanism
    let machine = Machine(threadCount: 1)
    var net = NetworkBuilder(input: Shape(2), on: machine)
    net.dense(1)
    network = net.privateNetwork(seed: 1)
    pass = Pass(on: machine)
    // The weights come first: one of the feature that all others have, one of the canary's.
    coordinate = network.parameters.parameters[0].offset + 1
  }

  /// The update that one step releases in the canary's coordinate, before any division by clip
  /// norm or batch size is undone; positive where the canary pulls.
  func releasedUpdate(withCanary isMember: Bool, noise: NoiseStream) -> Double {
    let candidateCount = Self.ordinaryCount + (isMember ? 1 : 0)
    let sampler = PoissonSampler(
      probability: mechanism.samplingProbability, candidateCount: candidateCount)
    var coins = noise
    let batch = Batch(places: sampler.draw(using: &coins), canary: Self.ordinaryCount)
    let gradient = network.privateGradient(
      over: PrivateExamples(batch), loss: HingeLoss(.generator), mechanism, noise: noise, in: pass)
    return -Double(gradient.values.pointer[coordinate])
  }

  /// The examples that the coins select for one step.
  private struct Batch: ExampleSource {
    let places: [Int32]
    /// The place of the canary.
    let canary: Int

    var count: Int { places.count }

    func labels(in range: Range<Int>) -> [Int] { [] }

    func fill(_ target: Tensor, from range: Range<Int>) {
      for (row, index) in range.enumerated() {
        let isCanary = Int(places[index]) == canary
        target.pointer[2 * row] = isCanary ? 0 : 1
        // So large that the share of the bias, which others move too, is lost in rounding.
        target.pointer[2 * row + 1] = isCanary ? 10_000 : 0
      }
    }
  }
}
