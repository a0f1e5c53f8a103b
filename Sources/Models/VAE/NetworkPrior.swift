import Compute
import Datasets
import Glibc
public import Learning

/// The distribution of codes that a Bayesian network over the class and the bins of their numbers gives.
///
/// The network knows nothing of images: it learns the rows as it learns any table, which is the usual way with such
/// networks (the data are preprocessed). Within its bin, a number has the normal distribution. Until the network has
/// learnt, all bins are equally likely, and codes have the standard normal distribution.
struct NetworkPrior {
  /// The network over class and bins.
  let network: BayesianNetwork
  /// The bins of every number.
  let bins: NormalBins

  /// A prior that has learnt nothing.
  init(
    _ settings: VAESettings, for format: ImageSpecification, seed: UInt64, on machine: Machine
  ) throws {
    bins = settings.bins
    network = try BayesianNetwork(
      VAESettings.network, for: settings.table(for: format), seed: seed, on: machine)
  }

  /// Draws a code of a class: a row of the network, and then each number within its bin.
  func draw(_ label: Int, from stream: inout SeededStream) -> [Float] {
    // One row at a time: an image depends on no other one of its request.
    let rows = network.rows(for: SampleRequest(labels: [label], seed: stream.next()))
    return rows[0].codes.map { bins.number(in: Int($0), at: stream.uniform()) }
  }

  /// The logarithm of the density of a code of a class: the probability of its bins, and the densities within them.
  func logDensity(of code: [Double], _ label: Int) -> Double {
    let row = TableRow(label: label, codes: code.map { UInt8(bins.bin(of: $0)) })
    return code.reduce(network.logProbability(ofCodesOf: row)) { $0 + bins.logDensity(of: $1) }
  }
}

extension VAESettings {
  /// The number of bins of a number by default.
  static let defaultBins = 8
  /// The network over the bins: the family's defaults.
  static let network = BayesianNetworkSettings(mode: .correlated)
  /// The most columns and classes of a network.
  static let mostNumbersInNetwork = EliminationOrder.mostColumns - 1, mostClassesInNetwork = 256

  /// The bins of a code's numbers.
  var bins: NormalBins { NormalBins(count: codeBins ?? Self.defaultBins) }

  /// The table that the codes of images make: one column of bins for each number.
  func table(for format: ImageSpecification) -> ImageSpecification {
    let names = (0..<(codeBins ?? Self.defaultBins)).map { "bin \($0)" }
    return ImageSpecification(
      height: format.height, width: format.width, channels: format.channels,
      classes: format.classes,
      columns: (0..<latentSize).map {
        ColumnDomain(name: "code \($0)", values: .categories(names), allowsMissing: false)
      })
  }

  /// The phases of the network, which have `share` of epsilon together.
  func networkPhases(for format: ImageSpecification, share: Double) -> [PhaseOutline] {
    BayesianNetwork.phases(of: Self.network, for: table(for: format), share: share).map { phase in
      PhaseOutline(
        phase.name, "of the class and the bins of codes: \(phase.purpose)", phase.work,
        share: phase.share)
    }
  }
}

// Learning the network from the codes of private images.
extension VAE {
  /// The private images as rows of the bins of their codes.
  ///
  /// The encoder must have its averaged weights while the rows are read.
  private func rows(of images: PrivateExamples, _ prior: NetworkPrior) -> PrivateExamples {
    // Noise that no step of the training has.
    layers.codes.round = .max
    let codes = binned ?? BinnedCodes(of: layers.encoder, bins: prior.bins, on: machine)
    binned = codes
    return quantized(images).rows(of: codes)
  }

  /// The noisy tables of the class and of each number's bins.
  func measureColumns(
    _ step: TrainingStep, of images: PrivateExamples, _ prior: NetworkPrior
  ) throws -> StepReport {
    try averaged.withAverage { _ in try prior.network.step(step, on: rows(of: images, prior)) }
  }

  /// A round of the network.
  public func round(_ round: SelectionRound, on images: PrivateExamples) throws -> StepReport {
    guard let prior = networkPrior else {
      preconditionFailure("codes \(settings.codes) have no rounds")
    }
    return try averaged.withAverage { _ in
      try prior.network.round(round, on: rows(of: images, prior))
    }
  }

  /// Draws a code of a class.
  func drawCode(
    _ label: Int, temperature: Double, from stream: inout SeededStream
  ) -> [Float] {
    networkPrior?.draw(label, from: &stream)
      ?? prior.draw(label, temperature: temperature, from: &stream)
  }

  /// The logarithm of the density of a code of a class.
  func logDensity(ofCode code: [Double], _ label: Int) -> Double {
    networkPrior?.logDensity(of: code, label) ?? prior.logDensity(of: code, label)
  }
}
