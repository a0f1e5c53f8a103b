/// Whose participation the guarantee hides, as a folder of images is read.
///
/// `Models` translates it for ledgers (`DatasetRules.protectedUnit`): the type of `Privacy` comes with
/// budgets, which this room must not see.
public enum PrivacyUnit: String, Hashable, Sendable, Codable, CaseIterable {
  /// One image file.
  case file
  /// Everything in a person's folder, the folder below the class folder.
  ///
  /// Folders of the same name in several classes are the same person.
  case folder
}

/// The administrator's declarations about a folder of images.
public struct DatasetRules: Hashable, Sendable, Codable {
  /// The class names in label order.
  ///
  /// Nil takes the first-level folders, sorted; then the list itself is learnt from the folder, so
  /// a guarantee should use a declared list.
  public var classes: [String]?
  /// Whose participation the guarantee hides.
  public var privacyUnit: PrivacyUnit
  /// The most images of one person that are used, when the unit is a folder; nil is no limit.
  public var maximumPerUnit: Int?
  /// Whether folders on other file systems, mounted below the root, are read too.
  public var crossesFileSystems: Bool
  /// The sample that is white, 1...65,535; nil is the largest that a file's depth allows.
  ///
  /// See `ImageTransform.whiteLevel`. Declared, never measured: a level taken from private images
  /// would be an unaccounted release.
  public var whiteLevel: Int?
  /// The treatment of colours in a file that carries a profile.
  public var colour: ImageTransform.Colour

  /// The class of images directly in a root without class folders.
  public static let singleClass = "all"

  /// Rules; the default is classes as found, one file as the unit, one file system.
  public init(
    classes: [String]? = nil, privacyUnit: PrivacyUnit = .file, maximumPerUnit: Int? = nil,
    crossesFileSystems: Bool = false, whiteLevel: Int? = nil,
    colour: ImageTransform.Colour = .convert
  ) {
    self.classes = classes
    self.privacyUnit = privacyUnit
    self.maximumPerUnit = maximumPerUnit
    self.crossesFileSystems = crossesFileSystems
    self.whiteLevel = whiteLevel
    self.colour = colour
  }

  /// Throws when the classes repeat, are none or more than labels can count, a limit is 0 or a level
  /// out of range.
  func validate() throws(DatasetError) {
    guard maximumPerUnit.map({ $0 > 0 }) ?? true else {
      throw .invalidDeclaration(finding: "at most 0 images of a person (1 or more expected)")
    }
    if let whiteLevel, !ImageTransform.whiteLevels.contains(whiteLevel) {
      throw .invalidDeclaration(finding: "a white level of \(whiteLevel) (1...65535 expected)")
    }
    guard let classes else { return }
    guard !classes.isEmpty, classes.count <= SnapshotLayout.maximumClassCount else {
      throw .invalidDeclaration(
        finding: "\(classes.count) classes (1...\(SnapshotLayout.maximumClassCount) expected)")
    }
    guard Set(classes).count == classes.count else {
      throw .invalidDeclaration(finding: "a class is listed twice (each once expected)")
    }
  }

  /// Why an entry of this name is passed over; nil when it is not.
  ///
  /// A first-level folder whose name is declared as a class never is.
  func passesOver(
    _ name: [UInt8], isFolder: Bool, isFirstLevel: Bool
  ) -> PassedOverName? {
    guard let reason = PassedOverName(name, isFolder: isFolder) else { return nil }
    let isDeclared =
      isFolder && isFirstLevel && classes?.contains(RelativePath.escape(name)) ?? false
    return isDeclared ? nil : reason
  }
}

/// Which class and which person the place of a file names.
struct PathReading {
  /// Index into `classes`.
  let label: UInt32
  /// The person's folder, when the unit of privacy is a folder.
  let person: [UInt8]?
}

/// Reads labels and people off paths by the rules of one dataset.
struct PathReader {
  /// The class names in label order, as text.
  let classes: [String]
  private let unit: PrivacyUnit
  private let labels: [[UInt8]: UInt32]
  private let labelOfRoot: UInt32?

  /// `folders` are the first-level folders found, those without any file left out.
  ///
  /// Folders whose names look the same are one class, written in form C.
  init(rules: DatasetRules, folders: some Collection<[UInt8]>) {
    let names = folders.map { CanonicalName.text(RelativePath.escape($0)) }
    let found = Set(names).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    classes =
      rules.classes?.map(CanonicalName.text)
      ?? (found.isEmpty ? [DatasetRules.singleClass] : found)
    unit = rules.privacyUnit
    // The first of each name: lists that repeat one are refused elsewhere.
    let numbers = Dictionary(
      classes.enumerated().map { ($1, UInt32($0)) }, uniquingKeysWith: { first, _ in first })
    var labels: [[UInt8]: UInt32] = [:]
    for (folder, name) in zip(folders, names) { labels[folder] = numbers[name] }
    self.labels = labels
    let mayBeFlat = rules.classes != nil || found.isEmpty
    labelOfRoot =
      mayBeFlat ? classes.firstIndex(of: DatasetRules.singleClass).map(UInt32.init) : nil
  }

  /// The reading of a path, or the verdict that it cannot be used.
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
  /// In Unicode's form C: two spellings of a name are still one person.
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

/// A place that a file of the dataset cannot have.
struct PathFault: Error, CustomStringConvertible {
  let verdict: ImageVerdict

  /// What is wrong with the place, and what to do.
  var description: String { verdict.description }
}
