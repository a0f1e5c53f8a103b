/// One axis of a convolution by Winograd's minimal filtering: fewer products than taps.
///
/// Two neighbouring outputs of a two-tap filter take three products instead of four,
///
///     y₀ = (z₀ − z₁)·w₀ + z₁·(w₀ + w₁)        y₁ = z₁·(w₀ + w₁) + (z₂ − z₁)·w₁
///
/// and two outputs of a three-tap filter take four instead of six (Winograd 1980, Arithmetic
/// Complexity of Computations; arXiv 1509.09308, section 4). With a stride, the taps of the same
/// residue of the coordinates form a separate filter; products for the same outputs are then
/// entries of one longer product. Taps that read only padding are skipped.
struct WinogradAxis {
  /// A coordinate, tap or product, and its factor.
  struct Term: Hashable {
    let index: Int, factor: Float

    init(_ index: Int, _ factor: Float = 1) {
      self.index = index
      self.factor = factor
    }
  }

  /// A sum of source pixels times a sum of taps, given by its index in `tapSums`.
  struct Entry {
    let taps: Int
    let source: [Term]
  }

  /// Entries that are summed and then distributed to targets.
  struct Product {
    /// The index of its list of tap sums in `kinds`.
    let kind: Int
    let entries: [Entry]
    /// The targets that it is added to.
    let targets: [Term]
  }

  /// Outputs that share products.
  struct Tile {
    let targets: Range<Int>, products: Range<Int>
  }

  private(set) var tapSums: [[Term]] = []
  /// Lists of tap sums: products of one kind use the same filters.
  private(set) var kinds: [[Int]] = []
  private(set) var products: [Product] = []
  /// For each target, the products of which it is the sum.
  private(set) var targets: [[Term]] = []
  private(set) var tiles: [Tile] = []
  private let start: Int, step: Int, tapCount: Int, extent: Int

  /// The most taps per residue; with more, larger factors would increase rounding errors.
  static let largestFilter = 3

  /// An axis of `count` patches of `tapCount` taps, `step` apart; nil if there are too many taps.
  ///
  /// The first patch begins at `start` of an image of `extent` pixels; outside the image there is
  /// only padding.
  init?(count: Int, step: Int, start: Int, tapCount: Int, extent: Int) {
    guard (tapCount + step - 1) / step <= Self.largestFilter else { return nil }
    self.start = start
    self.step = step
    self.tapCount = tapCount
    self.extent = extent
    var target = 0
    while target < count {
      let single = (entries: singleEntries(target), targets: [Term(target)])
      // Near the padding, a pair may have fewer taps than products.
      let pair = target + 1 < count ? pairedEntries(target) : []
      let paired = pair.reduce(0) { $0 + $1.entries.count }
      if !pair.isEmpty, paired < single.entries.count + singleEntries(target + 1).count {
        append(targets: target..<(target + 2), pair)
        target += 2
      } else {
        append(targets: target..<(target + 1), [single])
        target += 1
      }
    }
  }

  /// Products of a source pixel and a tap that the axis needs.
  var entryCount: Int { products.reduce(0) { $0 + $1.entries.count } }

  /// The same without minimal filtering.
  var directEntryCount: Int {
    (0..<targets.count).reduce(0) { $0 + singleEntries($1).count }
  }

  private typealias Factors = (taps: [Term], source: [Term])
  private typealias Shared = (entries: [Factors], targets: [Term])

  private func singleEntries(_ target: Int) -> [Factors] {
    inside((0..<tapCount).map { ([Term($0)], [Term(start + target * step + $0)]) })
  }

  private func pairedEntries(_ target: Int) -> [Shared] {
    var first: [Factors] = []
    var second: [Factors] = []
    var both: [Factors] = []
    var difference: [Factors] = []
    for residue in 0..<min(step, tapCount) {
      let taps = Array(stride(from: residue, to: tapCount, by: step))
      let z = (0...taps.count).map { start + residue + (target + $0) * step }
      switch taps.count {
      case 1:
        first.append(([Term(taps[0])], [Term(z[0])]))
        second.append(([Term(taps[0])], [Term(z[1])]))
      case 2:
        first.append(([Term(taps[0])], [Term(z[0]), Term(z[1], -1)]))
        both.append(([Term(taps[0]), Term(taps[1])], [Term(z[1])]))
        second.append(([Term(taps[1])], [Term(z[2]), Term(z[1], -1)]))
      default:
        let sum = taps.map { Term($0, 0.5) }
        let alternating = zip(taps, [0.5, -0.5, 0.5] as [Float]).map { Term($0, $1) }
        first.append(([Term(taps[0])], [Term(z[0]), Term(z[2], -1)]))
        both.append((sum, [Term(z[1]), Term(z[2])]))
        difference.append((alternating, [Term(z[2]), Term(z[1], -1)]))
        second.append(([Term(taps[2])], [Term(z[3]), Term(z[1], -1)]))
      }
    }
    return [
      (inside(first), [Term(target)]),
      (inside(both), [Term(target), Term(target + 1)]),
      (inside(difference), [Term(target), Term(target + 1, -1)]),
      (inside(second), [Term(target + 1)]),
    ]
  }

  /// The entries without pixels of the padding, and without entries that have only those.
  private func inside(_ entries: [Factors]) -> [Factors] {
    entries.map { ($0.taps, $0.source.filter { (0..<extent).contains($0.index) }) }
      .filter { !$0.source.isEmpty }
  }

  private mutating func append(targets range: Range<Int>, _ list: [Shared]) {
    let firstProduct = products.count
    targets += range.map { _ in [] }
    for (entries, shares) in list where !entries.isEmpty {
      let numbered = entries.map { Entry(taps: number(of: $0.taps), source: $0.source) }
        .sorted { $0.taps < $1.taps }
      let tapList = numbered.map(\.taps)
      if !kinds.contains(tapList) { kinds.append(tapList) }
      let kind = kinds.firstIndex(of: tapList) ?? 0
      for share in shares { targets[share.index].append(Term(products.count, share.factor)) }
      products.append(Product(kind: kind, entries: numbered, targets: shares))
    }
    tiles.append(Tile(targets: range, products: firstProduct..<products.count))
  }

  private mutating func number(of taps: [Term]) -> Int {
    if let known = tapSums.firstIndex(of: taps) { return known }
    tapSums.append(taps)
    return tapSums.count - 1
  }
}
