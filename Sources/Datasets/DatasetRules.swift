/// Whose participation the guarantee hides.
public enum PrivacyUnit: String, Hashable, Sendable, Codable, CaseIterable {
  /// One image file.
  case file
  /// Everything in a person's folder, the folder below the class folder.
  ///
  /// Folders of the same name in several classes are the same person.
  case folder
}

/// What the administrator declares about a folder of images.
public struct DatasetRules: Hashable, Sendable, Codable {
  /// The class names in label order.
  ///
  /// Nil takes the first-level folders, sorted; then the list itself is learnt from the folder, so
  /// a guarantee should rest on a declared list.
  public var classes: [String]?
  /// Whose participation the guarantee hides.
  public var privacyUnit: PrivacyUnit
  /// The most images of one person that are used, when the unit is a folder; nil is no limit.
  public var maximumPerUnit: Int?
  /// Whether folders on other file systems, mounted below the root, are read too.
  public var crossesFileSystems: Bool

  /// The class of images that lie directly in a root without class folders.
  public static let singleClass = "all"

  /// Rules; the default is classes as found, one file as the unit, one file system.
  public init(
    classes: [String]? = nil, privacyUnit: PrivacyUnit = .file, maximumPerUnit: Int? = nil,
    crossesFileSystems: Bool = false
  ) {
    self.classes = classes
    self.privacyUnit = privacyUnit
    self.maximumPerUnit = maximumPerUnit
    self.crossesFileSystems = crossesFileSystems
  }

  /// Throws when the classes repeat, are none or more than labels can count, or a limit is 0.
  func validate() throws(DatasetError) {
    guard maximumPerUnit.map({ $0 > 0 }) ?? true else {
      throw .invalidDeclaration(finding: "at most 0 images of a person (1 or more expected)")
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

  /// Whether a file or folder of this name is passed over: hidden ones, files that browsers,
  /// copying and synchronising programs are still writing, and folders of thumbnails.
  static func ignores(_ name: some BidirectionalCollection<UInt8>) -> Bool {
    guard let first = name.first else { return true }
    if first == UInt8(ascii: ".") || first == UInt8(ascii: "~") { return true }
    if name.last == UInt8(ascii: "~") { return true }
    if name.count > 4, name.contains(UInt8(ascii: ".")) {
      for suffix in unfinishedSuffixes where hasSuffix(name, suffix) { return true }
    }
    return name.elementsEqual("@eaDir".utf8) || name.elementsEqual("#recycle".utf8)
      || name.elementsEqual("lost+found".utf8)
  }

  private static let unfinishedSuffixes: [[UInt8]] = [
    ".part", ".tmp", ".partial", ".filepart", ".crdownload", ".download", ".swp",
  ].map { Array($0.utf8) }

  private static func hasSuffix(_ name: some BidirectionalCollection<UInt8>, _ suffix: [UInt8])
    -> Bool
  {
    name.count >= suffix.count
      && zip(name.suffix(suffix.count), suffix).allSatisfy { lowercase($0) == $1 }
  }

  private static func lowercase(_ byte: UInt8) -> UInt8 {
    (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
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

  /// `folders` are the first-level folders found.
  init(rules: DatasetRules, folders: [[UInt8]]) {
    let found = folders.sorted { $0.lexicographicallyPrecedes($1) }
    let names = found.map { RelativePath.escape($0) }
    classes = rules.classes ?? (names.isEmpty ? [DatasetRules.singleClass] : names)
    unit = rules.privacyUnit
    var labels: [[UInt8]: UInt32] = [:]
    for (folder, name) in zip(found, names) {
      labels[folder] = classes.firstIndex(of: name).map(UInt32.init)
    }
    self.labels = labels
    let mayBeFlat = rules.classes != nil || names.isEmpty
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
  /// The name of the folder below the class folder, which stands for a person in every class; nil
  /// for a file that lies higher.
  public var person: [UInt8]? {
    let parts = bytes.split(separator: Self.separator, maxSplits: 2)
    return parts.count == 3 ? Array(parts[1]) : nil
  }
}

/// A place that a file of the dataset cannot have.
struct PathFault: Error, CustomStringConvertible {
  let verdict: ImageVerdict

  /// What is wrong with the place, and what to do.
  var description: String { verdict.description }
}
