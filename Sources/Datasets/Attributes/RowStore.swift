/// The codes of many rows, and the number of the person of each.
///
/// Blocks of 65,536 rows, so that growth copies nothing: a row takes its codes, one byte per column, and 4 bytes if
/// there are persons.
final class RowStore {
  private static let shift = 16
  private static let blockRows = 1 << shift

  /// The number of columns.
  let width: Int
  /// The number of rows.
  private(set) var count = 0
  private let hasPersons: Bool
  private var blocks: [UnsafeMutablePointer<UInt8>] = []
  private var persons: [UnsafeMutablePointer<UInt32>] = []

  init(width: Int, hasPersons: Bool) {
    precondition(width > 0, "a row has at least one column")
    self.width = width
    self.hasPersons = hasPersons
  }

  deinit {
    for block in blocks { block.deallocate() }
    for block in persons { block.deallocate() }
  }

  /// The bytes that are allocated.
  var byteCount: Int {
    blocks.count * Self.blockRows * width + persons.count * Self.blockRows * 4
  }

  /// Adds a row.
  func append(_ codes: [UInt8], person: UInt32 = 0) {
    precondition(codes.count == width, "one code per column")
    if count == blocks.count << Self.shift {
      blocks.append(.allocate(capacity: Self.blockRows * width))
      if hasPersons { persons.append(.allocate(capacity: Self.blockRows)) }
    }
    let place = self.codes(of: count)
    for (column, code) in codes.enumerated() { place[column] = code }
    if hasPersons { persons[count >> Self.shift][count & (Self.blockRows - 1)] = person }
    count += 1
  }

  /// The codes of a row.
  func codes(of row: Int) -> UnsafeMutablePointer<UInt8> {
    blocks[row >> Self.shift] + (row & (Self.blockRows - 1)) * width
  }

  /// The codes of a row as a buffer.
  func bytes(of row: Int) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(start: codes(of: row), count: width)
  }

  /// The person of a row, 0 without persons.
  func person(of row: Int) -> UInt32 {
    hasPersons ? persons[row >> Self.shift][row & (Self.blockRows - 1)] : 0
  }

  /// The SHA-256 of the codes of a row.
  func hash(of row: Int) -> ContentHash { ContentHash(of: bytes(of: row)) }
}

/// The persons of the rows of tables, known by the SHA-256 of their names.
struct PersonNumbers {
  private var numbers: [ContentHash: UInt32] = [:]
  /// The hash of each person, by number.
  private(set) var hashes: [ContentHash] = []

  /// The longest name of a person, in bytes.
  static let longestName = 1_000

  /// The number of a person; a new one for a new name; nil for an empty name or one that is too long.
  mutating func number(of name: [UInt8]) -> UInt32? {
    let name = FieldText.trimmed(name[...])
    guard (1...Self.longestName).contains(name.count) else { return nil }
    // Two spellings of a name in Unicode are one person, as for folders.
    let canonical = CanonicalName.bytes(name)
    let hash = canonical.withUnsafeBytes { ContentHash(of: $0) }
    if let number = numbers[hash] { return number }
    let number = UInt32(hashes.count)
    numbers[hash] = number
    hashes.append(hash)
    return number
  }
}
