public import FoundationEssentials

/// How the types of this module become JSON: on the wire, in job files and in `--json`.
///
/// Names are `snake_case`, keys are sorted, times are UTC with milliseconds.
public enum ControlCoding {
  /// JSON deeper than this is refused before it is parsed.
  public static let maximumDepth = 32

  /// Writes a value on one line.
  public static func encode(_ value: some Encodable) throws -> Data {
    try encoder([.sortedKeys, .withoutEscapingSlashes]).encode(value)
  }

  /// Writes a value over several lines, for people.
  public static func encodeForPeople(_ value: some Encodable) throws -> Data {
    try encoder([.sortedKeys, .withoutEscapingSlashes, .prettyPrinted]).encode(value)
  }

  /// Reads a value and ignores fields that it does not know, so that a newer peer may add some.
  ///
  /// - Throws: `ControlError.invalid` when the text is no such value.
  public static func decode<Value: Decodable>(
    _ type: Value.Type, from data: Data
  ) throws(ControlError) -> Value {
    try checkDepth(of: data)
    do {
      return try decoder().decode(type, from: data)
    } catch let error as ControlError {
      throw error
    } catch let error as DecodingError {
      throw .invalid(ErrorWords.text(of: error))
    } catch {
      throw .invalid("JSON: \(ErrorWords.text(of: error))")
    }
  }

  /// Reads a request and refuses unknown fields and impossible values.
  ///
  /// - Throws: `ControlError.invalid` with the problem.
  public static func decodeStrictly<Request: StrictRequest>(
    _ type: Request.Type, from data: Data
  ) throws(ControlError) -> Request {
    try checkDepth(of: data)
    let names: [String]
    do {
      names = try JSONDecoder().decode(FieldNames.self, from: data).names
    } catch {
      throw .invalid("request: not a JSON object (like {\"dataset\": \"glyphs\"} expected).")
    }
    for name in names.sorted() where !type.fields.contains(name) {
      let near = Spelling.nearest(to: name, among: type.fields)
      let hint = near.map { "Did you mean '\($0)'?" }
      throw .invalid(
        "field '\(name)': unknown. "
          + (hint ?? "Known: \(type.fields.joined(separator: ", "))."))
    }
    let request = try decode(type, from: data)
    for name in names.sorted() where !request.ownFields.contains(name) {
      throw .invalid(
        "field '\(name)': of another kind of request. "
          + "Known here: \(request.ownFields.joined(separator: ", ")).")
    }
    try request.validate()
    return request
  }

  private static func encoder(_ formatting: JSONEncoder.OutputFormatting) -> JSONEncoder {
    let encoder = JSONEncoder()
    encoder.outputFormatting = formatting
    encoder.keyEncodingStrategy = .convertToSnakeCase
    encoder.dateEncodingStrategy = .custom { date, encoder in
      var container = encoder.singleValueContainer()
      try container.encode(date.formatted(timeStyle))
    }
    return encoder
  }

  private static func decoder() -> JSONDecoder {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    decoder.dateDecodingStrategy = .custom { decoder in
      let container = try decoder.singleValueContainer()
      let text = try container.decode(String.self)
      guard let date = try? Date(text, strategy: timeStyle) else {
        throw DecodingError.dataCorruptedError(
          in: container, debugDescription: "'\(text)' is no UTC time with milliseconds")
      }
      return date
    }
    return decoder
  }

  private static let timeStyle = Date.ISO8601FormatStyle(includingFractionalSeconds: true)

  /// Refuses JSON that is nested too deeply, without recursion of its own.
  private static func checkDepth(of data: Data) throws(ControlError) {
    var depth = 0
    var isInString = false
    var isEscaped = false
    for byte in data {
      if isInString {
        if isEscaped {
          isEscaped = false
        } else if byte == UInt8(ascii: "\\") {
          isEscaped = true
        } else if byte == UInt8(ascii: "\"") {
          isInString = false
        }
        continue
      }
      switch byte {
      case UInt8(ascii: "\""): isInString = true
      case UInt8(ascii: "{"), UInt8(ascii: "["):
        depth += 1
        guard depth <= maximumDepth else {
          throw .invalid("JSON: nested deeper than \(maximumDepth) levels.")
        }
      case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
      default: break
      }
    }
  }
}

/// The names of a JSON object's fields, as they are written.
private struct FieldNames: Decodable {
  let names: [String]

  private struct AnyKey: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }

  init(from decoder: any Decoder) throws {
    names = try decoder.container(keyedBy: AnyKey.self).allKeys.map(\.stringValue)
  }
}
