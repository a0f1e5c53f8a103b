import Glibc

/// Measures how well two samples of scores can be distinguished: the hockey-stick divergence, the maximum
/// over tests of P[test] − e^ε·Q[test].
///
/// For every test, an (ε, δ) mechanism bounds that difference by δ.
struct HockeyStickTest {
  /// A test "the score is at least the threshold", or "is below it", and how often it was positive.
  struct Outcome {
    /// The rate of true positives and of false positives.
    let truePositives: Double, falsePositives: Double
    /// Simultaneous exact bounds: a lower bound of the first, an upper bound of the second.
    let truePositivesAtLeast: Double, falsePositivesAtMost: Double
    /// The number of scores of each kind.
    let count: Int

    /// The measured divergence.
    func estimate(_ epsilon: Double) -> Double { truePositives - exp(epsilon) * falsePositives }

    /// A lower bound of the divergence.
    func lowerBound(_ epsilon: Double) -> Double {
      truePositivesAtLeast - exp(epsilon) * falsePositivesAtMost
    }

    /// The standard error of the estimate.
    func standardError(_ epsilon: Double) -> Double {
      let variance =
        truePositives * (1 - truePositives)
        + exp(2 * epsilon) * falsePositives * (1 - falsePositives)
      return (variance / Double(count)).squareRoot()
    }

    /// The smallest epsilon at `delta` of a mechanism that allows this outcome; 0 if it shows nothing.
    func epsilonLowerBound(delta: Double) -> Double {
      guard truePositivesAtLeast > delta, falsePositivesAtMost > 0 else { return 0 }
      return max(0, log((truePositivesAtLeast - delta) / falsePositivesAtMost))
    }
  }

  /// For each epsilon, the outcomes of the best tests for adding and for removing the canary.
  let outcomes: [[Outcome]]

  /// Chooses thresholds on the first half of the scores and measures them on the second, so that the choice
  /// does not bias the measurement.
  ///
  /// All bounds hold simultaneously except with probability `error`.
  init(with: [Double], without: [Double], epsilons: [Double], error: Double) {
    precondition(with.count == without.count && with.count > 1, "as many runs with as without")
    let half = with.count / 2
    let chosen = Samples(with[..<half], without[..<half])
    let measured = Samples(with[half...], without[half...])
    // Two proportions, two directions, every epsilon; `proportion` splits again into two sides.
    let confidence = 1 - 2 * error / Double(4 * epsilons.count)
    outcomes = epsilons.map { epsilon in
      let removing = measured.upper(chosen.bestUpper(epsilon))
      let adding = measured.lower(chosen.bestLower(epsilon))
      return [removing, adding].map { Self.outcome($0, of: measured.count, confidence) }
    }
  }

  private static func outcome(
    _ positives: (right: Int, wrong: Int), of count: Int, _ confidence: Double
  ) -> Outcome {
    let right = Interval.proportion(positives.right, of: count, confidence: confidence)
    let wrong = Interval.proportion(positives.wrong, of: count, confidence: confidence)
    return Outcome(
      truePositives: Double(positives.right) / Double(count),
      falsePositives: Double(positives.wrong) / Double(count),
      truePositivesAtLeast: right.low, falsePositivesAtMost: wrong.high, count: count)
  }

  /// Equal numbers of scores of both kinds.
  private struct Samples {
    let with: [Double], without: [Double]

    init(_ with: ArraySlice<Double>, _ without: ArraySlice<Double>) {
      self.with = with.sorted()
      self.without = without.sorted()
    }

    var count: Int { with.count }

    /// Scores of either kind at or above a threshold; those of runs with the canary are right.
    func upper(_ threshold: Double) -> (right: Int, wrong: Int) {
      (count - Self.below(threshold, with), count - Self.below(threshold, without))
    }

    /// Scores of either kind below a threshold; those of runs without the canary are right.
    func lower(_ threshold: Double) -> (right: Int, wrong: Int) {
      (Self.below(threshold, without), Self.below(threshold, with))
    }

    func bestUpper(_ epsilon: Double) -> Double {
      best(epsilon, thresholds: with) { upper($0) }
    }

    func bestLower(_ epsilon: Double) -> Double {
      best(epsilon, thresholds: without.map(\.nextUp)) { lower($0) }
    }

    private func best(
      _ epsilon: Double, thresholds: [Double], _ positives: (Double) -> (right: Int, wrong: Int)
    ) -> Double {
      let weight = exp(epsilon)
      var best = (value: -Double.infinity, threshold: 0.0)
      for threshold in thresholds {
        let (right, wrong) = positives(threshold)
        let value = Double(right) - weight * Double(wrong)
        if value > best.value { best = (value, threshold) }
      }
      return best.threshold
    }

    /// Elements of a sorted array below a value.
    private static func below(_ value: Double, _ sorted: [Double]) -> Int {
      sorted.firstIndexInOrder { $0 >= value }
    }
  }
}
