public import Compute
public import Learning

/// What to draw from a pixel model.
///
/// An image depends on the seed, its place in `labels`, its label and the options alone: neither on
/// the images beside it nor on the number of threads.
public struct PixelSampling {
  /// Images whose upper rows are kept and whose lower rows are drawn.
  public struct Completion {
    /// Rows that are kept, from the top.
    public let rows: Int
    /// As many images as are drawn; values are brought to the model's levels.
    public let images: any ExampleSource

    /// Creates a request to complete images.
    public init(rows: Int, of images: any ExampleSource) {
      self.rows = rows
      self.images = images
    }
  }

  /// The class of each image.
  public var labels: [Int]
  /// Where all random numbers come from.
  public var seed: UInt64
  /// One draws from the model itself; less makes likely images likelier.
  public var temperature: Double
  /// How far images go from those of any class towards their own: logits are moved from those
  /// without a class, u, to u + guidance · (own − u).
  ///
  /// One draws from the model itself; more makes classes clearer and images less varied. It needs
  /// output softmax and a recipe with `label_dropout`, and doubles the cost.
  public var guidance: Double
  /// Given upper rows, if any.
  public var completion: Completion?

  /// Creates a request for one image per label.
  public init(
    labels: [Int], seed: UInt64, temperature: Double = 1, guidance: Double = 1,
    completion: Completion? = nil
  ) {
    self.labels = labels
    self.seed = seed
    self.temperature = temperature
    self.guidance = guidance
    self.completion = completion
  }

  /// Creates a request for a number of images of each class, in the order of classes.
  public init(
    classCounts: [Int], seed: UInt64, temperature: Double = 1, guidance: Double = 1,
    completion: Completion? = nil
  ) {
    self.init(
      labels: classCounts.enumerated().flatMap { Array(repeating: $0.offset, count: $0.element) },
      seed: seed, temperature: temperature, guidance: guidance, completion: completion)
  }
}

/// Images that a pixel model drew.
public struct PixelDraw {
  /// The place of the first image in the request.
  public let first: Int
  /// images × height × width × channels in [−1, 1]; valid during the call that hands it over.
  public let images: Tensor
  /// The model's log-likelihood of each image in nats, at temperature and guidance one; of a completed
  /// image, that of the drawn rows given the others.
  public let logLikelihoods: [Double]
}

extension PixelModel {
  /// Draws images with the averaged weights and hands them over in order, some at a time.
  public func draw(
    _ sampling: PixelSampling, _ receive: (_ drawn: PixelDraw) throws -> Void
  ) throws {
    try validate(sampling)
    let group = groupSize(of: sampling)
    let groupCount = (sampling.labels.count + group - 1) / group
    let workers = min(machine.threads.threadCount, groupCount)
    let samplers = (0..<workers).map { _ in makeSampler() }
    for round in Swift.stride(from: 0, to: groupCount, by: max(1, workers)) {
      let ranges = (round..<min(groupCount, round + workers)).map {
        ($0 * group)..<min(sampling.labels.count, ($0 + 1) * group)
      }
      machine.threads.forEach(ranges.count) { index, _ in
        samplers[index].draw(sampling, ranges[index])
      }
      for (sampler, range) in zip(samplers, ranges) {
        try receive(
          PixelDraw(
            first: range.lowerBound, images: sampler.images.examples(from: 0, count: range.count),
            logLikelihoods: sampler.logLikelihoods))
      }
    }
  }

  /// Images that a thread draws together: as many as a sampler takes, or fewer, so that all threads
  /// have about as much to do in every round.
  private func groupSize(of sampling: PixelSampling) -> Int {
    // With guidance each image is evaluated with and without its class.
    let largest = PixelSampler.groupSize / (sampling.guidance == 1 ? 1 : 2)
    let threads = machine.threads.threadCount
    let rounds = (sampling.labels.count + largest * threads - 1) / (largest * threads)
    return max(1, (sampling.labels.count + rounds * threads - 1) / max(1, rounds * threads))
  }

  /// A sampler with the averaged weights.
  func makeSampler() -> PixelSampler {
    let columns = average.withAverage(in: network.network) {
      GatedColumns(layout, capacity: PixelSampler.groupSize) { name in
        guard let parameter = network.parameters.parameters.first(where: { $0.name == name }) else {
          preconditionFailure("no parameter \(name)")
        }
        return network.parameters.values(of: parameter)
      }
    }
    return PixelSampler(
      columns, levels: levels, distribution: distribution,
      absentLabel: settings.absentLabel(for: format))
  }

  private func validate(_ sampling: PixelSampling) throws {
    guard sampling.temperature > 0, sampling.temperature.isFinite else {
      throw RecipeFailure(
        "sampling: temperature is \(sampling.temperature) (a number above 0 expected).")
    }
    guard sampling.guidance >= 0, sampling.guidance.isFinite else {
      throw RecipeFailure("sampling: guidance is \(sampling.guidance) (0 or more expected).")
    }
    guard sampling.guidance == 1 || settings.canGuide(for: format) else {
      throw RecipeFailure(
        "sampling: guidance is \(sampling.guidance) (1 expected: the recipe has no label_dropout, "
          + "one class or another output than softmax).")
    }
    let classCount = max(1, format.classes.count)
    if let label = sampling.labels.first(where: { !(0..<classCount).contains($0) }) {
      throw RecipeFailure("sampling: class \(label) (0 to \(classCount - 1) expected).")
    }
    guard let completion = sampling.completion else { return }
    guard (0...format.height).contains(completion.rows) else {
      throw RecipeFailure(
        "sampling: \(completion.rows) given rows (0 to \(format.height) expected).")
    }
    guard completion.images.count == sampling.labels.count else {
      throw RecipeFailure(
        "sampling: \(completion.images.count) images to complete "
          + "(one per label, \(sampling.labels.count), expected).")
    }
  }
}
