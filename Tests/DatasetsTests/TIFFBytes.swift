/// A small TIFF, built entry by entry, for hostile and rare files.
struct TIFFBytes {
  /// The value of a tag: the width of its numbers, and the numbers.
  enum Value {
    case shorts([UInt16])
    case longs([UInt32])
  }

  /// Tags and values, in order of tags.
  var entries: [UInt16: Value]
  /// The bytes of the only strip or tile.
  var data: [UInt8]
  /// The declared offset of the next directory.
  var next: UInt32 = 0

  /// A grey image of 8 bits: 8 × 8 pixels in one strip.
  init() {
    data = (0..<64).map { UInt8($0 * 3) }
    entries = [
      256: .shorts([8]), 257: .shorts([8]), 258: .shorts([8]), 259: .shorts([1]),
      262: .shorts([1]), 277: .shorts([1]), 278: .shorts([8]), 279: .longs([64]),
    ]
  }

  /// The image with other values.
  init(_ changes: [UInt16: Value]) {
    self.init()
    for (tag, value) in changes { entries[tag] = value }
  }

  /// Like `init(_:)`, with one tile instead of one strip.
  init(tile height: UInt32, _ width: UInt32, _ changes: [UInt16: Value] = [:]) {
    self.init(changes)
    entries[278] = nil
    entries[279] = nil
    entries[322] = .longs([width])
    entries[323] = .longs([height])
    entries[325] = .longs([64])
  }

  /// The file: header, pixels, values too large for their entries, directory.
  var bytes: [UInt8] {
    var all = entries
    all[all[322] == nil ? 273 : 324] = .longs([8])
    let directory = 8 + data.count + data.count % 2
    var values: [UInt8] = []
    var body = Self.little(UInt16(all.count))
    let valuesStart = directory + 2 + all.count * 12 + 4
    for (tag, value) in all.sorted(by: { $0.key < $1.key }) {
      let (kind, count, numbers): (UInt16, Int, [UInt8]) =
        switch value {
        case .shorts(let numbers): (3, numbers.count, numbers.flatMap { Self.little($0) })
        case .longs(let numbers): (4, numbers.count, numbers.flatMap { Self.little($0) })
        }
      body += Self.little(tag) + Self.little(kind) + Self.little(UInt32(count))
      if numbers.count <= 4 {
        body += numbers + [UInt8](repeating: 0, count: 4 - numbers.count)
      } else {
        body += Self.little(UInt32(valuesStart + values.count))
        values += numbers
      }
    }
    let head: [UInt8] = [0x49, 0x49, 42, 0] + Self.little(UInt32(directory))
    return head + data + [UInt8](repeating: 0, count: data.count % 2) + body + Self.little(next)
      + values
  }

  static func little<Number: FixedWidthInteger>(_ number: Number) -> [UInt8] {
    withUnsafeBytes(of: number.littleEndian) { Array($0) }
  }
}
