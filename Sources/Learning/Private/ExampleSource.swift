public import Compute

/// A source of a network's training examples, one micro-batch at a time.
public protocol ExampleSource {
  /// The number of examples; zero is an ordinary batch.
  var count: Int { get }
  /// The class of each example in `range`; empty if there are no classes.
  func labels(in range: Range<Int>) -> [Int]
  /// The unit of each example; examples of one unit are adjacent. Nil: every example is its own unit.
  var units: [Int]? { get }
  /// Writes the examples of `range` into `target` (range × example shape).
  func fill(_ target: Tensor, from range: Range<Int>)
  /// The codes of the columns of each example in `range`, one row of columns after another; empty without columns.
  func codes(in range: Range<Int>) -> [UInt8]
  /// Where the examples of `range` lie in a collection that never changes; nil if they lie in none.
  ///
  /// What is computed from an example alone may be kept under its place for later batches.
  func places(in range: Range<Int>) -> ExamplePlaces?
}

/// Places of examples in a collection that never changes, such as the frozen images of a run.
public struct ExamplePlaces {
  /// The collection.
  public let collection: AnyObject
  /// The place of each example.
  public let indices: [Int]

  /// States places.
  public init(in collection: AnyObject, _ indices: [Int]) {
    self.collection = collection
    self.indices = indices
  }
}

extension ExampleSource {
  /// Every example is its own unit.
  public var units: [Int]? { nil }

  /// Examples without columns.
  public func codes(in range: Range<Int>) -> [UInt8] { [] }

  /// Examples of no lasting collection.
  public func places(in range: Range<Int>) -> ExamplePlaces? { nil }

  /// Whether the examples of each unit are contiguous.
  var keepsUnitsTogether: Bool {
    guard let units else { return true }
    precondition(units.count == count, "\(units.count) units for \(count) examples")
    var finished: Set<Int> = []
    for (index, unit) in units.enumerated() where index > 0 && unit != units[index - 1] {
      finished.insert(units[index - 1])
      if finished.contains(unit) { return false }
    }
    return true
  }

  /// Divides the examples into micro-batches of about `size` that never split a unit.
  func microBatches(of size: Int) -> [Range<Int>] {
    var batches: [Range<Int>] = []
    var start = 0
    // Sources compute their units, so asking for each batch would cost quadratic time.
    let units = units
    while start < count {
      var end = min(count, start + size)
      if let units {
        while end < count, units[end] == units[end - 1] { end += 1 }
      }
      batches.append(start..<end)
      start = end
    }
    return batches
  }
}
