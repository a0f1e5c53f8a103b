import Control

/// The content of `job.json`: a job and the path of its release.
///
/// The path belongs to the job: a later change of the configured output affects only later jobs. It is
/// stored beside the job's own fields and is not sent to clients.
struct StoredJob: Codable {
  /// The job.
  let job: Job
  /// The path of its release; nil in files of earlier versions.
  let release: String?

  private enum CodingKeys: String, CodingKey { case release }

  init(_ job: Job, release: String) {
    self.job = job
    self.release = release
  }

  init(from decoder: any Decoder) throws {
    job = try Job(from: decoder)
    release = try decoder.container(keyedBy: CodingKeys.self)
      .decodeIfPresent(String.self, forKey: .release)
  }

  func encode(to encoder: any Encoder) throws {
    try job.encode(to: encoder)
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encodeIfPresent(release, forKey: .release)
  }

  /// The path of the release: as stored, or derived from the results of an earlier version.
  var place: String? {
    if let release { return release }
    guard case .finished(.completed(let results)) = job.state,
      let images = results.outputs.first(where: { $0.kind == "images" })?.path,
      images.hasSuffix(Self.imagesFolder)
    else { return nil }
    let place = String(images.dropLast(Self.imagesFolder.count))
    // A set without privacy is in internal/, beside the path of a release.
    return place.hasSuffix("/internal/\(job.id)")
      ? place.dropLast("/internal/\(job.id)".count) + "/\(job.id)" : place
  }

  /// Refuses impossible content: counts out of range, and a release path that no job of this name can have,
  /// because files are written and removed there.
  func requirePossible() throws(ControlError) {
    let counts = [job.launches, job.crashes?.count ?? 0, job.crashes?.checkpoint ?? 0]
    guard counts.allSatisfy({ (0...Self.largestCount).contains($0) }) else {
      throw .invalid(
        "impossible numbers of launches and crashes: \(counts.map(String.init).joined(separator: ", "))."
      )
    }
    guard let place else { return }
    let parts = place.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count > 1, parts[0].isEmpty, parts.last.map(String.init) == job.id.name,
      !parts.dropFirst().contains(where: { $0 == "." || $0 == ".." }),
      !place.utf8.contains(0)
    else {
      throw .invalid(
        "the path of its release is '\(place.prefix(200))' (a path that ends in the job's name expected)."
      )
    }
  }

  private static let largestCount = 1_000_000_000

  private static let imagesFolder = "/data"
}
