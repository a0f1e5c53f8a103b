package import Control
package import FoundationEssentials
package import Models
package import Privacy

/// More images from a trained model: post-processing, which costs no privacy.
package struct Generation {
  /// The trained model.
  package let model: any GenerativeModel
  /// Its recipe.
  package let recipe: Recipe
  /// Its classes.
  package let classes: [String]
  /// The number of images of each class, and how they are drawn.
  package let request: SampleRequest
  /// The name of the run in the manifest.
  package let name: String

  /// Describes more images of a trained model.
  package init(
    model: any GenerativeModel, recipe: Recipe, classes: [String], request: SampleRequest,
    name: String
  ) {
    self.model = model
    self.recipe = recipe
    self.classes = classes
    self.request = request
    self.name = name
  }

  /// Writes a set that may be shared; nil if it was stopped before the set was complete.
  ///
  /// `statement` is the privacy statement of the model's release, which covers these images too.
  package func write(
    releaseAt place: SetPlace, protectedBy mechanism: SubsampledGaussian, statement: Data?,
    stop: StopSignal, report: (_ written: Int) -> Void
  ) throws -> JobResults? {
    let writer = try ReleaseWriter(
      releaseAt: place, protectedBy: mechanism, hasReport: false)
    return try write(
      writer, place, DrawnSetReadme.Guarantee(statement: statement), stop, report)
  }

  /// Writes a set that only the operator may read; nil if it was stopped before the set was complete.
  package func write(
    insideAt place: SetPlace, guarantee: DrawnSetReadme.Guarantee, stop: StopSignal,
    report: (_ written: Int) -> Void
  ) throws -> JobResults? {
    let writer = try InternalSetWriter(insideAt: place, hasReport: false)
    return try write(writer, place, guarantee, stop, report)
  }

  /// Completes images and writes a set that only the operator may read, because it contains parts of them;
  /// nil if it was stopped before the set was complete.
  ///
  /// - Throws: `ModelFileError.noCompletion` for a family that cannot complete images.
  package func complete(
    _ completion: Completion, insideAt place: SetPlace, stop: StopSignal,
    report: (_ written: Int) -> Void
  ) throws -> JobResults? {
    guard let model = model.drawingModel as? any CompletingModel else {
      throw ModelFileError.noCompletion(family: recipe.family)
    }
    let writer = try InternalSetWriter(insideAt: place, hasReport: false)
    let drawn = try writer.writeImages(
      completing: completion, by: model, format: recipe.format(classes: classes), request,
      shouldStop: { stop.isRaised }, report: report)
    guard drawn else { return nil }
    return try finish(writer, place, .given(rows: completion.rows))
  }

  private func write<Zone>(
    _ writer: SetWriter<Zone>, _ place: SetPlace, _ guarantee: DrawnSetReadme.Guarantee,
    _ stop: StopSignal, _ report: (Int) -> Void
  ) throws -> JobResults? {
    let format = recipe.format(classes: classes)
    let drawn = try writer.writeSet(
      of: model, format: format, request, shouldStop: { stop.isRaised }, report: report)
    guard drawn else { return nil }
    if format.hasImages { try writer.writeSheet(of: model, format: format, as: request) }
    if case .stated(let statement) = guarantee {
      try writer.write(Releasable(statement, .chosenBeforehand), as: "privacy.json")
      if let page = guarantee.statementInWords {
        try writer.write(Releasable(page.markdown, .chosenBeforehand), as: "PRIVACY.md")
      }
    }
    var results = try finish(writer, place, guarantee)
    if format.hasImages {
      results.outputs.append(JobOutput(kind: "sheet", path: place.path + "/samples.png"))
    }
    return results
  }

  private func finish<Zone>(
    _ writer: SetWriter<Zone>, _ place: SetPlace, _ guarantee: DrawnSetReadme.Guarantee
  ) throws -> JobResults {
    let readme = DrawnSetReadme(recipe: recipe, request: request, guarantee: guarantee)
    try writer.write(Releasable(readme.text, .chosenBeforehand), as: "README.md")
    try writer.finish(manifest: writer.writeManifest(run: name, software: Version.current))
    return JobResults(
      images: request.labels.count,
      outputs: [
        recipe.model.readsImages
          ? JobOutput(kind: "images", path: place.path + "/data")
          : JobOutput(kind: "table", path: place.path + "/data.csv")
      ])
  }
}
