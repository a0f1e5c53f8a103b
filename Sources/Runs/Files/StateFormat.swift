package import Control
package import FoundationEssentials

/// The number of the format in which a file of the state is written: every such file carries it.
///
/// Files of versions before there were numbers have none and count as 0; they are read. A file of a
/// later format is refused with words, never misread.
package enum StateFormat {
  /// What this version writes.
  package static let current = 2
  /// From this format on, checkpoints name the images that they learnt from.
  static let namedImages = 1
  /// From this format on, checkpoints carry a checksum.
  static let sealedCheckpoints = 2

  /// Refuses a later format.
  ///
  /// - Parameter subject: what carries the number, for the message.
  package static func check(_ found: Int, of subject: String) throws(ControlError) {
    guard found > current else { return }
    throw .conflict(
      "\(subject): written by a later version, in format \(found) (up to \(current) expected). "
        + "Update figmentd, or restore the file.")
  }

  /// Reads a value that `encode` wrote, now or before there were numbers.
  ///
  /// - Parameter subject: the file, for the message.
  /// - Throws: `ControlError` when the format is a later one or the text is no such value.
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

  /// What a reader of a file of the state says of one that is not as figmentd wrote it.
  ///
  /// Checks of every room may refuse a value; whatever they throw, the file is named.
  static func damaged(_ subject: String, by error: any Error) -> ControlError {
    let reason =
      error is DecodingError ? "" : " (\(ControlError(error).message.withoutFullStop))"
    return .failed(
      "\(subject): damaged, or not a file of figment\(reason) (one as figmentd wrote it expected). Restore "
        + "it, or start a new run.")
  }

  /// Reads a value from a file.
  static func read<Value: Decodable>(_ type: Value.Type, at path: String) throws -> Value {
    try decode(type, from: DurableFile.read(path), of: path)
  }

  /// The bytes of a value with its format; the same value gives the same bytes.
  static func encode(_ value: some Encodable) throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return try encoder.encode(Formatted(value))
  }

  /// The bytes of a value with its format and a checksum, for records whose numbers are told to people.
  static func encodeSealed(_ value: some Encodable) throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return StateSeal.seal(try encoder.encode(Sealable(value)))
  }

  /// The number that a JSON object carries.
  package struct Number: Decodable { package let format: Int? }
}

/// A value with the number of its format beside its own fields.
struct Formatted<Value: Encodable>: Encodable {
  let value: Value

  /// Adds the number to a value that becomes a JSON object.
  init(_ value: Value) { self.value = value }

  private enum CodingKeys: String, CodingKey { case format }

  func encode(to encoder: any Encoder) throws {
    try value.encode(to: encoder)
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(StateFormat.current, forKey: .format)
  }
}

extension String {
  /// A sentence as a part of another one.
  var withoutFullStop: String { hasSuffix(".") ? String(dropLast()) : self }
}
