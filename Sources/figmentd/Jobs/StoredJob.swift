import Control

/// `job.json`: a job, and where its release goes.
///
/// The place belongs to the job: an output that is configured later is for jobs that come later. It is kept
/// beside the job's own fields and is no part of what clients are told.
struct StoredJob: Codable {
  /// The job.
  let job: Job
  /// Where its release appears; nil in files of earlier versions.
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

  /// Where the release is: as noted, or as the results of an earlier version tell.
  var place: String? {
    if let release { return release }
    guard case .finished(.completed(let results)) = job.state,
      let images = results.outputs.first(where: { $0.kind == "images" })?.path,
      images.hasSuffix(Self.imagesFolder)
    else { return nil }
    let place = String(images.dropLast(Self.imagesFolder.count))
    // A set without privacy lies in internal/, beside where a release would.
    return place.hasSuffix("/internal/\(job.id)")
      ? place.dropLast("/internal/\(job.id)".count) + "/\(job.id)" : place
  }

  /// Refuses what no job holds: counts that could not go on, and a place that no job of this name is given,
  /// since files are written and removed there.
  func requirePossible() throws(ControlError) {
    let counts = [job.launches, job.crashes?.count ?? 0, job.crashes?.checkpoint ?? 0]
    guard counts.allSatisfy({ (0...Self.largestCount).contains($0) }) else {
      throw .invalid(
        "it counts \(counts.map(String.init).joined(separator: ", ")) launches and crashes.")
    }
    guard let place else { return }
    let parts = place.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count > 1, parts[0].isEmpty, parts.last.map(String.init) == job.id.name,
      !parts.dropFirst().contains(where: { $0 == "." || $0 == ".." }),
      !place.utf8.contains(0)
    else {
      throw .invalid(
        "it names '\(place.prefix(200))' as the place of its release (a path that ends in its name expected)."
      )
    }
  }

  private static let largestCount = 1_000_000_000

  private static let imagesFolder = "/data"
}
