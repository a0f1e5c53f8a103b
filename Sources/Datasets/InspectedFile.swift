/// The known facts about one entry of a watched folder.
public struct InspectedFile: Hashable, Sendable, Codable {
  /// Its path below the root.
  public let path: RelativePath
  /// Its verdict.
  public let verdict: ImageVerdict
  /// Its class, where its place names one.
  public let className: String?
  /// The facts that must be unchanged for the verdict to hold; nil when it was not read.
  public let signature: FileSignature?
  /// SHA-256 of its content; nil when it was not read.
  public let contentHash: ContentHash?
  /// Rows, upright; nil when it did not decode.
  public let height: Int?
  /// Columns, upright; nil when it did not decode.
  public let width: Int?
  /// Remarks on its content although it decoded.
  public let remarks: DecodeRemarks
  /// The brightest sample, 0...255, of the form that it was brought to; nil when it did not decode.
  ///
  /// Private: never part of a release.
  public let brightest: Int?

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
