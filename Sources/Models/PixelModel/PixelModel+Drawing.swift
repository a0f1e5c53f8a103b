public import Compute
import Learning

/// Images that a pixel model drew.
public struct PixelDraw {
  /// The index of the first image in the request.
  public let first: Int
  /// images × height × width × channels in [−1, 1]; valid only during the call that receives it.
  public let images: Tensor
  /// The model's log-likelihood of each image in nats, at temperature and guidance one; for a
  /// completed image, the log-likelihood of the drawn rows given the others.
  public let logLikelihoods: [Double]
}

extension PixelModel {
  /// Draws images with the averaged weights and passes them on in order, some at a time.
  ///
  /// Guidance needs output softmax and a recipe with `label_dropout`, and doubles the cost.
  public func draw(
    _ request: SampleRequest, completing completion: Completion? = nil,
    _ receive: (_ drawn: PixelDraw) throws -> Void
  ) throws {
    let guidance = request.guidance ?? settings.guidance
    try settings.validate(request, for: format)
    if let completion { try validate(completion, for: request) }
    let labelCount = request.labels.count
    let group = groupSize(for: labelCount, isGuided: guidance != 1)
    let groupCount = (labelCount + group - 1) / group
    let workers = min(machine.threads.threadCount, groupCount)
    let samplers = (0..<workers).map { _ in makeSampler(guidance: guidance) }
    for round in Swift.stride(from: 0, to: groupCount, by: max(1, workers)) {
      let ranges = (round..<min(groupCount, round + workers)).map {
        ($0 * group)..<min(labelCount, ($0 + 1) * group)
      }
      machine.threads.forEach(ranges.count) { index, _ in
        samplers[index].draw(request, completing: completion, ranges[index])
      }
      for (sampler, range) in zip(samplers, ranges) {
        try receive(
          PixelDraw(
            first: range.lowerBound, images: sampler.images.examples(from: 0, count: range.count),
            logLikelihoods: sampler.logLikelihoods))
      }
    }
  }

  /// The number of images that a thread draws together: the sampler's group size, or fewer, so that
  /// all threads have about the same work in every round.
  private func groupSize(for labelCount: Int, isGuided: Bool) -> Int {
    // With guidance, each image is evaluated with and without its class.
    let largest = PixelSampler.groupSize / (isGuided ? 2 : 1)
    let threads = machine.threads.threadCount
    let rounds = (labelCount + largest * threads - 1) / (largest * threads)
    return max(1, (labelCount + rounds * threads - 1) / max(1, rounds * threads))
  }

  /// Creates a sampler with the averaged weights.
  private func makeSampler(guidance: Double) -> PixelSampler {
    let columns = averaged.withAverage { _ in
      GatedColumns(layout, capacity: PixelSampler.groupSize) { name in
        guard let parameter = network.parameters.parameters.first(where: { $0.name == name }) else {
          preconditionFailure("no parameter \(name)")
        }
        return network.parameters.values(of: parameter)
      }
    }
    return PixelSampler(
      columns, levels: levels, distribution: distribution,
      absentLabel: settings.absentLabel(for: format), guidance: guidance)
  }

  private func validate(_ completion: Completion, for request: SampleRequest) throws {
    guard (0...format.height).contains(completion.rows) else {
      throw RecipeFailure(
        "sampling: \(completion.rows) given rows (0 to \(format.height) expected).")
    }
    guard completion.images.count == request.labels.count else {
      throw RecipeFailure(
        "sampling: \(completion.images.count) images to complete "
          + "(one per label, \(request.labels.count), expected).")
    }
  }
}

extension PixelModelSettings {
  /// Checks that a model with these settings supports `request`.
  public func validate(_ request: SampleRequest, for format: ImageSpecification) throws {
    let guidance = request.guidance ?? guidance
    try request.requireTemperatureAndLabels(for: format)
    try SampleRequest.require(guidance, called: "guidance", in: SampleRequest.guidances)
    guard guidance == 1 || canGuide(for: format) else {
      throw RecipeFailure(
        "sampling: guidance is \(guidance) (1 expected: the recipe has no label_dropout, "
          + "one class or another output than softmax).")
    }
  }
}
