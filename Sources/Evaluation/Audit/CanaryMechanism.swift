import Compute
import Datasets
import Learning
import Privacy

/// Private training of a tiny network in which only one example, the canary, changes one parameter.
///
/// This reduces training to what the strongest attacker observes.
///
/// The canary's gradient is nonzero only in that parameter (a Dirac gradient) and longer than the
/// clip norm, so one coordinate shows the mechanism's whole sensitivity. Sampling, clipping, noise and
/// divisor are those of real trainings (Nasr et al., arXiv 2302.07956).
struct CanaryMechanism {
  /// The number of other examples, which are in every data set.
  private static let ordinaryCount = 3
  private let mechanism: SubsampledGaussian
  private let network: PrivateNetwork
  private let pass: Pass
  /// The position of the canary's parameter in the gradient.
  private let coordinate: Int

  /// Builds the network for `mechanism`.
  init(_ mechanism: SubsampledGaussian) {
    self.mechanism = mechanism
    let machine = Machine(threadCount: 1)
    var net = NetworkBuilder(input: Shape(2), on: machine)
    net.dense(1)
    network = net.privateNetwork(seed: 1)
    pass = Pass(on: machine)
    // The weights come first: that of the feature of all other examples, then that of the canary's feature.
    coordinate = network.parameters.parameters[0].offset + 1
  }

  /// The released update of one step in the canary's coordinate, in the scale of the release; the canary's
  /// contribution is positive.
  func releasedUpdate(withCanary isMember: Bool, noise: NoiseStream) -> Double {
    let candidateCount = Self.ordinaryCount + (isMember ? 1 : 0)
    let sampler = PoissonSampler(
      probability: mechanism.samplingProbability, candidateCount: candidateCount)
    var coins = noise
    let batch = Batch(places: sampler.draw(using: &coins), canary: Self.ordinaryCount)
    let gradient = network.noisedGradient(
      over: PrivateExamples(batch), loss: HingeLoss(.generator), mechanism, noise: noise, in: pass)
    return -Double(gradient.values.pointer[coordinate])
  }

  /// The examples sampled for one step.
  private struct Batch: ExampleSource {
    let places: [Int32]
    /// The index of the canary.
    let canary: Int

    var count: Int { places.count }

    func labels(in range: Range<Int>) -> [Int] { [] }

    func fill(_ target: Tensor, from range: Range<Int>) {
      for (row, index) in range.enumerated() {
        let isCanary = Int(places[index]) == canary
        target.pointer[2 * row] = isCanary ? 0 : 1
        // So large that the gradient of the bias, which others change, too, vanishes in rounding.
        target.pointer[2 * row + 1] = isCanary ? 10_000 : 0
      }
    }
  }
}
