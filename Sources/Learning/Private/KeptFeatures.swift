public import Compute

/// Features of private examples, computed once and kept for the later steps of a training.
///
/// Every number that is kept is computed from one example alone, so a kept one equals one that is computed
/// anew, bit for bit. Nothing outside this room can read what is kept.
public final class KeptFeatures {
  /// Numbers in the features of an example.
  public var dimension: Int { map.dimension }
  /// The most bytes that are kept; features beyond them are computed in each step.
  public static let mostBytes = 2 << 30

  private let map: ScatteringMap
  private let mostRows: Int
  /// The collection whose examples are kept.
  private var collection: AnyObject?
  /// The row of the example at each place.
  private var rows: [Int: Int] = [:]
  /// The upper halves of the features' numbers, `rowsPerBlock` examples in each block.
  private var blocks: [[UInt16]] = []
  private let arena = Arena()

  private static let rowsPerBlock = 256

  /// Keeps the features of a map.
  public convenience init(by map: ScatteringMap) {
    self.init(by: map, mostBytes: Self.mostBytes)
  }

  /// Keeps at most so many bytes.
  init(by map: ScatteringMap, mostBytes: Int) {
    self.map = map
    mostRows = mostBytes / (map.dimension * MemoryLayout<UInt16>.stride)
  }

  /// The number of examples whose features are kept.
  var count: Int { rows.count }

  /// Frees everything that is kept.
  public func forget() {
    collection = nil
    rows = [:]
    blocks = []
    arena.reset()
    map.forget()
  }

  /// Writes features of images (examples × shape, in [−1, 1]) with the precision of kept ones.
  public func write(of images: Tensor, to target: Tensor) {
    map.write(of: images, to: target)
    for index in 0..<target.count {
      target.pointer[index] = Self.number(Self.upperHalf(of: target.pointer[index]))
    }
  }

  /// Writes the features of some examples of a source.
  fileprivate func fill(_ target: Tensor, with range: Range<Int>, of examples: any ExampleSource) {
    let places = examples.places(in: range)
    if let places, places.collection !== collection {
      forget()
      collection = places.collection
    }
    var missing: [Int] = []
    for index in 0..<range.count {
      guard let place = places?.indices[index], let row = rows[place] else {
        missing.append(index)
        continue
      }
      read(row, to: target.pointer + index * dimension)
    }
    guard !missing.isEmpty else { return }
    arena.reset()
    let images = arena.make(map.shape.batched(range.count))
    examples.fill(images, from: range)
    let size = map.shape.count
    for (index, example) in missing.enumerated() where index != example {
      (images.pointer + index * size).update(from: images.pointer + example * size, count: size)
    }
    let features = arena.make(Shape(missing.count, dimension))
    write(of: images.examples(from: 0, count: missing.count), to: features)
    for (index, example) in missing.enumerated() {
      let row = features.pointer + index * dimension
      (target.pointer + example * dimension).update(from: row, count: dimension)
      if let place = places?.indices[example] { keep(row, at: place) }
    }
  }

  private func keep(_ features: UnsafePointer<Float>, at place: Int) {
    guard rows[place] == nil, rows.count < mostRows else { return }
    let row = rows.count
    if row % Self.rowsPerBlock == 0 {
      blocks.append([])
      blocks[blocks.count - 1].reserveCapacity(Self.rowsPerBlock * dimension)
    }
    rows[place] = row
    blocks[blocks.count - 1].append(
      contentsOf: (0..<dimension).lazy.map { Self.upperHalf(of: features[$0]) })
  }

  private func read(_ row: Int, to target: UnsafeMutablePointer<Float>) {
    blocks[row / Self.rowsPerBlock].withUnsafeBufferPointer { block in
      let first = row % Self.rowsPerBlock * dimension
      for index in 0..<dimension { target[index] = Self.number(block[first + index]) }
    }
  }

  /// A number rounded to eight significant bits, which are the upper half of a float (bfloat16).
  @inline(__always)
  private static func upperHalf(of number: Float) -> UInt16 {
    guard number.isFinite else { return 0x7FC0 }
    return UInt16(truncatingIfNeeded: (number.bitPattern &+ 0x8000) >> 16)
  }

  @inline(__always)
  private static func number(_ upperHalf: UInt16) -> Float {
    Float(bitPattern: UInt32(upperHalf) << 16)
  }
}

extension PrivateExamples {
  /// The features of private examples; they are private too.
  public func features(keptIn features: KeptFeatures) -> PrivateExamples {
    PrivateExamples(FeatureExamples(examples: source, features: features))
  }
}

/// Features of examples as the examples of a network.
private struct FeatureExamples: ExampleSource {
  let examples: any ExampleSource
  let features: KeptFeatures

  var count: Int { examples.count }

  var units: [Int]? { examples.units }

  func labels(in range: Range<Int>) -> [Int] { examples.labels(in: range) }

  func fill(_ target: Tensor, from range: Range<Int>) {
    features.fill(target, with: range, of: examples)
  }
}
