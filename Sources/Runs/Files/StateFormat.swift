package import Control
package import FoundationEssentials

/// The format number that every file of the state contains.
///
/// Files of versions before format numbers have none and count as 0; they can be read. A file of a later
/// format is refused with an error, never misread.
package enum StateFormat {
  /// The format that this version writes.
  package static let current = 2
  /// From this format on, checkpoints name the images that they learnt from.
  static let namedImages = 1
  /// From this format on, checkpoints carry a checksum.
  static let sealedCheckpoints = 2

  /// Refuses a later format.
  ///
  /// - Parameter subject: what contains the number, for the message.
  package static func check(_ found: Int, of subject: String) throws(ControlError) {
    guard found > current else { return }
    throw .conflict(
      "\(subject): written by a later version, in format \(found) (up to \(current) expected). "
        + "Update figmentd, or restore the file.")
  }

  /// Reads a value that `encode` wrote, with or without a format number.
  ///
  /// - Parameter subject: the file, for the message.
  /// - Throws: `ControlError` when the format is later than this version's, or when the text is not such a
  ///   value.
  package static func decode<Value: Decodable>(
    _ type: Value.Type, from data: Data, of subject: String
  ) throws -> Value {
    let decoder = JSONDecoder()
    if let number = try? decoder.decode(Number.self, from: data).format {
      try check(number, of: subject)
    }
    try StateSeal.check(data, of: subject)
    do {
      return try decoder.decode(type, from: data)
    } catch {
      throw damaged(subject, by: error)
    }
  }

  /// The error for a file of the state that figmentd did not write in this form.
  ///
  /// Checks of any room may refuse a value; whatever they throw, the error names the file.
  static func damaged(_ subject: String, by error: any Error) -> ControlError {
    let reason =
      error is DecodingError ? "" : " (\(ControlError(error).message.withoutFullStop))"
    return .failed(
      "\(subject): damaged, or not a file of figment\(reason) (an unchanged file of figmentd expected). Restore "
        + "it, or start a new run.")
  }

  /// Reads a value from a file.
  static func read<Value: Decodable>(_ type: Value.Type, at path: String) throws -> Value {
    try decode(type, from: DurableFile.read(path), of: path)
  }

  /// The bytes of a value with its format; equal values have equal bytes.
  static func encode(_ value: some Encodable) throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return try encoder.encode(Formatted(value))
  }

  /// The bytes of a value with its format and a checksum, for records whose numbers are shown to people.
  static func encodeSealed(_ value: some Encodable) throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return StateSeal.seal(try encoder.encode(Sealable(value)))
  }

  /// The format number of a JSON object.
  package struct Number: Decodable { package let format: Int? }
}

/// A value, with the format number beside its own fields.
struct Formatted<Value: Encodable>: Encodable {
  let value: Value

  /// Adds the format number to a value that becomes a JSON object.
  init(_ value: Value) { self.value = value }

  private enum CodingKeys: String, CodingKey { case format }

  func encode(to encoder: any Encoder) throws {
    try value.encode(to: encoder)
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(StateFormat.current, forKey: .format)
  }
}

extension String {
  /// A sentence as part of another one.
  var withoutFullStop: String { hasSuffix(".") ? String(dropLast()) : self }
}
