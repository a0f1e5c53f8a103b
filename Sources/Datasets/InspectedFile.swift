/// The known facts about one entry of a watched folder.
public struct InspectedFile: Hashable, Sendable, Codable {
  /// Its path below the root.
  public let path: RelativePath
  /// Its verdict.
  public let verdict: ImageVerdict
  /// Its class, if its path indicates one.
  public let className: String?
  /// The signature that must be unchanged for the verdict to remain valid; nil if it was not read.
  public let signature: FileSignature?
  /// SHA-256 of its content; nil if it was not read.
  public let contentHash: ContentHash?
  /// The upright height; nil if it was not decoded.
  public let height: Int?
  /// The upright width; nil if it was not decoded.
  public let width: Int?
  /// Remarks about the decoded content.
  public let remarks: DecodeRemarks
  /// The brightest sample after the transform, 0...255; nil if it was not decoded.
  ///
  /// Private: never part of a release.
  public let brightest: Int?

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
