/// How well scores distinguish members of the training set from other images.
public struct MembershipRanking: Sendable {
  /// The true positive rate at a false positive rate.
  public struct Operation: Sendable, Encodable {
    /// The allowed share of non-members that are classified as members.
    public let falsePositiveRate: Double
    /// The share of members found; by chance it equals the false positive rate.
    public let truePositiveRate: Double
    /// The interval of the true share, given the threshold.
    public let interval: Interval
  }

  /// The probability that a member scores above a non-member; one half by guessing.
  public let areaUnderCurve: Double
  /// The 95 % interval of the true area.
  public let interval: Interval
  /// The lower bound with 99.9 % confidence, for alarms, because many attacks are run on each set.
  public let cautiousLowerBound: Double
  /// The rates at 1 % and 0.1 % false positives.
  public let operations: [Operation]
  /// The number of images of each kind.
  public let memberCount: Int, nonMemberCount: Int
  /// Points of the receiver operating characteristic, for drawing.
  public let curve: [(falsePositiveRate: Double, truePositiveRate: Double)]
  /// Whether the share of members found at 1 % false positives significantly exceeds chance.
  public let findsSomeMembers: Bool

  /// Ranks scores; higher scores mean "member".
  public init(members: [Double], nonMembers: [Double]) {
    precondition(!members.isEmpty && !nonMembers.isEmpty, "a ranking needs both kinds of images")
    memberCount = members.count
    nonMemberCount = nonMembers.count
    let sortedMembers = members.sorted()
    let sortedOthers = nonMembers.sorted()
    let memberPlaces = members.map { Self.place(of: $0, in: sortedOthers) }
    let otherPlaces = nonMembers.map { 1 - Self.place(of: $0, in: sortedMembers) }
    let area = memberPlaces.reduce(0, +) / Double(members.count)
    // DeLong, DeLong & Clarke-Pearson 1988: the variance from each score's rank among the others.
    let error =
      (Self.variance(memberPlaces) / Double(members.count)
      + Self.variance(otherPlaces) / Double(nonMembers.count)).squareRoot()
    areaUnderCurve = area
    interval = Interval.normal(area, standardError: error, method: "DeLong").ofShare
    cautiousLowerBound =
      Interval.normal(area, standardError: error, confidence: 0.998, method: "").low
    operations = [0.01, 0.001].map { Self.operation(at: $0, sortedMembers, sortedOthers) }
    findsSomeMembers = Self.exceedsChance(sortedMembers, sortedOthers)
    curve = Self.curve(sortedMembers, sortedOthers)
  }

  /// The share of sorted scores below a score, ties counting one half.
  private static func place(of score: Double, in sorted: [Double]) -> Double {
    let below = sorted.firstIndexInOrder { $0 >= score }
    let notAbove = sorted.firstIndexInOrder { $0 > score }
    return (Double(below) + Double(notAbove)) / 2 / Double(sorted.count)
  }

  private static func variance(_ values: [Double]) -> Double {
    guard values.count > 1 else { return 0 }
    let mean = values.reduce(0, +) / Double(values.count)
    return values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count - 1)
  }

  /// Classifies as members all above the lowest score that at most the allowed share of non-members exceeds.
  private static func accusations(
    _ rate: Double, _ members: [Double], _ others: [Double]
  ) -> (found: Int, accused: Int) {
    let allowed = Int((rate * Double(others.count)).rounded(.down))
    let threshold = others[others.count - 1 - allowed]
    let found = members.count - members.firstIndexInOrder { $0 > threshold }
    let accused = others.count - others.firstIndexInOrder { $0 > threshold }
    return (found, accused)
  }

  private static func operation(
    at rate: Double, _ members: [Double], _ others: [Double]
  ) -> Operation {
    let found = accusations(min(rate, 1 - 1 / Double(others.count)), members, others).found
    return Operation(
      falsePositiveRate: rate, truePositiveRate: Double(found) / Double(members.count),
      interval: .proportion(found, of: members.count))
  }

  private static func exceedsChance(_ members: [Double], _ others: [Double]) -> Bool {
    let counts = accusations(min(0.01, 1 - 1 / Double(others.count)), members, others)
    // The threshold is an estimate, too, so both shares get an interval, and the intervals must not
    // overlap.
    let found = Interval.proportion(counts.found, of: members.count, confidence: 0.998)
    let accused = Interval.proportion(counts.accused, of: others.count, confidence: 0.998)
    return found.low > max(accused.high, 0.01)
  }

  private static func curve(
    _ members: [Double], _ others: [Double]
  ) -> [(falsePositiveRate: Double, truePositiveRate: Double)] {
    var rates: [Double] = []
    var rate = 1 / Double(others.count)
    while rate < 1 {
      rates.append(rate)
      rate *= 1.25
    }
    return rates.map { rate in
      let found = accusations(min(rate, 1 - 1 / Double(others.count)), members, others).found
      return (rate, Double(found) / Double(members.count))
    } + [(1, 1)]
  }
}
