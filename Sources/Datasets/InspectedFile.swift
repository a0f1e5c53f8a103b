/// The known facts about one entry of a watched folder, from its reading on.
///
/// Until it is compared with the others (`Settlement`), `accepted` means that it decoded.
public struct InspectedFile: Hashable, Sendable, Codable {
  /// Its path below the root.
  public let path: RelativePath
  /// Its verdict.
  public internal(set) var verdict: ImageVerdict
  /// Its class, where its place names one.
  public internal(set) var className: String?
  /// The facts that must be unchanged for the verdict to hold; nil when it was not read.
  public internal(set) var signature: FileSignature?
  /// SHA-256 of its content; nil when it was not read.
  public internal(set) var contentHash: ContentHash?
  /// Rows, upright; nil when it did not decode.
  public internal(set) var height: Int?
  /// Columns, upright; nil when it did not decode.
  public internal(set) var width: Int?
  /// Remarks on its content although it decoded.
  public internal(set) var remarks: DecodeRemarks
  /// The brightest sample, 0...255, of the form that it was brought to; nil when it did not decode.
  ///
  /// Private: never part of a release.
  public internal(set) var brightest: Int?

  /// Knowledge of a file, as an index restores it.
  public init(
    path: RelativePath, verdict: ImageVerdict, className: String? = nil,
    signature: FileSignature? = nil, contentHash: ContentHash? = nil, height: Int? = nil,
    width: Int? = nil, remarks: DecodeRemarks = [], brightest: Int? = nil
  ) {
    self.path = path
    self.verdict = verdict
    self.className = className
    self.signature = signature
    self.contentHash = contentHash
    self.height = height
    self.width = width
    self.remarks = remarks
    self.brightest = brightest
  }

  /// The file as its earlier reading showed it, before it was compared with others; nil when it must be
  /// read again.
  var asRead: InspectedFile? {
    var file = self
    file.className = nil
    switch verdict {
    case .accepted, .duplicate, .contradictoryClass, .beyondUnitLimit:
      guard contentHash != nil else { return nil }
      file.verdict = .accepted
    case .unreadable, .unsupported, .tooLarge, .tooSmall: break
    default: return nil
    }
    return file
  }

  /// The verdict as a sentence, with the remarks on a file that is used.
  public var reason: String {
    verdict == .accepted && !remarks.isEmpty ? "accepted; \(remarks)" : verdict.description
  }
}

extension Sequence<InspectedFile> {
  /// How many files each `ImageVerdict.code` has.
  ///
  /// Private: never part of a release.
  public func countsByCode() -> [String: Int] {
    reduce(into: [:]) { counts, file in counts[file.verdict.code, default: 0] += 1 }
  }
}
