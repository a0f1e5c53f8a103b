/// A request whose fields are all known and whose values are all possible.
///
/// A field that is not known is an error: a misspelt `epsilon` must not train with another one.
public protocol StrictRequest: Codable, Sendable {
  /// The fields that a request may have, as JSON writes them.
  static var fields: [String] { get }

  /// The fields that this request may have: all of `fields`, unless some are of another kind.
  var ownFields: [String] { get }

  /// Refuses impossible values.
  func validate() throws(ControlError)
}

extension StrictRequest {
  /// All fields.
  public var ownFields: [String] { Self.fields }

  static func check(_ name: String, isNameOf kind: String) throws(ControlError) {
    guard Name.isValid(name) else {
      throw .invalid(
        "\(kind) '\(name)': not a name (lower-case letters, digits, '.', '-', '_' expected).")
    }
  }

  static func check(
    _ value: Int?, in range: ClosedRange<Int>, called name: String
  ) throws(ControlError) {
    guard let value, !range.contains(value) else { return }
    throw .invalid(
      "\(name) \(Rounded.count(value)): out of range (\(Rounded.count(range.lowerBound)) to "
        + "\(Rounded.count(range.upperBound)) expected).")
  }
}

extension CodingKey {
  /// `nonPrivate` as JSON writes it, `non_private`.
  var snakeCase: String {
    stringValue.reduce(into: "") { text, character in
      if character.isUppercase { text += "_" }
      text += character.lowercased()
    }
  }
}
