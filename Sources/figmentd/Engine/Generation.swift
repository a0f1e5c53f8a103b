import Control
import FoundationEssentials
import Models
import Privacy

/// More images from a model that was trained before: post-processing, which costs no privacy.
struct Generation {
  /// The trained model.
  let model: any GenerativeModel
  /// What its run decided.
  let design: RunDesign
  /// Images to write.
  let count: Int
  /// The seed of the images.
  let seed: UInt64

  /// Writes the set at the job's places; nil when it was asked to stop before the set was whole.
  ///
  /// `statement` is the privacy statement of the run's release, which covers these images too.
  func write(
    at places: RunPlaces, statement: Data?, job: String, stop: StopSignal,
    report: (JobReport) -> Void
  ) throws -> JobResults? {
    if let mechanism = design.plan.mechanism {
      let writer = try ReleaseWriter(
        releaseAt: places.release, protectedBy: mechanism, hasReport: false)
      return try write(writer, places.release, statement, job, stop, report)
    }
    let writer = try InternalSetWriter(insideAt: places.unprotected, hasReport: false)
    return try write(writer, places.unprotected, nil, job, stop, report)
  }

  private func write<Zone>(
    _ writer: SetWriter<Zone>, _ place: String, _ statement: Data?, _ job: String,
    _ stop: StopSignal, _ report: (JobReport) -> Void
  ) throws -> JobResults? {
    let format = design.recipe.format(classes: design.classes)
    let drawn = try writer.writeImages(
      of: model, format: format, count: count, seed: seed, shouldStop: { stop.isRaised },
      report: { report(.progress(JobProgress(phase: .generate, done: $0, total: count))) })
    guard drawn else { return nil }
    try writer.writeSheet(of: model, format: format, seed: seed &+ 1)
    if let statement {
      try writer.write(Releasable(statement, .chosenBeforehand), as: "privacy.json")
    }
    _ = try writer.writeManifest(run: job, software: Version.current)
    try writer.finish()
    return JobResults(
      images: count,
      outputs: [
        JobOutput(kind: "images", path: place + "/data"),
        JobOutput(kind: "sheet", path: place + "/samples.png"),
      ])
  }
}
