/// The relation that makes two data sets neighbours in the guarantee.
///
/// There is deliberately one case: clip norm C bounds the influence of *adding or removing* one
/// unit by C. Replacing a unit changes the sum by up to 2C, so a mechanism calibrated here gives a
/// weaker guarantee under replacement, and no type of ours may claim otherwise.
public enum NeighboringRelation: String, Codable, Hashable, Sendable, CaseIterable {
  /// One unit of privacy is added or removed.
  case addOrRemoveOne = "add-or-remove-one"

  /// The relation in a sentence, with the name of the unit.
  public func words(for unit: PrivacyUnit) -> String {
    switch self {
    case .addOrRemoveOne: "adding or removing \(unit.words)"
    }
  }
}

/// The meaning of one "record": the guarantee hides the presence of one unit.
public enum PrivacyUnit: Codable, Hashable, Sendable, CustomStringConvertible {
  /// One image file.
  case file
  /// One sub-folder, standing for one person, of which at most this many images are read. All
  /// of them are clipped as one contribution.
  case subfolder(maximumImages: Int)
  /// One row of a table without images.
  case row
  /// All rows of one person in tables without images, of which at most this many are read. All of
  /// them are clipped as one contribution. The column names the person: another one would make other
  /// persons.
  case person(maximumRows: Int, column: String)

  /// The name of the unit as the statement uses it.
  public var words: String {
    switch self {
    case .file: "one image file"
    case .subfolder(let maximum):
      "one sub-folder (one person)"
        + (isUnlimited(maximum) ? "" : " of at most \(maximum) images") + ", clipped together"
    case .row: "one row of a table"
    case .person(let maximum, let column):
      "all rows of one person (column '\(column)')"
        + (isUnlimited(maximum) ? "" : ", at most \(maximum)") + ", clipped together"
    }
  }

  /// The limit where none is declared: more than files and rows are counted to.
  public static let noLimit = Int(Int32.max)

  private func isUnlimited(_ maximum: Int) -> Bool { maximum >= Self.noLimit }

  /// What units are, for people: "images", "persons" or "rows".
  public var plural: String {
    switch self {
    case .file: "images"
    case .subfolder, .person: "persons"
    case .row: "rows"
    }
  }

  /// A short name: `file`, `subfolder`, `row` or `person`.
  public var description: String {
    switch self {
    case .file: "file"
    case .subfolder: "subfolder"
    case .row: "row"
    case .person: "person"
    }
  }

  private enum CodingKeys: String, CodingKey {
    case kind
    case maximumImages = "maximum_images"
    case maximumRows = "maximum_rows"
    case column
  }

  /// Decodes `{"kind":"file"}`, `{"kind":"subfolder","maximum_images":k}`, `{"kind":"row"}` or
  /// `{"kind":"person","maximum_rows":k,"column":"…"}`, with k at least 1.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    switch try container.decode(String.self, forKey: .kind) {
    case "file": self = .file
    case "subfolder":
      let maximum = try container.decode(Int.self, forKey: .maximumImages)
      try Valid.count(maximum, "images per sub-folder", atLeast: 1)
      self = .subfolder(maximumImages: maximum)
    case "row": self = .row
    case "person":
      let maximum = try container.decode(Int.self, forKey: .maximumRows)
      try Valid.count(maximum, "rows per person", atLeast: 1)
      self = .person(
        maximumRows: maximum, column: try container.decode(String.self, forKey: .column))
    case let other:
      throw PrivacyError.outOfRange(
        argument: "unit of privacy", value: other, expected: "file, subfolder, row or person")
    }
  }

  /// Encodes the form that `init(from:)` reads.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(description, forKey: .kind)
    if case .subfolder(let maximum) = self {
      try container.encode(maximum, forKey: .maximumImages)
    }
    if case .person(let maximum, let column) = self {
      try container.encode(maximum, forKey: .maximumRows)
      try container.encode(column, forKey: .column)
    }
  }
}
