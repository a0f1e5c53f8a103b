import Glibc

/// The privacy loss of one elementary event, moved onto the grid …, −h, 0, h, 2h, … without ever
/// becoming smaller ("connect the dots", Doroshenko, Ghazi, Kamath, Kumar, Manurangsi, arXiv
/// 2207.04380).
///
/// For a pair (P, Q) the loss is L = ln(dP/dQ). The mass of a grid cell (ε_{i−1}, ε_i] is split
/// between the two ends so that both its P mass and its Q mass = ∫ e^{−L} dP are preserved: the
/// share that goes up is ∫ (1 − e^{ε_{i−1} − L}) dP / (1 − e^{−h}). The hockey-stick curve of the
/// result interpolates the true, convex one at the grid points, so it is above it everywhere, and
/// the error of one step falls with h².
struct DiscreteLoss {
  /// The grid index of the first mass.
  let firstIndex: Int
  /// P mass per grid point.
  let masses: [Double]
  /// P mass whose loss is treated as infinite.
  let infiniteMass: Double

  /// The losses of one event in both directions: removing the unit (P samples it, Q does not) and
  /// adding it.
  ///
  /// `tail` bounds the mass that may be declared infinite.
  static func bothDirections(
    _ event: ElementaryEvent, spacing: Double, tail: Double
  ) -> (removing: DiscreteLoss, adding: DiscreteLoss) {
    switch event {
    case .noise(let noise):
      var builder = DiscreteLossBuilder(noise, spacing: spacing, tail: tail)
      builder.addCells()
      return builder.losses
    case .choice(let epsilon):
      // Its profile is its own reverse, so both directions have one distribution.
      let loss = ChoiceLoss(epsilon: epsilon).discrete(spacing: spacing)
      return (loss, loss)
    }
  }

  /// How many grid points one event needs at a spacing; infinite when no Int could count them.
  static func pointCount(_ event: ElementaryEvent, spacing: Double, tail: Double) -> Double {
    let range =
      switch event {
      case .noise(let noise): LossCurve(noise).range(tail: tail)
      case .choice(let epsilon): -epsilon...epsilon
      }
    return (range.upperBound - range.lowerBound) / spacing + 2
  }
}

/// The loss of "removing", L(z) = ln(1 − q + q·exp((2z − 1)/(2σ²))), rising in the output z.
///
/// P is the mixture (1−q)·N(0, σ²) + q·N(1, σ²), Q is N(0, σ²).
struct LossCurve {
  let probability: Double
  let deviation: Double
  private let logProbability: Double

  init(_ event: SampledNoise) {
    probability = event.samplingProbability
    deviation = event.noiseMultiplier
    logProbability = log(event.samplingProbability)
  }

  func loss(at z: Double) -> Double {
    let exponent = (z - 0.5) / (deviation * deviation)
    if probability == 1 { return exponent }
    return exponent > 40 ? exponent + logProbability : log1p(probability * expm1(exponent))
  }

  /// The z at which the loss is `loss`; −∞ at and below the smallest loss, ln(1 − q).
  func output(at loss: Double) -> Double {
    if probability == 1 { return loss * deviation * deviation + 0.5 }
    if loss > 40 { return (loss - logProbability) * deviation * deviation + 0.5 }
    let growth = expm1(loss) / probability
    return growth <= -1 ? -.infinity : log1p(growth) * deviation * deviation + 0.5
  }

  /// The losses between outputs that both N(0, σ²) and N(1, σ²) leave with probability at most
  /// `tail` on either side: a standard normal exceeds k with probability below exp(−k²/2)/2.
  func range(tail: Double) -> ClosedRange<Double> {
    let reach = (-2 * log(tail)).squareRoot() * deviation
    return loss(at: -reach)...loss(at: 1 + reach)
  }
}

/// Walks over the cells of the grid once and fills both directions.
private struct DiscreteLossBuilder {
  private let curve: LossCurve
  private let spacing: Double
  private let first: Int
  private let last: Int
  private var removing: [Double]
  private var adding: [Double]
  private var removingInfinite = 0.0
  private var addingInfinite = 0.0

  init(_ event: SampledNoise, spacing: Double, tail: Double) {
    curve = LossCurve(event)
    self.spacing = spacing
    let range = curve.range(tail: tail)
    first = Int((range.lowerBound / spacing).rounded(.down))
    last = max(Int((range.upperBound / spacing).rounded(.up)), first + 1)
    removing = [Double](repeating: 0, count: last - first + 1)
    adding = removing
  }

  var losses: (removing: DiscreteLoss, adding: DiscreteLoss) {
    (
      DiscreteLoss(firstIndex: first, masses: removing, infiniteMass: removingInfinite),
      DiscreteLoss(firstIndex: -last, masses: adding, infiniteMass: addingInfinite)
    )
  }

  mutating func addCells() {
    let q = curve.probability
    let split = -expm1(-spacing)
    var lower = Boundary(curve.output(at: Double(first) * spacing), curve.deviation)
    // Losses below the grid move up to its first point when removing; when adding they are the
    // largest losses, and count as infinite.
    removing[0] += (1 - q) * lower.without.below + q * lower.with.below
    addingInfinite += lower.without.below
    for index in (first + 1)...last {
      let floor = Double(index - 1) * spacing
      let ceiling = Double(index) * spacing
      let upper = Boundary(curve.output(at: ceiling), curve.deviation)
      let without = lower.without.mass(to: upper.without)
      let with = lower.with.mass(to: upper.with)
      let mixture = (1 - q) * without + q * with
      // Removing: P − e^floor·Q, in the form that cancels least.
      var up = floor > 600 ? mixture : (q * with - (expm1(floor) + q) * without) / split
      up = min(max(up, 0), mixture)
      removing[index - first] += up
      removing[index - 1 - first] += mixture - up
      // Adding: the loss is −L, so the cell's ends change places.
      let shrink = exp(-ceiling)
      up =
        ceiling < -600
        ? without : (without * (q * shrink - expm1(-ceiling)) - q * shrink * with) / split
      up = min(max(up, 0), without)
      adding[last - index + 1] += up
      adding[last - index] += without - up
      lower = upper
    }
    removingInfinite += (1 - q) * lower.without.above + q * lower.with.above
    adding[0] += lower.without.above
  }
}

/// An output z, seen from N(0, σ²) (the unit is not in the sample) and from N(1, σ²) (it is).
private struct Boundary {
  let without: NormalQuantile
  let with: NormalQuantile

  init(_ z: Double, _ deviation: Double) {
    without = NormalQuantile(z / deviation)
    with = NormalQuantile((z - 1) / deviation)
  }
}

/// A point of the standard normal distribution with its smaller tail, so that the mass between
/// two points far out keeps its digits.
private struct NormalQuantile {
  let position: Double
  let tail: Double

  init(_ position: Double) {
    self.position = position
    tail = 0.5 * erfc(abs(position) * 0.5.squareRoot())
  }

  var below: Double { position < 0 ? tail : 1 - tail }
  var above: Double { position < 0 ? 1 - tail : tail }

  /// The mass between this point and one further right.
  func mass(to upper: NormalQuantile) -> Double {
    if position >= 0 { return max(0, tail - upper.tail) }
    if upper.position <= 0 { return max(0, upper.tail - tail) }
    return max(0, 1 - tail - upper.tail)
  }
}
