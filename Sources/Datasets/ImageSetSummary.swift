/// A summary of the usable files of a folder, in numbers and in one sentence.
///
/// Private: never part of a release, and for the owner of the folder only.
public struct ImageSetSummary: Hashable, Sendable, Codable {
  /// Unused files of one kind.
  public struct Share: Hashable, Sendable, Codable {
    /// Their kind, in a few words: "WebP", "too small".
    public let what: String
    /// How many there are.
    public let count: Int
  }

  /// The number of files, without those that were skipped for their names or that disappeared.
  public let total: Int
  /// The number of used images.
  public let used: Int
  /// Files that need a correction, by kind, the most frequent first.
  public let rejected: [Share]
  /// Files that are excluded on purpose or temporarily: copies, images beyond a person's limit, files that
  /// are still changing.
  public let leftOut: [Share]
  /// Entries skipped for their names.
  public let passedOver: Int
  /// Classes without an image, declared or discovered, in order.
  public let classesWithoutImage: [String]

  /// Summarises the files of a snapshot or an inspection.
  ///
  /// `classes` are the declared ones; nil uses those of the files.
  public init(of files: some Sequence<InspectedFile>, classes: [String]? = nil) {
    var total = 0
    var used = 0
    var passedOver = 0
    var rejected: [String: Int] = [:]
    var leftOut: [String: Int] = [:]
    var named: Set<String> = []
    var filled: Set<String> = []
    for file in files {
      switch file.verdict {
      case .ignored:
        passedOver += 1
        continue
      case .vanished: continue
      case .accepted: used += 1
      case let verdict where verdict.needsAttention:
        rejected[verdict.inFewWords, default: 0] += 1
      default: leftOut[file.verdict.inFewWords, default: 0] += 1
      }
      total += 1
      guard let name = file.className else { continue }
      named.insert(name)
      if file.verdict == .accepted { filled.insert(name) }
    }
    self.total = total
    self.used = used
    self.passedOver = passedOver
    self.rejected = Self.shares(rejected)
    self.leftOut = Self.shares(leftOut)
    // The class of a root without folders was not found in the data.
    let found = classes ?? named.sorted().filter { $0 != DatasetRules.singleClass }
    classesWithoutImage = found.filter { !filled.contains($0) }
  }

  private static func shares(_ counts: [String: Int]) -> [Share] {
    counts.map { Share(what: $0, count: $1) }
      .sorted { ($1.count, $0.what) < ($0.count, $1.what) }
  }
}

extension ImageSetSummary: CustomStringConvertible {
  /// For example "1 of 11 files used; 5 TIFF, 5 WebP rejected; class b has no image".
  public var description: String {
    var parts = ["\(used) of \(total) \(total == 1 ? "file" : "files") used"]
    if !rejected.isEmpty { parts.append("\(Self.list(rejected)) rejected") }
    if !leftOut.isEmpty { parts.append("\(Self.list(leftOut)) left out") }
    if let classes = Self.sentence(ofClasses: classesWithoutImage) { parts.append(classes) }
    return parts.joined(separator: "; ")
  }

  private static func list(_ shares: [Share]) -> String {
    shares.map { "\($0.count) \($0.what)" }.joined(separator: ", ")
  }

  /// States that these classes have no image; nil if there are none.
  static func sentence(ofClasses classes: [String]) -> String? {
    guard !classes.isEmpty else { return nil }
    let shown = classes.prefix(5).joined(separator: ", ")
    let rest = classes.count > 5 ? " and \(classes.count - 5) more" : ""
    return classes.count == 1
      ? "class \(shown) has no image" : "classes \(shown)\(rest) have no image"
  }
}

extension ImageVerdict {
  /// The kind of such files, in a few words to follow a number.
  public var inFewWords: String {
    switch self {
    case .accepted: "used"
    case .waiting: "still changing"
    case .duplicate: "repeated"
    case .contradictoryClass: "in two classes at once"
    case .contradictoryAttributes: "with two rows of attributes"
    case .missingAttribute: "without a required attribute"
    case .unreadable(.empty): "empty"
    case .unreadable(.notAnImage): "of no known format"
    case .unreadable(.truncated): "cut off"
    case .unreadable(.decoderDied), .unreadable(.timedOut): "not decodable"
    case .unreadable(.unsupportedVariant): "of an unread kind"
    case .unreadable: "damaged"
    case .unsupported(let format): format.rawValue
    case .tooLarge: "too large"
    case .tooSmall: "too small"
    case .notRegularFile: "not regular"
    case .forbidden: "without read permission"
    case .otherFileSystem: "on another file system"
    case .unknownClass: "in no declared class"
    case .noClass: "beside the class folders"
    case .noUnit: "in no person's folder"
    case .beyondUnitLimit: "beyond the limit of a person"
    case .ignored: "passed over by name"
    case .vanished: "gone"
    case .readError: "failed to read"
    }
  }
}
