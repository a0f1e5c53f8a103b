import Glibc

/// The measured trainings of this project, and the quality that they let expect of others.
public struct MeasurementTable: Hashable, Sendable {
  /// The name of its file in a folder of recipes.
  public static let fileName = "measurements.yaml"

  /// The entries, in the order of the file.
  public let rows: [Measurement]

  /// Below the weakest measured run of a recipe, the expected share falls by this much with each halving of the signal.
  ///
  /// A recipe whose weakest run had much signal has not shown yet where its images turn into noise. Others have: no
  /// fall between two measured runs that differ in their signal alone was steeper (`embedding-28` with 1,000 and 300
  /// digits at epsilon 10).
  static let fallPerHalving = 0.23
  /// Signals that differ by less count as equal, in halvings.
  private static let sameSignal = 0.3
  /// From so many images on, the signal alone decides.
  ///
  /// Measured with `multiscale-28`: 5,000 digits at epsilon 10 come about as far as 60,000 at epsilon 1, and 1,000 at
  /// epsilon 10 as far as 5,000 at epsilon 1. Fewer were measured at epsilon 10 alone.
  static let enoughImages = 1000

  /// Takes entries.
  public init(_ rows: [Measurement] = []) { self.rows = rows }

  /// The private trainings of a recipe's own network.
  func rows(of recipe: Recipe) -> [Measurement] {
    rows.filter { $0.isOf(recipe) && $0.isOfRecipeItself && $0.signal != nil }
  }

  /// The part of the way from guessing to training on as many real images that a classifier covers which learns
  /// from drawn images alone, 0...1; nil if no accuracy was measured.
  ///
  /// Without a reference of its own, an entry takes that of another on the same data with as many drawn images,
  /// or else 100 %.
  func share(of row: Measurement) -> Double? { row.accuracy.flatMap { share($0, of: row) } }

  /// How far the share at the lower end of an entry's interval lies below its share; 0 without an interval.
  private func margin(of row: Measurement) -> Double {
    guard let share = share(of: row),
      let least = row.interval?.first.flatMap({ self.share($0, of: row) })
    else { return 0 }
    return max(0, share - least)
  }

  private func share(_ accuracy: Double, of row: Measurement) -> Double? {
    let reference = rows.first {
      $0.real != nil && $0.data == row.data && $0.classes == row.classes
        && (row.drawn == nil || $0.drawn == row.drawn)
    }
    let real = row.real ?? reference?.real ?? 100
    guard real > row.guess else { return nil }
    return min(1, max(0, (accuracy - row.guess) / (real - row.guess)))
  }

  /// The quality that measured trainings let expect of a recipe; nil if none has an accuracy.
  ///
  /// Entries on each data set are interpolated over the logarithm of the signal. Sets whose entries enclose the
  /// signal are averaged; if there are none, the set with the nearest entry counts, and the share stays as it is
  /// above its strongest run and falls by `fallPerHalving` below its weakest. Sets with more images than the run do not
  /// count, nor do those with far fewer, unless they have `enoughImages`. Towards the next larger sets, the
  /// estimates of both are interpolated over the logarithm of the number. Below the smallest sets, the share falls
  /// with each halving of the number as it does for the signal, whichever falls further.
  ///
  /// - Parameters:
  ///   - epsilon: the epsilon of the run.
  ///   - units: the units of privacy that it learns from: images, unless a person has several.
  ///   - isCounted: which entries count; all by default.
  func quality(
    of recipe: Recipe, epsilon: Double, units: Int,
    where isCounted: (Measurement) -> Bool = { _ in true }
  ) -> ExpectedQuality? {
    guard epsilon > 0, units > 0 else { return nil }
    let measured = rows(of: recipe).filter(isCounted).compactMap { row -> Point? in
      guard let own = row.signal, let share = share(of: row) else { return nil }
      return Point(row: row, place: log2(own), share: share)
    }
    let place = log2(epsilon * Double(units))
    guard let found = Self.estimate(overSizes: measured, at: place, units: units) else {
      return nil
    }
    let distance = { (point: Point) in
      max(abs(point.place - place), abs(log2(Double(point.row.images) / Double(units))))
    }
    let evidence = found.evidence.sorted { distance($0) < distance($1) }.map(\.row)
    return ExpectedQuality(
      share: found.share, margin: evidence.first.map(margin) ?? 0, evidence: evidence,
      halvingsBelow: found.halvings < Self.sameSignal ? 0 : found.halvings,
      lacksImages: found.lacksImages)
  }

  private struct Point {
    let row: Measurement
    let place: Double
    let share: Double
  }

  private struct Estimate {
    var share: Double
    /// The entries that it rests on.
    var evidence: [Point]
    /// How often the weakest measured signal, or the smallest measured number of images, must be halved to get
    /// what is asked for; 0 or less if it need not be.
    var halvings = 0.0
    /// How far the signal lies outside of what was measured, in halvings or doublings; 0 inside.
    var outside = 0.0
    /// Whether the number of images lies further below than the signal.
    var lacksImages = false

    /// The estimate for fewer images than were measured, by a number of halvings; itself if none are lacking.
    func fallen(by halvings: Double) -> Estimate {
      // Rounding must not decide which of two equal distances counts.
      guard halvings > self.halvings + 1e-9 else { return self }
      var fallen = self
      fallen.share = max(0, share - fallPerHalving * (halvings - self.halvings))
      fallen.halvings = halvings
      fallen.lacksImages = true
      return fallen
    }

    /// The estimate between this one and that for more images.
    ///
    /// More images with the same signal are not worse.
    func mixed(with other: Estimate, weight: Double) -> Estimate {
      guard weight > 0, other.share > share else { return self }
      var mixed = self
      mixed.evidence += other.evidence
      mixed.share += weight * (other.share - share)
      mixed.halvings += weight * (other.halvings - halvings)
      return mixed
    }
  }

  /// The estimate for a signal and a number of images; nil without entries.
  private static func estimate(overSizes points: [Point], at place: Double, units: Int) -> Estimate?
  {
    let above = points.map(\.row.images).filter { $0 > units }.min()
    let next = above.map { size in
      (size: size, estimate: estimate(overSets: points.filter { $0.row.images == size }, at: place))
    }
    guard let below = points.map(\.row.images).filter({ $0 <= units }).max() else {
      return next.map {
        $0.estimate.fallen(by: log2(Double(min($0.size, enoughImages)) / Double(units)))
      }
    }
    let own = estimate(
      overSets: points.filter {
        $0.row.images <= units && $0.row.images >= min(enoughImages, below / 2)
      }, at: place)
    guard let next else { return own }
    return own.mixed(
      with: next.estimate,
      weight: log2(Double(units) / Double(below)) / log2(Double(next.size) / Double(below)))
  }

  /// The estimate from all sets of about one number of images.
  private static func estimate(overSets points: [Point], at place: Double) -> Estimate {
    let estimates = Dictionary(grouping: points, by: \.row.data)
      .map { estimate($0.value, at: place) }
      .sorted { ($0.outside, $0.evidence[0].row.data) < ($1.outside, $1.evidence[0].row.data) }
    let used = estimates[0].outside > 0 ? [estimates[0]] : estimates.filter { $0.outside == 0 }
    return Estimate(
      share: used.reduce(0) { $0 + $1.share } / Double(used.count),
      evidence: used.flatMap(\.evidence),
      halvings: used.map(\.halvings).max() ?? 0, outside: estimates[0].outside)
  }

  private static func estimate(_ points: [Point], at place: Double) -> Estimate {
    let sorted = points.sorted { ($0.place, $0.share) < ($1.place, $1.share) }
    let (weakest, strongest) = (sorted[0], sorted[sorted.count - 1])
    if place < weakest.place {
      let below = weakest.place - place
      return Estimate(
        share: max(0, weakest.share - fallPerHalving * below), evidence: [weakest], halvings: below,
        outside: below < sameSignal ? 0 : below)
    }
    guard let next = sorted.firstIndex(where: { $0.place >= place }), next > 0 else {
      let end = place > strongest.place ? strongest : weakest
      let above = abs(place - end.place)
      return Estimate(
        share: end.share, evidence: [end], outside: above < sameSignal ? 0 : above)
    }
    let (lower, upper) = (sorted[next - 1], sorted[next])
    let weight = (place - lower.place) / (upper.place - lower.place)
    return Estimate(
      share: lower.share + weight * (upper.share - lower.share),
      evidence: weight < 0.5 ? [lower, upper] : [upper, lower])
  }
}

/// The quality that measured trainings let expect.
public struct ExpectedQuality: Hashable, Sendable {
  /// The part of the way from guessing to training on as many real images that a classifier covers which learns
  /// from drawn images alone, 0...1.
  public let share: Double
  /// How far below the share the measurement with the nearest signal may lie, by the lower end of its interval.
  let margin: Double
  /// The measured trainings that it rests on, those with the nearest signal and number of images first; at least one.
  public let evidence: [Measurement]
  /// How often the signal of the weakest of them, or its number of images, must be halved to get what is asked
  /// for; 0 if nothing was extrapolated downwards.
  public let halvingsBelow: Double
  /// Whether images are lacking rather than signal.
  let lacksImages: Bool

  /// Whether a run was measured with about as few images and as little signal, or less.
  public var isMeasuredHere: Bool { halvingsBelow < 0.5 }

  /// Whether hardly anything of the way is left: a run would be spent on noise.
  var isWorthless: Bool { share < 0.1 }

  /// The share in percent, rounded as far as the evidence goes: to tens where it is extrapolated.
  public var percent: Int {
    guard halvingsBelow > 0 else { return Int((100 * share).rounded()) }
    return 10 * Int((10 * share).rounded())
  }
}
