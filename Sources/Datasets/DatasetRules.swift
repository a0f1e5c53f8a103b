/// The unit of privacy of the guarantee, in the form in which a folder of images is read.
///
/// `Models` translates it for ledgers (`DatasetRules.protectedUnit`): the type in `Privacy` comes with
/// budgets, which this room must not see.
public enum PrivacyUnit: String, Hashable, Sendable, Codable, CaseIterable {
  /// One image file.
  case file
  /// All files in a person's folder, which is the folder below the class folder.
  ///
  /// Folders of the same name in several classes are the same person.
  case folder
}

/// The administrator's declarations about a folder of images.
public struct DatasetRules: Hashable, Sendable, Codable {
  /// The class names in label order.
  ///
  /// Nil uses the first-level folders, sorted. Then the list depends on private data, so a guarantee should
  /// use a declared list.
  public var classes: [String]?
  /// The unit of privacy of the guarantee.
  public var privacyUnit: PrivacyUnit
  /// The maximum number of images to use of one person if the unit is a folder; nil for no limit.
  public var maximumPerUnit: Int?
  /// Whether to read folders on other file systems mounted below the root.
  public var crossesFileSystems: Bool
  /// The sample value of white, 1...65,535; nil for the largest value of a file's depth.
  ///
  /// See `ImageTransform.whiteLevel`. Declared, never measured: a level taken from private images
  /// would be an unaccounted release.
  public var whiteLevel: Int?
  /// How to treat the colours of a file with a profile.
  public var colour: ImageTransform.Colour
  /// The columns of a table beside the images, or of the tables of a root without images; other columns are not
  /// read.
  public var columns: [ColumnDomain]
  /// The column that names the person of a row, if the root has tables only and the unit is a folder.
  ///
  /// Its texts are compared and never kept. Beside images, a row belongs to the person of its file.
  public var personColumn: String?

  /// The class of images directly in a root without class folders.
  public static let singleClass = "all"

  /// Creates rules; the defaults are discovered classes, one file as the unit, and one file system.
  public init(
    classes: [String]? = nil, privacyUnit: PrivacyUnit = .file, maximumPerUnit: Int? = nil,
    crossesFileSystems: Bool = false, whiteLevel: Int? = nil,
    colour: ImageTransform.Colour = .convert, columns: [ColumnDomain] = [],
    personColumn: String? = nil
  ) {
    self.columns = columns
    self.personColumn = personColumn
    self.classes = classes
    self.privacyUnit = privacyUnit
    self.maximumPerUnit = maximumPerUnit
    self.crossesFileSystems = crossesFileSystems
    self.whiteLevel = whiteLevel
    self.colour = colour
  }

  /// Throws if classes repeat, if there are none or too many for a label, if a limit is 0, if a level is out of
  /// range, or if a name of a column is not plain text.
  func validate() throws(DatasetError) {
    guard maximumPerUnit.map({ $0 > 0 }) ?? true else {
      throw .invalidDeclaration(finding: "a maximum of 0 images per person (1 or more expected)")
    }
    if let whiteLevel, !ImageTransform.whiteLevels.contains(whiteLevel) {
      throw .invalidDeclaration(finding: "a white level of \(whiteLevel) (1...65535 expected)")
    }
    try ColumnDomain.check(columns)
    if let personColumn { try ColumnDomain.check(personColumn: personColumn) }
    guard let classes else { return }
    guard !classes.isEmpty, classes.count <= SnapshotLayout.maximumClassCount else {
      throw .invalidDeclaration(
        finding: "\(classes.count) classes (1...\(SnapshotLayout.maximumClassCount) expected)")
    }
    guard Set(classes).count == classes.count else {
      throw .invalidDeclaration(finding: "a class is listed twice (distinct classes expected)")
    }
  }

  /// Rules under which every image is read that some rules leave out; nil if these leave none out.
  public var leavingNoneOut: DatasetRules? {
    guard
      classes != nil || maximumPerUnit != nil || privacyUnit != .file
        || !columns.isEmpty
    else { return nil }
    return DatasetRules(
      crossesFileSystems: crossesFileSystems, whiteLevel: whiteLevel, colour: colour)
  }

  /// Why an entry of this name is skipped; nil if it is not.
  ///
  /// A first-level folder whose name is declared as a class is never skipped. A table of attributes directly in
  /// the root is never an image, whether columns are declared or not; where they are, no other table is one either.
  func passesOver(
    _ name: [UInt8], isFolder: Bool, isFirstLevel: Bool
  ) -> PassedOverName? {
    if isFirstLevel, !isFolder {
      let isTable = !columns.isEmpty && TableFormat(name: name) != nil
      if isTable || AttributeFile.names.contains(name) { return .metadata }
    }
    guard let reason = PassedOverName(name, isFolder: isFolder) else { return nil }
    let isDeclared =
      isFolder && isFirstLevel && classes?.contains(RelativePath.escape(name)) ?? false
    return isDeclared ? nil : reason
  }
}

extension DatasetRules {
  private enum CodingKeys: String, CodingKey {
    case classes, privacyUnit, maximumPerUnit, crossesFileSystems, whiteLevel, colour
    case columns, personColumn
  }

  /// Reads the output of `encode`, including that of earlier versions, which declared no columns.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    self.init(
      classes: try container.decodeIfPresent([String].self, forKey: .classes),
      privacyUnit: try container.decode(PrivacyUnit.self, forKey: .privacyUnit),
      maximumPerUnit: try container.decodeIfPresent(Int.self, forKey: .maximumPerUnit),
      crossesFileSystems: try container.decode(Bool.self, forKey: .crossesFileSystems),
      whiteLevel: try container.decodeIfPresent(Int.self, forKey: .whiteLevel),
      colour: try container.decode(ImageTransform.Colour.self, forKey: .colour),
      columns: try container.decodeIfPresent([ColumnDomain].self, forKey: .columns) ?? [],
      personColumn: try container.decodeIfPresent(String.self, forKey: .personColumn))
  }

  /// Writes the declarations; without columns, as earlier versions wrote them.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encodeIfPresent(classes, forKey: .classes)
    try container.encode(privacyUnit, forKey: .privacyUnit)
    try container.encodeIfPresent(maximumPerUnit, forKey: .maximumPerUnit)
    try container.encode(crossesFileSystems, forKey: .crossesFileSystems)
    try container.encodeIfPresent(whiteLevel, forKey: .whiteLevel)
    try container.encode(colour, forKey: .colour)
    if !columns.isEmpty { try container.encode(columns, forKey: .columns) }
    try container.encodeIfPresent(personColumn, forKey: .personColumn)
  }

  /// The declared classes of which a root has no folder, and the names of the folders that it has.
  ///
  /// For whoever owns the images: a misspelt class would be trained on nothing. No class is missing where none are
  /// declared, or where the only one is that of images in the root itself.
  ///
  /// - Throws: `DatasetError` if the root cannot be read.
  public func classesWithoutFolder(
    in root: String
  ) throws -> (missing: [String], folders: [String]) {
    guard let classes else { return ([], []) }
    var folders: Set<String> = []
    try Directory.root(root).forEachEntry { name, kind in
      guard kind == .directory, passesOver(name, isFolder: true, isFirstLevel: true) == nil else {
        return
      }
      folders.insert(CanonicalName.text(RelativePath.escape(name)))
    }
    let missing = classes.filter {
      $0 != Self.singleClass && !folders.contains(CanonicalName.text($0))
    }
    return (missing, folders.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) })
  }
}

/// The class and the person that the path of a file indicates.
struct PathReading {
  /// Index into `classes`.
  let label: UInt32
  /// The person's folder, if the unit of privacy is a folder.
  let person: [UInt8]?
}

/// Derives labels and persons from paths by the rules of one dataset.
struct PathReader {
  /// The class names in label order, as text.
  let classes: [String]
  private let unit: PrivacyUnit
  private let labels: [[UInt8]: UInt32]
  private let labelOfRoot: UInt32?

  /// Creates a reader; `folders` are the existing first-level folders with at least one file.
  ///
  /// Folders whose names are equal after normalisation are one class, named in form C.
  init(rules: DatasetRules, folders: some Collection<[UInt8]>) {
    let names = folders.map { CanonicalName.text(RelativePath.escape($0)) }
    let found = Set(names).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    classes =
      rules.classes?.map(CanonicalName.text)
      ?? (found.isEmpty ? [DatasetRules.singleClass] : found)
    unit = rules.privacyUnit
    // Use the first of each name; lists with repeated names are refused elsewhere.
    let numbers = Dictionary(
      classes.enumerated().map { ($1, UInt32($0)) }, uniquingKeysWith: { first, _ in first })
    var labels: [[UInt8]: UInt32] = [:]
    for (folder, name) in zip(folders, names) { labels[folder] = numbers[name] }
    self.labels = labels
    let mayBeFlat = rules.classes != nil || found.isEmpty
    labelOfRoot =
      mayBeFlat ? classes.firstIndex(of: DatasetRules.singleClass).map(UInt32.init) : nil
  }

  /// The class and person of a path, or the verdict that excludes it.
  func read(_ path: RelativePath) -> Result<PathReading, PathFault> {
    let parts = path.bytes.split(separator: RelativePath.separator, maxSplits: 2)
    let label: UInt32
    if parts.count == 1 {
      guard let labelOfRoot else { return .failure(PathFault(verdict: .noClass)) }
      label = labelOfRoot
    } else {
      guard let named = labels[Array(parts[0])] else {
        return .failure(PathFault(verdict: .unknownClass))
      }
      label = named
    }
    guard unit == .folder else { return .success(PathReading(label: label, person: nil)) }
    guard let person = path.person else { return .failure(PathFault(verdict: .noUnit)) }
    return .success(PathReading(label: label, person: person))
  }
}

extension RelativePath {
  /// The name of the folder below the class folder, which represents a person in every class; nil
  /// for a file above that level.
  ///
  /// In Unicode form C, so that two spellings of a name are one person.
  public var person: [UInt8]? {
    let parts = bytes.split(separator: Self.separator, maxSplits: 2)
    return parts.count == 3 ? CanonicalName.bytes(parts[1]) : nil
  }

  /// The name of the first-level folder; nil for a file directly in the root.
  var classFolder: [UInt8]? {
    let parts = bytes.split(separator: Self.separator, maxSplits: 1)
    return parts.count == 2 ? Array(parts[0]) : nil
  }
}

/// A path that excludes a file from the dataset.
struct PathFault: Error, CustomStringConvertible {
  let verdict: ImageVerdict

  /// The problem with the path, and what to do.
  var description: String { verdict.description }
}
