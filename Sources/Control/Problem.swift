/// An error in HTTP form: problem details, RFC 9457.
public struct Problem: Codable, Hashable, Sendable {
  /// The media type of a reply that holds a problem.
  public static let mediaType = "application/problem+json"

  /// Names the kind of problem, `urn:figment:problem:not-found`; scripts compare this.
  public let type: String
  /// The kind of problem in words; the same for every problem of a type.
  public let title: String
  /// The HTTP status.
  public let status: Int
  /// What failed, what was found, what to do.
  public let detail: String
  /// The exit code of a command.
  public let exitCode: ExitCode

  private static let prefix = "urn:figment:problem:"

  init(_ error: ControlError) {
    let kind = Self.kind(of: error)
    type = Self.prefix + kind.name
    title = kind.title
    status = kind.status
    detail = error.message
    exitCode = error.exitCode
  }

  /// The error that this problem describes.
  public var error: ControlError {
    switch type.dropFirst(Self.prefix.count) {
    case "invalid": .invalid(detail)
    case "not-found": .notFound(detail)
    case "refused-by-policy": .refusedByPolicy(detail)
    case "forbidden": .forbidden(detail)
    case "conflict": .conflict(detail)
    case "too-large": .tooLarge(detail)
    case "timed-out": .timedOut(detail)
    case "busy": .busy(detail)
    case "shutting-down": .shuttingDown(detail)
    case "unreachable": .unreachable(detail)
    case "interrupted": .interrupted(detail)
    default: .failed(detail)
    }
  }

  private static func kind(
    of error: ControlError
  ) -> (name: String, title: String, status: Int) {
    switch error {
    case .invalid: ("invalid", "The request makes no sense", 400)
    case .notFound: ("not-found", "There is no such thing", 404)
    case .refusedByPolicy: ("refused-by-policy", "The privacy policy does not allow it", 403)
    case .forbidden: ("forbidden", "The caller may not do that", 403)
    case .conflict: ("conflict", "Not possible in this state", 409)
    case .tooLarge: ("too-large", "The request is too large", 413)
    case .timedOut: ("timed-out", "The request took too long", 408)
    case .busy: ("busy", "Too many callers", 503)
    case .shuttingDown: ("shutting-down", "The daemon is stopping", 503)
    case .unreachable: ("unreachable", "The daemon cannot be reached", 503)
    case .interrupted: ("interrupted", "A signal stopped it", 503)
    case .failed: ("failed", "Something failed", 500)
    }
  }
}
