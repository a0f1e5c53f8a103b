/// The report about a job's synthetic set.
public struct EvaluationReport: Codable, Hashable, Sendable {
  /// The training job that it is about.
  public var job: JobID
  /// Whether it contains values that must not be shared.
  public var isInternal: Bool
  /// The path of its page on the daemon's machine.
  public var path: String
  /// The page: one self-contained HTML file.
  public var page: String
  /// The same report as the text of report.json.
  public var json: String

  /// Describes a report.
  public init(job: JobID, isInternal: Bool, path: String, page: String, json: String) {
    self.job = job
    self.isInternal = isInternal
    self.path = path
    self.page = page
    self.json = json
  }
}
