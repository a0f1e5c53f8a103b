import Compute

/// The result of claims that exactly one row has certain values.
public struct SinglingOutFinding: Sendable {
  /// The claims, and the training rows that they were tested on; of other rows there were as many.
  public let claimCount: Int, recordCount: Int
  /// How many claims hold for exactly one training row, and for exactly one other row.
  public let memberHits: Int, nonMemberHits: Int

  /// The risk.
  public var risk: ResidualRisk {
    ResidualRisk(memberHits: memberHits, nonMemberHits: nonMemberHits, count: claimCount)
  }

  /// Whether claims hold for training rows more often, beyond one chance in a thousand.
  public var isFlagged: Bool {
    Interval.proportion(memberHits, of: claimCount, confidence: 0.998).low
      > Interval.proportion(nonMemberHits, of: claimCount, confidence: 0.998).high
  }
}

/// Singles out rows by values that are unique in the synthetic table: the multivariate attack of Giomi and others 2023
/// (arXiv 2211.10459).
struct SinglingOut {
  let seed: UInt64

  /// The largest number of claims, and of synthetic rows that are tried for one.
  private static let claimLimit = 1000
  private static let drawLimit = 5000
  /// The largest number of columns of a claim.
  private static let columnLimit = 8

  /// Values of some columns.
  struct Claim {
    let values: [(column: Int, code: UInt8)]

    /// Whether exactly one row has them all.
    func singlesOut(_ columns: [[UInt8]]) -> Bool {
      var found = 0
      for row in 0..<(columns.first?.count ?? 0)
      where values.allSatisfy({ columns[$0.column][row] == $0.code }) {
        found += 1
        if found > 1 { return false }
      }
      return found == 1
    }
  }

  /// Tests claims on equally many rows of `training` and of `holdOut`.
  ///
  /// Nil without a second column, without synthetic rows, for few real rows, and if no claim was found.
  func finding(
    synthetic: CodedTable, training: CodedTable, holdOut: CodedTable
  ) -> SinglingOutFinding? {
    let count = min(training.rowCount, holdOut.rowCount)
    guard training.columnCount > 1, synthetic.rowCount > 0,
      count >= AttributeInference.smallestTable
    else { return nil }
    // With more claims than rows, many would concern the same row, and their interval would be too narrow.
    let claims = claims(of: synthetic, limit: min(Self.claimLimit, count))
    guard !claims.isEmpty else { return nil }
    func hits(_ table: CodedTable) -> Int {
      let columns = table.sample(count, seed: seed).columns
      return claims.count { $0.singlesOut(columns) }
    }
    return SinglingOutFinding(
      claimCount: claims.count, recordCount: count, memberHits: hits(training),
      nonMemberHits: hits(holdOut))
  }

  /// Values of a row in two or more random columns that no other row has together; one claim per row at most.
  private func claims(of table: CodedTable, limit: Int) -> [Claim] {
    let columns = table.columns
    var stream = SeededStream(seed: seed)
    var claims: [Claim] = []
    for row in (0..<table.rowCount).shuffled(using: &stream).prefix(Self.drawLimit) {
      guard claims.count < limit else { break }
      let size = Int.random(in: 2...min(Self.columnLimit, columns.count), using: &stream)
      let claim = Claim(
        values: columns.indices.shuffled(using: &stream).prefix(size).map {
          (column: $0, code: columns[$0][row])
        })
      if claim.singlesOut(columns) { claims.append(claim) }
    }
    return claims
  }
}
