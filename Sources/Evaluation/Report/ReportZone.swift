@_spi(PrivateZone) public import Privacy

/// What a synthetic set consists of.
public enum ReportSubject: String, Sendable {
  /// Images, with or without a row of a table each.
  case images
  /// Rows of a table alone.
  case rows
}

/// The audience of a report, which determines the blocks that it includes.
public protocol ReportZone {
  /// "internal" or "release": the folder of its files.
  static var name: String { get }
  /// The banner's text, for a set of images or of rows.
  static func notice(about subject: ReportSubject) -> String
  /// Includes a sensitive block, or replaces it by a note.
  static func admit(
    _ block: Sensitive<ReportBlock>, named name: String, because reason: String
  ) -> ReportBlock
  /// Selects the verdict for this zone.
  static func admit(_ sensitive: Sensitive<Verdict>, orElse releasable: Releasable<Verdict>)
    -> Verdict
}

/// The complete report, for people who may see the private images.
public enum InternalReport: ReportZone {
  /// The folder "internal".
  public static let name = "internal"
  /// The text of the banner.
  public static func notice(about subject: ReportSubject) -> String {
    "Internal: this report contains numbers\(subject == .images ? " and pictures" : "") computed from"
      + " private \(subject.rawValue) without noise. Do not share it; share the release report instead."
  }

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

/// The report for everyone: it names omitted sensitive blocks and the reasons.
public enum ReleaseReport: ReportZone {
  /// The folder "release".
  public static let name = "release"
  /// The text of the banner.
  public static func notice(about subject: ReportSubject) -> String {
    "Release: beyond the synthetic \(subject.rawValue), this report contains nothing that was computed"
      + " from real \(subject.rawValue) without noise. It may be shared wherever the synthetic"
      + " \(subject.rawValue) may be shared."
  }

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
