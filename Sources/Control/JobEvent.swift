public import FoundationEssentials

/// Something that happened to a job.
///
/// Releasable values only.
public struct JobEvent: Hashable, Sendable, Identifiable {
  /// The event's number within its job, from 1 without gaps.
  ///
  /// Progress is replaced, not kept: it carries the number of the newest kept event, so `after:` with any
  /// number ever seen misses no kept event.
  public let id: Int
  /// The job.
  public let job: JobID
  /// When it happened.
  public let time: Date
  /// The event itself.
  public let content: Content

  /// The events of a job.
  public enum Content: Hashable, Sendable {
    /// It entered a state, after `secondsBefore` seconds in the previous one.
    case state(JobState, secondsBefore: Double)
    /// It made progress.
    case progress(JobProgress)
    /// It reports a message.
    case note(String)
  }

  /// Records that something happened.
  public init(id: Int, job: JobID, time: Date, content: Content) {
    self.id = id
    self.job = job
    self.time = time
    self.content = content
  }
}

/// `{"id": 3, "job": "glyphs-7", "time": …, "type": "state", "state": …}`.
extension JobEvent: Codable {
  private enum CodingKeys: String, CodingKey {
    case id, job, time, type, state, secondsBefore, progress, note
  }

  /// Reads an event by its type.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    id = try container.decode(Int.self, forKey: .id)
    job = try container.decode(JobID.self, forKey: .job)
    time = try container.decode(Date.self, forKey: .time)
    let type = try container.decode(String.self, forKey: .type)
    switch type {
    case "state":
      content = .state(
        try container.decode(JobState.self, forKey: .state),
        secondsBefore: try container.decode(Double.self, forKey: .secondsBefore))
    case "progress":
      content = .progress(try container.decode(JobProgress.self, forKey: .progress))
    case "note": content = .note(try container.decode(String.self, forKey: .note))
    default:
      throw DecodingError.dataCorruptedError(
        forKey: .type, in: container, debugDescription: "unknown event type '\(type)'")
    }
  }

  /// Writes an event with its type.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(id, forKey: .id)
    try container.encode(job, forKey: .job)
    try container.encode(time, forKey: .time)
    switch content {
    case .state(let state, let secondsBefore):
      try container.encode("state", forKey: .type)
      try container.encode(state, forKey: .state)
      try container.encode(secondsBefore, forKey: .secondsBefore)
    case .progress(let progress):
      try container.encode("progress", forKey: .type)
      try container.encode(progress, forKey: .progress)
    case .note(let note):
      try container.encode("note", forKey: .type)
      try container.encode(note, forKey: .note)
    }
  }
}

/// The last line of every event stream; a stream without it was interrupted.
public struct StreamEnd: Codable, Hashable, Sendable {
  /// Always `end`.
  public let type: String
  /// Why the stream ends before the job is finished; nil when the job is finished.
  public let problem: Problem?

  /// Ends a stream.
  public init(problem: Problem? = nil) {
    type = "end"
    self.problem = problem
  }
}
