@_spi(PrivateZone) public import Privacy

/// The place where a report may be read: it decides which blocks are included.
public protocol ReportZone {
  /// "internal" or "release": the folder of its files.
  static var name: String { get }
  /// The banner's text.
  static var notice: String { get }
  /// Includes a sensitive block, or puts a note in its place.
  static func admit(
    _ block: Sensitive<ReportBlock>, named name: String, because reason: String
  ) -> ReportBlock
  /// Picks the verdict that this zone may know.
  static func admit(_ sensitive: Sensitive<Verdict>, orElse releasable: Releasable<Verdict>)
    -> Verdict
}

/// The report for those who hold the private images: it contains everything.
public enum InternalReport: ReportZone {
  /// The folder "internal".
  public static let name = "internal"
  /// The text of the banner.
  public static let notice =
    "Internal: this report holds numbers and pictures computed from private images without noise."
    + " Do not share it. The release report beside it is made for sharing."

  /// Reveals the block.
  public static func admit(
    _ block: Sensitive<ReportBlock>, named name: String, because reason: String
  ) -> ReportBlock {
    block.revealed()
  }

  /// The verdict that includes private numbers.
  public static func admit(
    _ sensitive: Sensitive<Verdict>, orElse releasable: Releasable<Verdict>
  ) -> Verdict {
    sensitive.revealed()
  }
}

/// The report for everyone: sensitive blocks are named, with the reason why they are missing.
public enum ReleaseReport: ReportZone {
  /// The folder "release".
  public static let name = "release"
  /// The text of the banner.
  public static let notice =
    "Release: this report adds nothing that was computed from real images without noise to what the"
    + " synthetic images show. It may be shared wherever they may be."

  /// Notes that the block was withheld; the block itself cannot be read here.
  public static func admit(
    _ block: Sensitive<ReportBlock>, named name: String, because reason: String
  ) -> ReportBlock {
    .withheld(name: name, reason: reason)
  }

  /// The verdict from releasable values.
  public static func admit(
    _ sensitive: Sensitive<Verdict>, orElse releasable: Releasable<Verdict>
  ) -> Verdict {
    releasable.value
  }
}
