/// `{"name": "failed", "failure": {"message": …}}`: the name first, then its own fields.
extension JobState: Codable {
  private enum CodingKeys: String, CodingKey { case name, reason, results, failure }

  /// Reads a state by its name.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    let name = try container.decode(String.self, forKey: .name)
    switch name {
    case "queued": self = .queued
    case "running": self = .running
    case "stopping": self = .stopping(try container.decode(StopReason.self, forKey: .reason))
    case "paused": self = .paused
    case "completed":
      self = .finished(.completed(try container.decode(JobResults.self, forKey: .results)))
    case "cancelled": self = .finished(.cancelled)
    case "failed":
      self = .finished(.failed(try container.decode(JobFailure.self, forKey: .failure)))
    default:
      throw DecodingError.dataCorruptedError(
        forKey: .name, in: container, debugDescription: "unknown job state '\(name)'")
    }
  }

  /// Writes the name and its own fields.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(name, forKey: .name)
    switch self {
    case .stopping(let reason): try container.encode(reason, forKey: .reason)
    case .finished(.completed(let results)): try container.encode(results, forKey: .results)
    case .finished(.failed(let failure)): try container.encode(failure, forKey: .failure)
    case .queued, .running, .paused, .finished(.cancelled): break
    }
  }
}
