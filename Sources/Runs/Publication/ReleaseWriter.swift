import Compute
import Control
import Datasets
import Evaluation
import FoundationEssentials
import Glibc
import Models
import Privacy

/// Writes a set that may be shared.
typealias ReleaseWriter = SetWriter<ReleaseReport>

/// Writes the set of a run without privacy, which is not released.
typealias InternalSetWriter = SetWriter<InternalReport>

/// Writes a synthetic set with all its files, and moves the complete set into place.
///
/// ```
/// <place>/data/<class>/000000.png …   metadata.jsonl   samples.png   README.md
///         privacy.json   PRIVACY.md   report.html   report.json
///         model/generator.safetensors   manifest.json
/// ```
/// The zone decides who may read it. A release contains only what a trained model draws and what its writer
/// declared releasable, with the reason; the type has no function that takes a sensitive value.
final class SetWriter<Zone: ReportZone> {
  private let place: SetPlace
  private var temporary: String { place.temporary }
  private let encoder: PNGEncoder
  private var hashes: [String: String] = [:]
  /// Written images for the report: all of them, or an even sample if there are very many; none without a
  /// report.
  private(set) var looked: (labels: [Int], pixels: [UInt8], teacherProbabilities: [Float]) =
    ([], [], [])
  /// The codes of written rows for the report, row by row; empty without columns.
  private(set) var rowCodes: [UInt8] = []
  private let hasReport: Bool
  private var isFinishing = false

  /// The most bytes of pixels that are kept for the report.
  private static var lookedLimit: Int { 64 << 20 }

  private init(at place: SetPlace, hasReport: Bool) throws {
    self.place = place
    self.hasReport = hasReport
    encoder = PNGEncoder(texts: SyntheticMark(version: Version.current).texts)
    try place.begin()
  }

  /// Removes a set that a stop or an error kept from being finished.
  deinit { if !isFinishing { place.discard() } }

  /// Begins a set that will appear at `place`; removes what an interrupted attempt left.
  ///
  /// Only a run that a mechanism protects can pass one. The place decides who may read the set.
  convenience init(
    releaseAt place: SetPlace, protectedBy mechanism: SubsampledGaussian, hasReport: Bool
  ) throws where Zone == ReleaseReport {
    try self.init(at: place, hasReport: hasReport)
  }

  /// Begins a set that will appear at `place`, and that only the operator may read.
  convenience init(insideAt place: SetPlace, hasReport: Bool) throws where Zone == InternalReport {
    try self.init(at: place, hasReport: hasReport)
  }

  /// Draws what a model makes, images or rows of a table; false when `shouldStop` ended it early.
  func writeSet(
    of model: any GenerativeModel, format: ImageSpecification, _ request: SampleRequest,
    shouldStop: () -> Bool = { false }, report: (Int) -> Void = { _ in }
  ) throws -> Bool {
    guard !format.hasImages, let table = model as? any TableModel else {
      return try writeImages(
        of: model, format: format, request, shouldStop: shouldStop, report: report)
    }
    return try writeRows(of: table, format: format, request, shouldStop, report)
  }

  /// Draws the images of a request; false when `shouldStop` ended it early.
  func writeImages(
    of model: any GenerativeModel, format: ImageSpecification, _ request: SampleRequest,
    shouldStop: () -> Bool = { false }, report: (Int) -> Void = { _ in }
  ) throws -> Bool {
    try writeImages(
      of: .samples(model),
      labelledBy: (model as? any LabellingModel).map { TeacherOpinions(of: $0) },
      besides: model as? any TableModel, format, request, shouldStop, report)
  }

  private func writeImages(
    of source: ImageSource, labelledBy teacher: TeacherOpinions?,
    besides table: (any TableModel)?, _ format: ImageSpecification, _ request: SampleRequest,
    _ shouldStop: () -> Bool, _ report: (Int) -> Void
  ) throws -> Bool {
    let labels = request.labels
    let classes = try ClassNames.folders(format.classes).map(\.text)
    let rows = table?.rows(for: request)
    let shape = ImageShape(height: format.height, width: format.width, channels: format.channels)
    let count = labels.count
    for name in classes { try DurableFile.makeFolder("\(temporary)/data/\(name)") }
    var metadata = Data()
    var columns =
      rows == nil || format.columns.isEmpty
      ? nil : MetadataColumns(format.columns, seed: request.seed)
    var written = 0
    let stride = max(1, (count * shape.sampleCount + Self.lookedLimit - 1) / Self.lookedLimit)
    do {
      try source.draw(request) { first, images in
        if shouldStop() { throw SetStopped() }
        let opinions = teacher?.opinions(of: images, format)
        for place in 0..<images.shape[0] {
          let name = classes[labels[first + place]]
          let file = "data/\(name)/\(Self.number(first + place)).png"
          let image = Image(
            shape: shape, numbers: images.pointer + place * shape.sampleCount)
          try write(Data(encoder.encode(image)), as: file, flushed: false)
          if hasReport, (first + place) % stride == 0, let bytes = image.bytes {
            looked.labels.append(labels[first + place])
            looked.pixels += bytes
            looked.teacherProbabilities += opinions?[place].probabilities.map { Float($0) } ?? []
            rowCodes += rows?[first + place].codes ?? []
          }
          metadata.append(
            try Self.line(
              file: file, label: name, opinions?[place], classes: classes,
              columns: rows.flatMap { columns?.members(of: $0[first + place]) }))
        }
        written += images.shape[0]
        report(written)
      }
    } catch is SetStopped {
      return false
    }
    try write(metadata, as: "metadata.jsonl")
    return true
  }

  /// Draws the rows of a table; false when `shouldStop` ended it early.
  private func writeRows(
    of model: any TableModel, format: ImageSpecification, _ request: SampleRequest,
    _ shouldStop: () -> Bool, _ report: (Int) -> Void
  ) throws -> Bool {
    let rows = model.rows(for: request)
    var table = TableWriter(columns: format.columns, format: .csv, seed: request.seed)
    var data = Data(table.header)
    for first in Swift.stride(from: 0, to: rows.count, by: Self.rowsPerBlock) {
      if shouldStop() { return false }
      let codes = rows[first...].prefix(Self.rowsPerBlock).flatMap(\.codes)
      data.append(contentsOf: table.lines(codes))
      if hasReport { rowCodes += codes }
      report(min(rows.count, first + Self.rowsPerBlock))
    }
    try write(data, as: "data.csv")
    return true
  }

  private static var rowsPerBlock: Int { 10_000 }

  /// Draws the sample sheet: other images than the request's, drawn in the same way.
  func writeSheet(
    of model: any GenerativeModel, format: ImageSpecification, as request: SampleRequest
  ) throws {
    var sheet = SampleSheet(
      shape: ImageShape(height: format.height, width: format.width, channels: format.channels),
      classCount: format.classes.count)
    try sheet.draw { labels, receive in
      var own = request
      own.labels = labels
      own.seed = request.seed &+ 1
      try model.sample(own, receive)
    }
    try write(Data(encoder.encode(sheet.image)), as: "samples.png")
  }

  /// Writes the part of a model that draws images.
  func writeGenerator(of model: any GenerativeModel, recipe: Recipe, classes: [String]) throws {
    try DurableFile.makeFolder(temporary + "/model")
    try write(
      try ReleasedModel.file(of: model, recipe: recipe, classes: classes),
      as: "model/generator.safetensors")
  }

  /// Writes a text file.
  func write(_ text: Releasable<String>, as name: String) throws {
    try write(Data(text.value.utf8), as: name)
  }

  /// Writes a file.
  func write(_ data: Releasable<Data>, as name: String) throws {
    try write(data.value, as: name)
  }

  /// Writes a picture that no model drew.
  func write(_ image: Releasable<Image>, as name: String) throws {
    try write(Data(PNGEncoder().encode(image.value)), as: name)
  }

  /// Writes the zone's version of a report.
  func write(_ report: ReportData) throws {
    let files = try ReportWriter().files(report, for: Zone.self)
    try write(files.page, as: "report.html")
    try write(files.json, as: "report.json")
  }

  /// Writes a file and records its hash for the manifest.
  private func write(_ data: Data, as name: String, flushed: Bool = true) throws {
    let path = "\(temporary)/\(name)"
    let file = try systemCall("open", path) {
      open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0o600)
    }
    defer { close(file) }
    try DurableFile.writeAll(data, to: file, of: path)
    // Many small images are flushed together when the set is moved into place.
    if flushed { try systemCall("fsync", path) { fsync(file) } }
    hashes[name] = data.sha256
  }

  /// Writes the manifest and returns its hash, which the ledger records before the set is released.
  func writeManifest(run: String, software: String) throws -> String {
    let data = try ControlCoding.encodeForPeople(
      SetManifest(run: run, software: software, files: hashes))
    try write(data, as: "manifest.json")
    return data.sha256
  }

  /// Records beside the run's files that the set with this manifest is theirs; call it before the ledger
  /// records the set.
  func noteOwn(manifest: String) throws { try place.note(manifest: manifest) }

  /// Moves the set, whose manifest has this hash, into place.
  func finish(manifest: String) throws {
    // From here on, the folder at the temporary name may be the earlier set.
    isFinishing = true
    try place.publish(manifest: manifest)
  }

  private static func line(
    file: String, label: String, _ opinion: TeacherOpinion?, classes: [String], columns: String?
  ) throws -> Data {
    let json = JSONEncoder()
    json.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    json.keyEncodingStrategy = .convertToSnakeCase
    var data = try json.encode(
      MetadataLine(
        fileName: file, label: label, teacherLabel: opinion.map { classes[$0.label] },
        teacherProbabilities: opinion.map { $0.sortedProbabilities(classes) }))
    if let columns {
      // Beside the other keys, as readers of such files expect.
      data.removeLast()
      data.append(contentsOf: Data(",\(columns)}".utf8))
    }
    data.append(0x0A)
    return data
  }

  private static func number(_ index: Int) -> String {
    let digits = String(index)
    return String(repeating: "0", count: max(0, 6 - digits.count)) + digits
  }
}

extension SetWriter where Zone == InternalReport {
  /// Completes given images, so the set contains parts of them; false when `shouldStop` ended it early.
  func writeImages(
    completing completion: Completion, by model: any CompletingModel, format: ImageSpecification,
    _ request: SampleRequest, shouldStop: () -> Bool = { false }, report: (Int) -> Void = { _ in }
  ) throws -> Bool {
    try writeImages(
      of: .completions(model, completion), labelledBy: nil, besides: nil, format, request,
      shouldStop, report)
  }
}

/// The source of a set's images.
private enum ImageSource {
  case samples(any GenerativeModel)
  case completions(any CompletingModel, Completion)

  func draw(
    _ request: SampleRequest, _ receive: (_ first: Int, _ images: Tensor) throws -> Void
  ) throws {
    switch self {
    case .samples(let model): try model.sample(request, receive)
    case .completions(let model, let completion):
      try model.complete(completion, as: request, receive)
    }
  }
}

/// `manifest.json`.
private struct SetManifest: Encodable {
  let run: String
  let software: String
  /// SHA-256 by file.
  let files: [String: String]
}

/// One line of `metadata.jsonl`.
private struct MetadataLine: Encodable {
  let fileName: String
  let label: String
  /// What a private teacher thinks of the image; absent without a teacher.
  let teacherLabel: String?
  let teacherProbabilities: [Double]?
}

/// Ends drawing after a request to stop.
private struct SetStopped: Error {}
