import Evaluation
import Models
import Privacy

extension TrainingCurve {
  /// The mean number of bits per channel of a pixel that a model needs for images that it never learns from.
  static let heldOutBitsPerDimension = TrainingCurve(
    "held_out_bits_per_dimension", title: "Bits per dimension of held-out images", .lower)
}

/// The curves of a training, read from `metrics.jsonl`, for a report.
struct TrainingCurves {
  /// Curves computed from the weights and from synthetic images alone.
  let free: Releasable<[TrainingSignal]>
  /// Curves computed from real images without noise.
  let real: Sensitive<[TrainingSignal]>

  /// The mean of the family's watched curve over the last tenth of the steps; nil without one.
  let watchedAtEnd: Releasable<Double>?

  /// The number of points of a curve: neighbouring steps are averaged.
  private static let binCount = 120

  /// Reads the curves of a run; there are none when the file does not exist.
  ///
  /// The watched curve is that of the family that draws, if another one does so inside `family`.
  init(
    in folder: String, steps: Int, family: any GenerativeModel.Type,
    drawnBy drawing: (any GenerativeModel.Type)? = nil
  ) throws {
    let titles = family.curves + [.heldOutBitsPerDimension]
    var free = Bins(steps: steps, titles: titles)
    var real = Bins(steps: steps, titles: titles)
    for line in try MetricsFile.lines(in: folder) {
      free.add(line.curves, at: line.step)
      real.add(line.privateCurves, at: line.step)
    }
    watchedAtEnd = (drawing ?? family).watchedCurve.flatMap { free.meanAtEnd(of: $0.name) }.map {
      Releasable($0, .postProcessing)
    }
    self.free = Releasable(free.signals, .postProcessing)
    self.real = Sensitive(real.signals)
  }

  /// Curves with neighbouring steps averaged.
  private struct Bins {
    let steps: Int
    var curves: [String: [Int: (sum: Double, count: Int)]] = [:]

    /// The curves that reports show.
    let titles: [TrainingCurve]

    init(steps: Int, titles: [TrainingCurve]) {
      self.steps = steps
      self.titles = titles
    }

    mutating func add(_ values: [String: Double], at step: Int) {
      let bin = step * TrainingCurves.binCount / max(1, steps)
      for (key, value) in values {
        let old = curves[key]?[bin] ?? (0, 0)
        curves[key, default: [:]][bin] = (old.sum + value, old.count + 1)
      }
    }

    /// The mean of a curve over the last tenth of the steps; nil if it has no values there.
    func meanAtEnd(of name: String) -> Double? {
      let last = (curves[name] ?? [:]).filter { $0.key >= TrainingCurves.binCount * 9 / 10 }.values
      let count = last.reduce(0) { $0 + $1.count }
      return count > 0 ? last.reduce(0) { $0 + $1.sum } / Double(count) : nil
    }

    var signals: [TrainingSignal] {
      titles.sorted { $0.name < $1.name }.compactMap { known in
        guard let title = known.title,
          let curve = curves[known.name]?.sorted(by: { $0.key < $1.key }), curve.count > 1
        else { return nil }
        return TrainingSignal(
          name: title, direction: known.goal == .lower ? .lower : .target,
          steps: curve.map {
            (Double($0.key) + 0.5) * Double(steps) / Double(TrainingCurves.binCount)
          },
          values: curve.map { $0.value.sum / Double($0.value.count) })
      }
    }
  }
}
