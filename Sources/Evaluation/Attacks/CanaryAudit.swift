import Glibc

/// A lower bound on epsilon from canaries: images that a fair coin included in or excluded from the
/// training set (Steinke, Nasr & Jagielski, arXiv 2305.08846).
public struct CanaryAudit: Sendable {
  /// How well the attack distinguishes inserted canaries from the others.
  public let ranking: MembershipRanking
  /// The number of guesses, half of them "inserted", and the number of correct ones.
  public let guessCount: Int, rightCount: Int
  /// Epsilon is at least this, with 95 % confidence; zero if the attack shows nothing.
  public let epsilonLowerBound: Double

  /// Audits by scores; higher scores mean "inserted".
  ///
  /// - Precondition: The coins were fair and independent of the images, at least eight canaries.
  public init(scores: [Double], wasInserted: [Bool], delta: Double) {
    precondition(scores.count == wasInserted.count, "a score for every canary")
    let inserted = zip(scores, wasInserted).filter { $0.1 }.map { $0.0 }
    let left = zip(scores, wasInserted).filter { !$0.1 }.map { $0.0 }
    ranking = MembershipRanking(members: inserted, nonMembers: left)
    let order = scores.indices.sorted { scores[$0] > scores[$1] }
    // Count only the most certain guesses. Four numbers of guesses are tried, so each gets a quarter of
    // the error.
    let shares = [0.1, 0.25, 0.5, 1.0]
    var best = (bound: -1.0, guesses: 0, right: 0)
    for share in shares {
      let half = max(1, Int(Double(scores.count) * share) / 2)
      let right =
        order.prefix(half).count { wasInserted[$0] } + order.suffix(half).count { !wasInserted[$0] }
      let bound = Self.epsilonBound(
        canaries: scores.count, guesses: 2 * half, right: right, delta: delta,
        error: 0.05 / Double(shares.count))
      if bound > best.bound { best = (bound, 2 * half, right) }
    }
    guessCount = best.guesses
    rightCount = best.right
    epsilonLowerBound = best.bound
  }

  /// The largest epsilon that this number of correct guesses refutes.
  static func epsilonBound(
    canaries: Int, guesses: Int, right: Int, delta: Double, error: Double
  ) -> Double {
    func isRefuted(_ epsilon: Double) -> Bool {
      probability(
        canaries: canaries, guesses: guesses, right: right, epsilon: epsilon, delta: delta) < error
    }
    guard isRefuted(0) else { return 0 }
    var low = 0.0
    var high = 1.0
    while high < 64, isRefuted(high) {
      low = high
      high *= 2
    }
    for _ in 0..<60 {
      let middle = (low + high) / 2
      if isRefuted(middle) { low = middle } else { high = middle }
    }
    return low
  }

  /// The probability of at least this number of correct guesses under (ε, δ): theorem 5.2 of the paper.
  static func probability(
    canaries: Int, guesses: Int, right: Int, epsilon: Double, delta: Double
  ) -> Double {
    let success = 1 / (1 + exp(-epsilon))
    let tail =
      right == 0
      ? 1 : SpecialFunctions.regularizedBeta(success, Double(right), Double(guesses - right + 1))
    var steepest = 0.0
    var sum = 0.0
    if right > 0 {
      for step in 1...right {
        sum += binomial(right - step, of: guesses, success: success)
        steepest = max(steepest, sum / Double(step))
      }
    }
    return min(1, tail + 2 * steepest * delta * Double(canaries))
  }

  private static func binomial(_ count: Int, of trials: Int, success: Double) -> Double {
    let k = Double(count)
    let n = Double(trials)
    return exp(
      lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1) + k * log(success)
        + (n - k) * log1p(-success))
  }
}
