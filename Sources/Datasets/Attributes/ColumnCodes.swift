public import Compute

/// Text of a table as bytes of UTF-8.
enum FieldText {
  /// The text without the spaces, tabs and line breaks at both ends.
  static func trimmed(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }
    var rest = bytes
    while let first = rest.first, isSpace(first) { rest.removeFirst() }
    while let last = rest.last, isSpace(last) { rest.removeLast() }
    return rest
  }

  /// The number that a text states in decimal notation; nil for any other text, such as `NaN`, `inf`, `0x10`
  /// or `1,5`.
  static func number(_ bytes: ArraySlice<UInt8>) -> Double? {
    var rest = bytes
    func skipDigits() -> Int {
      let before = rest.count
      while let first = rest.first, (0x30...0x39).contains(first) { rest.removeFirst() }
      return before - rest.count
    }
    func skip(_ letters: String) -> Bool {
      guard let first = rest.first, letters.utf8.contains(first) else { return false }
      rest.removeFirst()
      return true
    }
    _ = skip("+-")
    var digits = skipDigits()
    if skip(".") { digits += skipDigits() }
    guard digits > 0 else { return nil }
    if skip("eE") {
      _ = skip("+-")
      guard skipDigits() > 0 else { return nil }
    }
    guard rest.isEmpty, let number = Double(String(decoding: bytes, as: UTF8.self)) else {
      return nil
    }
    return number.isFinite ? number : nil
  }
}

extension ColumnDomain {
  /// The code of a value in a table; nil if the row must be left out.
  ///
  /// Space around the value does not matter. Everything outside the domain counts as missing: an empty text, an
  /// unknown category, a text that is no decimal number (`NA`, `NaN`, `inf`) or one of more than 1,000 bytes, a number
  /// outside the range, a fraction where whole numbers are declared. It is not an error and is not moved into the
  /// range: an error would reveal the value, and the nearest bin would claim what nobody measured.
  public func code(of text: String) -> Int? {
    ColumnEncoder(self).code(of: Array(text.utf8)).map(Int.init)
  }

  /// The `valueCount` + 1 edges of the bins, ascending; empty for categories.
  ///
  /// Bin b of real numbers contains edges[b] ≤ x < edges[b + 1], the last bin also `maximum`. Bins of whole
  /// numbers divide the numbers from `minimum` to `maximum` as evenly as possible; edges[b] is the smallest number
  /// of bin b, and the last edge is `maximum` + 1.
  public var binEdges: [Double] {
    guard case .numbers(let minimum, let maximum, let bins, let areIntegers) = values else {
      return []
    }
    return (0...bins).map { bin in
      areIntegers
        ? Double(WholeBins(minimum, maximum, bins).first(of: bin))
        : Self.edge(bin, minimum, maximum, bins)
    }
  }

  fileprivate static func edge(
    _ bin: Int, _ minimum: Double, _ maximum: Double, _ bins: Int
  ) -> Double {
    bin == bins ? maximum : minimum + (maximum - minimum) * (Double(bin) / Double(bins))
  }

  /// A value of a code as text: the category, a number drawn uniformly from its bin, or nothing if missing.
  ///
  /// The text has the same code again. Real numbers have three decimal places more than the width of a bin needs.
  /// Equal streams give equal texts; only numbers draw from `stream`, one draw each.
  public func text(of code: Int, using stream: inout SeededStream) -> String {
    precondition((0..<codeCount).contains(code), "a code of this column")
    guard code < valueCount else { return "" }
    switch values {
    case .categories(let names): return names[code]
    case .numbers(let minimum, let maximum, let bins, true):
      let whole = WholeBins(minimum, maximum, bins)
      let first = whole.first(of: code)
      let count = whole.first(of: code + 1) - first
      let place = Int(stream.uniform() * Double(count))
      return String(first + Int64(min(place, Int(count) - 1)))
    case .numbers(let minimum, let maximum, let bins, false):
      return Self.text(
        inBin: code, minimum, maximum, bins, at: stream.uniform())
    }
  }

  /// A number at `share` of the way through a bin, rounded to what its width justifies.
  private static func text(
    inBin bin: Int, _ minimum: Double, _ maximum: Double, _ bins: Int, at share: Double
  ) -> String {
    let low = edge(bin, minimum, maximum, bins)
    let high = edge(bin + 1, minimum, maximum, bins)
    let exact = low + (high - low) * share
    var scale = 1.0
    var rounded = exact
    // A thousandth of a bin, as a power of ten; for numbers below 10^15 the product stays exact enough.
    while scale < 1e15, scale * (high - low) < 1_000 { scale *= 10 }
    if exact.magnitude * scale < 1e15 { rounded = (exact * scale).rounded() / scale }
    let isSame = { NumberBins(minimum, maximum, bins).bin(of: $0) == bin }
    let number = [rounded, exact, low + (high - low) / 2].first(where: isSame) ?? exact
    let text = "\(number)"
    return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
  }
}

/// Equal bins of real numbers.
struct NumberBins {
  private let minimum: Double
  private let maximum: Double
  private let bins: Int

  init(_ minimum: Double, _ maximum: Double, _ bins: Int) {
    self.minimum = minimum
    self.maximum = maximum
    self.bins = bins
  }

  /// The bin of a number; nil outside the range.
  func bin(of number: Double) -> Int? {
    guard number >= minimum, number <= maximum else { return nil }
    let place = (number - minimum) / (maximum - minimum) * Double(bins)
    var bin = min(Int(place), bins - 1)
    // The quotient may round across an edge; the edges decide.
    if bin + 1 < bins, number >= ColumnDomain.edge(bin + 1, minimum, maximum, bins) { bin += 1 }
    if bin > 0, number < ColumnDomain.edge(bin, minimum, maximum, bins) { bin -= 1 }
    return bin
  }
}

/// Bins that divide whole numbers as evenly as possible.
struct WholeBins {
  private let minimum: Int64
  private let maximum: Int64
  private let bins: Int64

  /// The bounds must be whole numbers of at most 2^53 (`ColumnDomain.check`).
  init(_ minimum: Double, _ maximum: Double, _ bins: Int) {
    self.minimum = Int64(minimum)
    self.maximum = Int64(maximum)
    self.bins = Int64(bins)
  }

  // At most 2^54 + 1 numbers and 256 bins: products stay below 2^63.
  private var count: Int64 { maximum - minimum + 1 }

  /// The bin of a number; nil outside the range and for fractions.
  func bin(of number: Double) -> Int? {
    guard number >= Double(minimum), number <= Double(maximum), number.rounded() == number else {
      return nil
    }
    return Int((Int64(number) - minimum) * bins / count)
  }

  /// The smallest number of a bin; one more than the largest number for the bin after the last.
  func first(of bin: Int) -> Int64 { minimum + (Int64(bin) * count + bins - 1) / bins }
}

/// Encodes the values of one column; it holds what many rows share.
struct ColumnEncoder {
  /// The longest text of a number, in bytes.
  private static let longestNumber = 1_000

  /// The code of a missing value; nil if none may be missing.
  let missing: UInt8?
  private let categories: [String: UInt8]
  private let numbers: NumberBins?
  private let whole: WholeBins?
  /// The longest text that can be a value, in bytes.
  private let longest: Int

  init(_ column: ColumnDomain) {
    missing = column.missingCode.map(UInt8.init)
    switch column.values {
    case .categories(let names):
      // Strings compare by canonical equivalence, so both spellings of an é are the same category.
      categories = Dictionary(
        names.enumerated().map { ($1, UInt8($0)) }, uniquingKeysWith: { first, _ in first })
      longest = CanonicalName.longest(equalTo: names.map(\.utf8.count).max() ?? 0)
      numbers = nil
      whole = nil
    case .numbers(let minimum, let maximum, let bins, let areIntegers):
      categories = [:]
      longest = Self.longestNumber
      numbers = areIntegers ? nil : NumberBins(minimum, maximum, bins)
      whole = areIntegers ? WholeBins(minimum, maximum, bins) : nil
    }
  }

  /// The code of a text of valid UTF-8, missing if it is outside the domain; nil if nothing may be missing.
  func code(of bytes: [UInt8]) -> UInt8? { value(of: bytes) ?? missing }

  /// Whether a text is a value, though none of the domain.
  func isOutside(_ bytes: [UInt8]) -> Bool {
    value(of: bytes) == nil && !FieldText.trimmed(bytes[...]).isEmpty
  }

  /// The code of a text; nil if it is outside the domain.
  func value(of bytes: [UInt8]) -> UInt8? {
    let text = FieldText.trimmed(bytes[...])
    guard !text.isEmpty, text.count <= longest else { return nil }
    if numbers == nil, whole == nil { return categories[String(decoding: text, as: UTF8.self)] }
    guard let number = FieldText.number(text) else { return nil }
    return (whole?.bin(of: number) ?? numbers?.bin(of: number)).map(UInt8.init)
  }
}
