/// The known facts about one entry of a watched folder, from its reading on.
///
/// Until it is compared with the others (`Settlement`), `accepted` means that it decoded.
public struct InspectedFile: Hashable, Sendable, Codable {
  /// Its path below the root.
  public let path: RelativePath
  /// Its verdict.
  public internal(set) var verdict: ImageVerdict
  /// Its class, if its path indicates one.
  public internal(set) var className: String?
  /// The signature that must be unchanged for the verdict to remain valid; nil if it was not read.
  public internal(set) var signature: FileSignature?
  /// SHA-256 of its content; nil if it was not read.
  public internal(set) var contentHash: ContentHash?
  /// The upright height; nil if it was not decoded.
  public internal(set) var height: Int?
  /// The upright width; nil if it was not decoded.
  public internal(set) var width: Int?
  /// Remarks about the decoded content.
  public internal(set) var remarks: DecodeRemarks
  /// The brightest sample after the transform, 0...255; nil if it was not decoded.
  ///
  /// Private: never part of a release.
  public internal(set) var brightest: Int?

  /// Creates the record of a file, for example from an index.
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

  /// The result of the earlier reading, before the file was compared with others; nil if it must be read
  /// again.
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

  /// The verdict as a sentence, with the remarks about an accepted file.
  public var reason: String {
    verdict == .accepted && !remarks.isEmpty ? "accepted; \(remarks)" : verdict.description
  }
}

extension Sequence<InspectedFile> {
  /// The number of files for each `ImageVerdict.code`.
  ///
  /// Private: never part of a release.
  public func countsByCode() -> [String: Int] {
    reduce(into: [:]) { counts, file in counts[file.verdict.code, default: 0] += 1 }
  }
}
