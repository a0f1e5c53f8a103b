import Datasets

/// What an attacker learns about one column of a record, who knows its other columns and has the synthetic table.
public struct InferenceFinding: Sendable {
  /// The name of the secret column.
  public let column: String
  /// The records of each kind, and how many secrets were guessed right: of training rows, and of rows that the model has
  /// never seen.
  public let count: Int, memberHits: Int, nonMemberHits: Int
  /// How often the most frequent value of the synthetic table is right for training rows.
  public let baseline: Double

  /// The share of right guesses about training rows, and about other rows.
  public var memberRate: Double { Double(memberHits) / Double(max(1, count)) }
  /// The share of right guesses about rows that the model has never seen.
  public var nonMemberRate: Double { Double(nonMemberHits) / Double(max(1, count)) }

  /// The risk of the column.
  public var risk: ResidualRisk {
    ResidualRisk(memberHits: memberHits, nonMemberHits: nonMemberHits, count: count)
  }
}

/// The advantage of an attacker about training rows, over all secret columns.
public struct InferenceAdvantage: Sendable {
  /// The mean share of a record's secrets that are guessed right: of training rows, and of other rows.
  public let memberRate: Double, nonMemberRate: Double
  /// The standard error of their difference; records are independent, the secrets of a record are not.
  public let standardError: Double

  /// The difference of the two rates; 0 if being in the training table makes no difference.
  public var value: Double { memberRate - nonMemberRate }

  /// The interval of the difference.
  public func interval(confidence: Double = 0.95) -> Interval {
    Interval.normal(
      value, standardError: standardError, confidence: confidence, method: "normal over records")
  }

  /// The lower end of a one-in-a-thousand interval, for verdicts.
  public var cautiousLowerBound: Double { interval(confidence: 0.998).low }

  /// From the share of right guesses for each record.
  init(members: [Double], nonMembers: [Double]) {
    func moments(_ values: [Double]) -> (mean: Double, variance: Double) {
      let count = Double(max(1, values.count))
      let mean = values.reduce(0, +) / count
      let sum = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
      return (mean, sum / max(1, count - 1) / count)
    }
    let (own, other) = (moments(members), moments(nonMembers))
    memberRate = own.mean
    nonMemberRate = other.mean
    standardError = (own.variance + other.variance).squareRoot()
  }
}

/// The attack on all secret columns, with its controls.
public struct InferenceFindings: Sendable {
  /// The training rows that were attacked, the same number of other rows, and the synthetic rows.
  public let recordCount: Int, syntheticCount: Int
  /// One for each secret column.
  public let columns: [InferenceFinding]
  /// All columns together.
  public let advantage: InferenceAdvantage
  /// The same with other training rows in place of the synthetic table; nil if there are too few.
  ///
  /// It shows the effect of differences between the training and the test table alone.
  public let null: InferenceAdvantage?
  /// The same with the attacked rows in place of the synthetic table, which must be noticed.
  public let positive: InferenceAdvantage

  /// Whether training rows are known better than others, significantly and more than in the null control.
  public var isFlagged: Bool {
    advantage.cautiousLowerBound > max(0, null?.interval().high ?? 0)
  }

  /// Whether the attacker has an advantage, with less certainty than a flag requires.
  public var isToldApart: Bool { !isFlagged && advantage.interval().low > 0 }

  /// Whether the attack notices a copied training table; otherwise its result means nothing.
  public var seesCopies: Bool { positive.cautiousLowerBound > 0 }
}

/// Attribute inference from the nearest synthetic rows: all columns but one are known.
///
/// Stadler, Oprisanu & Troncoso 2022 (arXiv 2011.07018) and Giomi and others 2023 (arXiv 2211.10459) describe it.
/// Distances are Gower's: a category differs by 0 or 1, a number by the difference of its bins relative to all of them,
/// a missing value by 1 from every other. Of the nearest rows, which are often several, the most frequent value of the
/// secret is the guess; the lowest code wins a tie.
struct AttributeInference {
  let seed: UInt64

  /// The largest number of secret columns: the first in the order of declaration.
  static let columnLimit = 32
  /// The smallest number of real rows of each kind: with fewer, the normal interval of the advantage is too narrow.
  static let smallestTable = 30
  /// The largest number of attacked rows of each kind, and the smallest that work is saved down to.
  static let recordLimit = 1000
  private static let leastRecords = 100
  private static let workLimit = 3_000_000_000
  /// Distances are whole numbers, so that equal ones are equal: thousandths of a column's range.
  private static let unit = 1000.0

  /// Attacks rows of `training`, and of `holdOut` as a control.
  ///
  /// Nil without a second column, without synthetic rows, and for fewer real rows than an interval needs.
  func findings(
    synthetic: CodedTable, training: CodedTable, holdOut: CodedTable
  ) -> InferenceFindings? {
    guard training.columnCount > 1, synthetic.rowCount > 0,
      min(training.rowCount, holdOut.rowCount) >= Self.smallestTable
    else { return nil }
    let secrets = Array(training.domains.indices.prefix(Self.columnLimit))
    let work = 2 * synthetic.rowCount * (training.columnCount + 2 * secrets.count)
    let wanted = min(Self.recordLimit, max(Self.leastRecords, Self.workLimit / work))
    let count = min(wanted, training.rowCount, holdOut.rowCount)
    let (members, strangers) = training.split(first: count, seed: seed)
    let others = holdOut.sample(count, seed: seed)
    func hits(_ table: CodedTable) -> (members: [[Bool]], nonMembers: [[Bool]]) {
      (
        Self.hits(on: members, from: table, secrets), Self.hits(on: others, from: table, secrets)
      )
    }
    let own = hits(synthetic)
    let null = strangers.rowCount < count ? nil : hits(strangers.sample(10 * count, seed: seed))
    let positive = hits(members)
    return InferenceFindings(
      recordCount: count, syntheticCount: synthetic.rowCount,
      columns: secrets.enumerated().map { place, column in
        let guess = TableUtility.mostFrequent(synthetic.column(column))
        return InferenceFinding(
          column: training.domains[column].name, count: count,
          memberHits: own.members.count { $0[place] },
          nonMemberHits: own.nonMembers.count { $0[place] },
          baseline: Double(members.column(column).count { $0 == guess }) / Double(count))
      }, advantage: Self.advantage(own), null: null.map(Self.advantage),
      positive: Self.advantage(positive))
  }

  private static func advantage(
    _ hits: (members: [[Bool]], nonMembers: [[Bool]])
  ) -> InferenceAdvantage {
    func shares(_ records: [[Bool]]) -> [Double] {
      records.map { Double($0.count { $0 }) / Double(max(1, $0.count)) }
    }
    return InferenceAdvantage(members: shares(hits.members), nonMembers: shares(hits.nonMembers))
  }

  /// For each record and each secret column, whether the guess from `table` is right.
  static func hits(
    on records: CodedTable, from table: CodedTable, _ secrets: [Int]
  ) -> [[Bool]] {
    let columns = table.columns
    let steps = table.domains.map(distances)
    var totals = [Int32](repeating: 0, count: table.rowCount)
    return (0..<records.rowCount).map { row in
      let record = Array(records[row])
      let tables = record.indices.map { steps[$0][Int(record[$0])] }
      totals.withUnsafeMutableBufferPointer { $0.update(repeating: 0) }
      for (column, codes) in columns.enumerated() { add(tables[column], codes, to: &totals) }
      return secrets.map { guess($0, columns[$0], tables[$0], totals) == record[$0] }
    }
  }

  /// The distance between any two codes of a column: [code][256], padded.
  static func distances(_ domain: ColumnDomain) -> [[Int32]] {
    let values = domain.valueCount
    return (0..<domain.codeCount).map { first in
      (0..<256).map { second in
        if first == second { return 0 }
        guard domain.hasNumbers, first < values, second < values else { return Int32(unit) }
        return Int32((unit * Double(abs(first - second)) / Double(max(1, values - 1))).rounded())
      }
    }
  }

  private static func add(_ steps: [Int32], _ codes: [UInt8], to totals: inout [Int32]) {
    totals.withUnsafeMutableBufferPointer { totals in
      steps.withUnsafeBufferPointer { steps in
        codes.withUnsafeBufferPointer { codes in
          for row in 0..<codes.count { totals[row] &+= steps[Int(codes[row])] }
        }
      }
    }
  }

  /// The most frequent code of a secret column among the rows that are nearest in the other columns.
  private static func guess(
    _ secret: Int, _ codes: [UInt8], _ steps: [Int32], _ totals: [Int32]
  ) -> UInt8 {
    var counts = [Int](repeating: 0, count: 256)
    totals.withUnsafeBufferPointer { totals in
      steps.withUnsafeBufferPointer { steps in
        codes.withUnsafeBufferPointer { codes in
          var least = Int32.max
          for row in 0..<codes.count {
            least = min(least, totals[row] &- steps[Int(codes[row])])
          }
          for row in 0..<codes.count where totals[row] &- steps[Int(codes[row])] == least {
            counts[Int(codes[row])] += 1
          }
        }
      }
    }
    let most = counts.max() ?? 0
    return UInt8(counts.firstIndex(of: most) ?? 0)
  }
}
