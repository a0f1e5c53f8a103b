import Glibc

/// Accounting by privacy loss distributions: nearly exact, always an upper bound.
///
/// For both directions of adding and removing a unit, the loss of each event is put on a grid
/// without becoming smaller, all losses are added by Fourier transform, and the grid is refined
/// until the answer no longer changes. Every grid gives a valid bound; the smallest is kept.
///
/// The bound is nearly exact for the noise and sampling of training. Below a noise multiplier of
/// about 0.03 it is loose: losses then lie in clumps, one for each number of steps that sampled the
/// unit, and the tilt that centres the sum on the answer may centre it on the next clump. For three
/// steps with probability 0.01 and multiplier 0.02 it is 3946 instead of 2623 at delta 1e-5.
/// Neither value protects a unit.
public struct PrivacyLossAccountant: PrivacyAccountant {
  /// The name that statements use.
  public static let name = "PLD"

  /// Everything that has been composed.
  public private(set) var tally = EventTally()

  /// Refinement stops when the remaining error of the grid is about this share of epsilon.
  static let standardTolerance = 1e-4
  /// The share of delta that is given up to cutting off tails.
  private static let tailShare = 1e-7
  /// No grid has more points than this: about half a second of work.
  private static let pointLimit = 1 << 21

  /// Starts with the empty history.
  public init() {}

  /// Adds `times` runs of `event`.
  public mutating func compose(_ event: PrivacyEvent, times: Int) throws(PrivacyError) {
    try tally.add(event, times: times)
  }

  /// An upper bound on the privacy loss at `delta`; infinite when no bound is representable.
  public func epsilon(atDelta delta: Double) throws(PrivacyError) -> Double {
    try epsilon(atDelta: delta, tolerance: Self.standardTolerance)
  }

  /// The same with a grid that is refined more or less; a bound in any case.
  func epsilon(atDelta delta: Double, tolerance: Double) throws(PrivacyError) -> Double {
    try Valid.delta(delta)
    if tally.isEmpty { return 0 }
    if isUnbounded { return .infinity }
    let renyi = try RenyiAccountant(tally).bound(atDelta: delta)
    guard renyi.epsilon > 0, renyi.epsilon < .infinity else { return renyi.epsilon }
    let scale = max(renyi.epsilon, 1e-6)
    var refinement = Refinement(
      spacing: min(scale / 256, (0.4 * scale / Double(tally.total)).squareRoot()),
      tolerance: tolerance)
    var directions = [Direction(guess: renyi.order - 1), Direction(guess: renyi.order - 1)]
    while true {
      guard
        let losses = discreteLosses(
          spacing: refinement.spacing, tail: Self.tailShare * delta / Double(tally.total))
      else { break }
      // The worse direction first; the other keeps the bound it has when that is smaller.
      var freshBound = 0.0
      for index in directions.indices.sorted(by: { directions[$0].bound > directions[$1].bound })
      where directions[index].bound >= freshBound {
        let composed = ComposedLoss(losses[index], spacing: refinement.spacing)
        directions[index].refine(composed, delta: delta, limit: Self.pointLimit)
        freshBound = max(freshBound, directions[index].bound)
      }
      let bound = directions.map(\.bound).max() ?? .infinity
      if !refinement.next(after: bound) { break }
    }
    return directions.map(\.bound).max() ?? .infinity
  }

  /// An upper bound on the delta at which `epsilon` holds: the hockey-stick divergence of the worse
  /// direction, at epsilon 0 the total variation distance.
  ///
  /// The grid's error in epsilon is about 1e-4, so that of delta is about 1e-4 of delta.
  public func delta(atEpsilon epsilon: Double) throws(PrivacyError) -> Double {
    guard epsilon >= 0, epsilon < .infinity else {
      throw .outOfRange(
        argument: "epsilon", value: "\(epsilon)", expected: "a finite number, 0 or more")
    }
    if tally.isEmpty { return 0 }
    if isUnbounded { return 1 }
    let spacing = min(2e-4, (1e-4 / Double(tally.total)).squareRoot())
    guard let losses = discreteLosses(spacing: spacing, tail: 1e-15 / Double(tally.total)) else {
      return 1
    }
    var worst = 0.0
    for terms in losses {
      let composed = ComposedLoss(terms, spacing: spacing)
      let tilt = composed.tilt(forEpsilon: epsilon, near: 2)
      guard let window = composed.window(tilt, limit: Self.pointLimit) else { return 1 }
      worst = max(worst, window.delta(atEpsilon: epsilon))
    }
    return worst
  }

  /// Whether the history contains an event without a known loss distribution: that of the discrete
  /// Gaussian depends on the contributions themselves.
  ///
  /// The Rényi bound holds for it.
  private var isUnbounded: Bool { tally.counts.keys.contains { $0.noise == .discreteGaussian } }

  private typealias Terms = [(loss: DiscreteLoss, times: Int)]

  /// The losses of all events for both directions; nil when the grid would have too many points.
  private func discreteLosses(spacing: Double, tail: Double) -> [Terms]? {
    var (removing, adding): (Terms, Terms) = ([], [])
    for (event, times) in Self.merged(tally) {
      guard
        DiscreteLoss.pointCount(event, spacing: spacing, tail: tail) <= Double(Self.pointLimit)
      else { return nil }
      let both = DiscreteLoss.bothDirections(event, spacing: spacing, tail: tail)
      removing.append((both.removing, times))
      adding.append((both.adding, times))
    }
    return [removing, adding]
  }

  /// The tally with all accesses to everyone merged into one: Gaussians of multipliers σ_k release
  /// together what one Gaussian with 1/σ² = Σ 1/σ_k² releases.
  private static func merged(_ tally: EventTally) -> [(event: ElementaryEvent, times: Int)] {
    var result: [(event: ElementaryEvent, times: Int)] = []
    var precision = 0.0
    for (event, times) in tally.sorted {
      if let noise = event.sampledNoise, noise.samplingProbability == 1 {
        precision += Double(times) / (noise.noiseMultiplier * noise.noiseMultiplier)
      } else {
        result.append((event, times))
      }
    }
    // Rounded down by a few units in the last place, so that the merged noise is not larger.
    let multiplier = 1 / precision.squareRoot() * (1 - 1e-14)
    if precision > 0,
      let gaussian = try? ElementaryEvent(samplingProbability: 1, noiseMultiplier: multiplier)
    {
      result.append((gaussian, 1))
    }
    return result
  }
}

/// One direction of adjacency while the grid is being refined.
private struct Direction {
  /// The smallest bound so far.
  var bound = Double.infinity
  private var guess: Double
  private var tilt: ComposedLoss.Tilt?

  init(guess: Double) { self.guess = guess }

  mutating func refine(_ composed: ComposedLoss, delta: Double, limit: Int) {
    // The tilt only has to be near the answer, so the one found on the first grid serves all.
    let tilt = self.tilt ?? composed.tilt(forDelta: delta, near: guess)
    self.tilt = tilt
    guard let window = composed.window(tilt, limit: limit) else { return }
    bound = min(bound, window.epsilon(atDelta: delta))
  }
}

/// Chooses the next grid from how much the last refinement changed the answer.
private struct Refinement {
  private(set) var spacing: Double
  private let tolerance: Double
  private var previous: (spacing: Double, bound: Double)?
  private var rounds = 0

  init(spacing: Double, tolerance: Double) {
    self.spacing = spacing
    self.tolerance = tolerance
  }

  /// Whether another grid is needed after this one gave `bound`; then `spacing` is finer.
  mutating func next(after bound: Double) -> Bool {
    rounds += 1
    guard bound > 0, rounds < 12 else { return false }
    guard let last = previous, last.bound.isFinite, bound.isFinite else {
      previous = (spacing, bound)
      spacing /= 2
      return true
    }
    // The error is about c·h², so two grids determine c.
    let ratio = last.spacing / spacing
    let error = max(0, last.bound - bound) / (ratio * ratio - 1)
    let allowed = tolerance * bound + 1e-6
    if error <= allowed { return false }
    previous = (spacing, bound)
    // Far from the goal the estimate is only a direction. Where single losses are finer than the
    // grid the error falls more slowly than h²: after predictions that failed, go further.
    let longest = error > 0.02 * bound ? 0.2 : 0.05
    let caution = rounds > 3 ? 0.35 : 0.7
    spacing *= min(0.6, max(longest, (caution * allowed / error).squareRoot()))
    return true
  }
}
