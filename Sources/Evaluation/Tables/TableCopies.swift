/// Real rows that occur in the synthetic table, value for value.
///
/// In a table of few columns, many rows occur by chance, so the same is counted for rows that the model has never seen.
public struct TableCopies: Sendable {
  /// Rows of one kind, and those of them that occur in the synthetic table.
  public struct Share: Sendable {
    /// The rows, and the copies among them.
    public let count: Int, copies: Int

    /// The share of copies; nil without a row.
    public var value: Double? { count == 0 ? nil : Double(copies) / Double(count) }
    /// The exact interval of the share; nil without a row.
    public func interval(confidence: Double = 0.95) -> Interval? {
      count == 0 ? nil : .proportion(copies, of: count, confidence: confidence)
    }

    /// Whether this share is larger than another beyond one chance in a thousand.
    func exceeds(_ other: Share) -> Bool {
      guard let own = interval(confidence: 0.998), let other = other.interval(confidence: 0.998)
      else { return false }
      return own.low > other.high
    }
  }

  /// The training rows, and the test rows; nil without a test table.
  public let training: Share, test: Share?
  /// The same for rows that no other real row equals; nil without a test table.
  public let uniqueTraining: Share?, uniqueTest: Share?

  /// Whether training rows, or unique ones, are copied more than rows that the model has never seen.
  public var isFlagged: Bool {
    let all = test.map { training.exceeds($0) } ?? false
    guard let uniqueTraining, let uniqueTest else { return all }
    return all || uniqueTraining.exceeds(uniqueTest)
  }

  /// Of the rows that no other real row equals, how many are test rows, and how many would be if both tables were drawn from
  /// the same people; nil without a test table.
  ///
  /// A test row that is a training row too occurs twice, so there are fewer then.
  var uniqueTestRows: (found: Int, expected: Double, all: Int)? {
    guard let test, let uniqueTraining, let uniqueTest else { return nil }
    let all = uniqueTraining.count + uniqueTest.count
    let share = Double(test.count) / Double(max(1, training.count + test.count))
    return (uniqueTest.count, share * Double(all), all)
  }

  /// Whether the test rows seem to be training rows, beyond one chance in a thousand.
  public var testSeemsTrained: Bool {
    guard let (found, expected, all) = uniqueTestRows, all > 0 else { return false }
    return Interval.proportion(found, of: all, confidence: 0.998).high < expected / Double(all)
  }

  /// Looks for the rows of both real tables in `synthetic`.
  init(synthetic: CodedTable, training: CodedTable, test: CodedTable?) {
    let known = Set((0..<synthetic.rowCount).map { synthetic[$0] })
    func share(_ table: CodedTable, where isWanted: (ArraySlice<UInt8>) -> Bool) -> Share {
      let rows = (0..<table.rowCount).map { table[$0] }.filter(isWanted)
      return Share(count: rows.count, copies: rows.count { known.contains($0) })
    }
    self.training = share(training) { _ in true }
    guard let test else {
      (self.test, uniqueTraining, uniqueTest) = (nil, nil, nil)
      return
    }
    var occurrences: [ArraySlice<UInt8>: Int] = [:]
    for table in [training, test] {
      for row in 0..<table.rowCount { occurrences[table[row], default: 0] += 1 }
    }
    self.test = share(test) { _ in true }
    uniqueTraining = share(training) { occurrences[$0] == 1 }
    uniqueTest = share(test) { occurrences[$0] == 1 }
  }
}
