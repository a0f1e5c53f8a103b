package import Control
package import FoundationEssentials

/// The checksum of a record of the state: it detects numbers that a failing disk or an edit by hand changed,
/// before anyone reads them.
///
/// An epsilon with a wrong digit is still valid JSON. The checksum is SHA-256 over the record's bytes with 64
/// zeros in its place. It protects against damage, not against an attacker who can write the file: the ledger
/// decides what was spent.
package enum StateSeal {
  private static let name = Data("\"checksum\"".utf8)
  private static let digitCount = 64

  /// The record, which is JSON with a blank checksum, with the true checksum filled in.
  package static func seal(_ record: Data) -> Data {
    guard let place = place(in: record) else { return record }
    var sealed = record
    sealed.replaceSubrange(place, with: record.sha256.utf8)
    return sealed
  }

  /// Refuses a record whose checksum does not match its bytes; records of earlier versions have none.
  ///
  /// - Parameter subject: the file, for the message.
  package static func check(_ record: Data, of subject: String) throws(ControlError) {
    guard let place = place(in: record) else { return }
    var blank = record
    blank.replaceSubrange(place, with: repeatElement(UInt8(ascii: "0"), count: digitCount))
    guard blank.sha256.utf8.elementsEqual(record[place]) else {
      throw .failed(
        "\(subject): damaged, or changed by hand: its checksum does not match its content (an "
          + "unchanged file of figmentd expected). Restore it.")
    }
  }

  /// The position of the digits; nil when there are none.
  ///
  /// A class may be called "checksum" too, so the name alone is not enough.
  private static func place(in record: Data) -> Range<Data.Index>? {
    var rest = record[...]
    while let found = rest.firstRange(of: name) {
      rest = record[found.upperBound...]
      let value = rest.drop { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: ":") }
      let digits = value.dropFirst().prefix(digitCount)
      guard value.first == UInt8(ascii: "\""), digits.count == digitCount,
        value.dropFirst(1 + digitCount).first == UInt8(ascii: "\""),
        digits.allSatisfy({ isHexadecimal($0) })
      else { continue }
      return digits.startIndex..<digits.endIndex
    }
    return nil
  }

  private static func isHexadecimal(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
      || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
  }
}

/// A value, with the format number and a blank checksum beside its own fields.
package struct Sealable<Value: Encodable>: Encodable {
  private let value: Formatted<Value>

  /// Prepares a value that becomes a JSON object for `StateSeal.seal`.
  package init(_ value: Value) { self.value = Formatted(value) }

  private enum CodingKeys: String, CodingKey { case checksum }

  package func encode(to encoder: any Encoder) throws {
    try value.encode(to: encoder)
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(String(repeating: "0", count: 64), forKey: .checksum)
  }
}
