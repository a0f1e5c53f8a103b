import Evaluation
import FoundationEssentials

/// The curves of a training, read from `metrics.jsonl`, for a report.
struct TrainingCurves {
  /// Curves computed from the weights and from synthetic images alone.
  let free: [TrainingSignal]
  /// Curves that real images entered.
  let real: [TrainingSignal]

  /// The share of synthetic images that the discriminator recognised over the last tenth of the
  /// steps; nil without a discriminator.
  let fakeAccuracyAtEnd: Double?

  /// The places of a curve: steps are put together, so that the moments at which a run reported,
  /// which depend on how long steps took, are not told.
  private static let binCount = 120

  /// What is known to be post-processing; every other value counts as computed from real images.
  private static let freeNames = [
    "fake_accuracy": "Share of synthetic images that the discriminator recognises",
    "discriminator_loss_fakes": "Discriminator's loss on synthetic images",
    "generator_loss": "Generator's loss",
  ]

  private static let realNames = [
    "bits_per_dimension": ("Bits per dimension of training images", Metric.Direction.lower)
  ]

  /// Reads the curves of a run; there are none where the file is absent.
  init(in folder: String, steps: Int) throws {
    var bins: [String: [Int: (sum: Double, count: Int)]] = [:]
    let name = "metrics.jsonl"
    let lines =
      try DurableFile.names(in: folder).contains(name)
      ? DurableFile.read("\(folder)/\(name)").split(separator: 0x0A) : []
    for line in lines {
      // A crash may have cut the last line.
      guard let values = try? JSONDecoder().decode([String: Double].self, from: Data(line)),
        let step = values["step"]
      else { continue }
      let bin = Int(step) * Self.binCount / max(1, steps)
      for (key, value) in values {
        let old = bins[key]?[bin] ?? (0, 0)
        bins[key, default: [:]][bin] = (old.sum + value, old.count + 1)
      }
    }
    func signal(_ key: String, _ title: String, _ direction: Metric.Direction) -> TrainingSignal? {
      guard let curve = bins[key]?.sorted(by: { $0.key < $1.key }), curve.count > 1 else {
        return nil
      }
      return TrainingSignal(
        name: title, direction: direction,
        steps: curve.map { (Double($0.key) + 0.5) * Double(steps) / Double(Self.binCount) },
        values: curve.map { $0.value.sum / Double($0.value.count) })
    }
    free = Self.freeNames.sorted { $0.key < $1.key }
      .compactMap { signal($0.key, $0.value, .target) }
    let last = (bins["fake_accuracy"] ?? [:]).filter { $0.key >= Self.binCount * 9 / 10 }.values
    let count = last.reduce(0) { $0 + $1.count }
    fakeAccuracyAtEnd = count > 0 ? last.reduce(0) { $0 + $1.sum } / Double(count) : nil
    real = Self.realNames.compactMap { signal($0.key, $0.value.0, $0.value.1) }
  }
}
