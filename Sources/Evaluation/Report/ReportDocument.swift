public import Privacy

/// The two answers at the top of a report, with their reasons.
///
/// Is the set private, is it good?
public struct Verdict: Sendable, Encodable {
  /// The answer to one of the two questions.
  public struct Part: Sendable, Encodable {
    /// The colour.
    public let severity: ReportBlock.Severity
    /// One sentence.
    public let headline: String
    /// The reasons as sentences, with the numbers behind them.
    public let reasons: [String]

    /// Creates an answer.
    public init(severity: ReportBlock.Severity, headline: String, reasons: [String]) {
      self.severity = severity
      self.headline = headline
      self.reasons = reasons
    }
  }

  /// The answers about privacy and about quality; neither implies the other.
  public let privacy: Part, quality: Part

  /// Creates a verdict.
  public init(privacy: Part, quality: Part) {
    self.privacy = privacy
    self.quality = quality
  }

  /// The severity of both together: good only if both are, neutral if one is unknown.
  public var severity: ReportBlock.Severity {
    let both = [privacy.severity, quality.severity]
    for severity in [ReportBlock.Severity.failed, .warning, .note] where both.contains(severity) {
      return severity
    }
    return .passed
  }

  /// Both sentences.
  public var headline: String { "\(privacy.headline) \(quality.headline)" }

  /// Both lists of reasons.
  public var reasons: [String] { privacy.reasons + quality.reasons }

  private enum Key: String, CodingKey {
    case severity, headline, reasons, privacy, quality
  }

  /// Writes both answers and their summary.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    try container.encode(severity, forKey: .severity)
    try container.encode(headline, forKey: .headline)
    try container.encode(reasons, forKey: .reasons)
    try container.encode(privacy, forKey: .privacy)
    try container.encode(quality, forKey: .quality)
  }
}

/// A report for one zone: the source of the page and of the JSON file.
///
/// Blocks enter through `add` only. The release zone cannot read a sensitive block and shows a note that it
/// was withheld instead.
public struct ReportDocument<Zone: ReportZone>: Sendable {
  /// A heading with its contents.
  public struct Section: Sendable {
    /// The anchor in the page, the key in JSON.
    public let key: String
    /// The heading.
    public let title: String
    /// The subject of the section.
    public let introduction: String
    /// The content.
    public fileprivate(set) var blocks: [ReportBlock]
  }

  /// The heading of the page.
  public let title: String
  /// A line below it.
  public let subtitle: String
  /// What the set consists of.
  public let subject: ReportSubject
  /// The answer at the top.
  public let verdict: Verdict
  /// The content in order.
  public private(set) var sections: [Section] = []
  /// The parts that this version omits.
  public private(set) var withheld: [(name: String, reason: String)] = []

  /// Starts a report.
  public init(
    title: String, subtitle: String, about subject: ReportSubject = .images,
    verdict: Sensitive<Verdict>, releasedVerdict: Releasable<Verdict>
  ) {
    self.subject = subject
    self.title = title
    self.subtitle = subtitle
    self.verdict = Zone.admit(verdict, orElse: releasedVerdict)
  }

  /// Starts a section; later additions belong to it.
  public mutating func begin(_ key: String, _ title: String, _ introduction: String = "") {
    sections.append(Section(key: key, title: title, introduction: introduction, blocks: []))
  }

  /// Adds a block that everyone may see.
  public mutating func add(_ block: Releasable<ReportBlock>) {
    append(block.value)
  }

  /// Adds fixed text, or values chosen before any private image was read.
  public mutating func add(fixed block: ReportBlock) {
    append(block)
  }

  /// Adds a block for the internal report only; in the release report, `name` and `reason` replace it, so
  /// they must not depend on private images.
  public mutating func add(
    _ block: Sensitive<ReportBlock>, named name: String, because reason: String
  ) {
    append(Zone.admit(block, named: name, because: reason))
  }

  private mutating func append(_ block: ReportBlock) {
    precondition(!sections.isEmpty, "a block before the first section")
    if case .withheld(let name, let reason) = block { withheld.append((name, reason)) }
    sections[sections.count - 1].blocks.append(block)
  }
}
