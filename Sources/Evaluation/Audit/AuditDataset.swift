import Compute
import Datasets
import FoundationEssentials
import Glibc
import Learning

/// The two neighbouring folders of an audit and their frozen snapshots: both contain the same ordinary
/// units, and one also contains the canary.
///
/// Images are written as PNG files and read by the same builder as users' folders.
struct AuditDataset {
  /// Class folders; the canary's is the last.
  static let classes = ["0", "1"]
  /// Images of the canary if a folder is the unit: a build that clips each image separately would show this
  /// number of clip norms.
  static let canaryImageCount = 4
  /// The number of units in both folders.
  static let ordinaryCount = 2

  /// The unit of privacy.
  let unit: PrivacyUnit
  /// The canary's images.
  let canary: AuditExamples
  /// The images of each ordinary unit.
  let ordinary: [AuditExamples]
  /// The snapshot with the canary, and the one without.
  let with: DatasetSnapshot, without: DatasetSnapshot

  /// Writes and freezes both folders, and removes the folders afterwards.
  init(_ unit: PrivacyUnit, canary: AuditExamples, ordinary: [AuditExamples]) throws {
    self.unit = unit
    self.canary = canary
    self.ordinary = ordinary
    let scratch = try Self.makeScratch()
    defer { try? FileManager.default.removeItem(atPath: scratch) }
    without = try Self.freeze(ordinary, unit, in: scratch + "/without")
    with = try Self.freeze(ordinary + [canary], unit, in: scratch + "/with")
    precondition(with.unitCount == without.unitCount + 1, "the snapshots are neighbours")
  }

  /// Creates the images of a unit: one file, or a folder of `count` similar images, with `side` pixels per
  /// side.
  ///
  /// Pixels are dark or bright, so that levels differ between units but not within a unit. Their mean is not the
  /// middle of the range, where rounding would decide the level of a small copy.
  static func examples(
    seed: UInt64, label: Int, count: Int, unit: PrivacyUnit, side: Int
  ) -> AuditExamples {
    var stream = SeededStream(seed: seed)
    let shape = ImageShape(height: side, width: side, channels: 1)
    let pixels = (0..<shape.sampleCount).map { _ in UInt8(Bool.random(using: &stream) ? 221 : 32) }
    let images = (0..<(unit == .folder ? count : 1)).map { index in
      var bytes = pixels
      bytes[0] += UInt8(index)
      return Image(shape: shape, bytes: bytes)
    }
    return AuditExamples(images: images, label: label)
  }

  private static func makeScratch() throws -> String {
    let parent = FileManager.default.temporaryDirectory.path
    var template = Array("\(parent)/figment-audit-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else {
      throw EvaluationError.unreadableFile(path: parent, code: errno)
    }
    return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  /// Writes `units` below `folder`/images and packs them into `folder`/state.
  private static func freeze(
    _ units: [AuditExamples], _ unit: PrivacyUnit, in folder: String
  ) throws -> DatasetSnapshot {
    let encoder = PNGEncoder()
    for name in classes {
      try FileManager.default.createDirectory(
        atPath: "\(folder)/images/\(name)", withIntermediateDirectories: true)
    }
    for (number, examples) in units.enumerated() {
      var place = "\(folder)/images/\(classes[examples.label])/unit\(number)"
      if unit == .folder {
        try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
        place += "/image"
      }
      for (index, image) in examples.images.enumerated() {
        try Data(encoder.encode(image)).write(to: URL(filePath: "\(place)\(index).png"))
      }
    }
    let shape = units[0].images[0].shape
    let built = try SnapshotBuilder(
      root: "\(folder)/images", rules: DatasetRules(classes: classes, privacyUnit: unit),
      transform: ImageTransform(to: shape), threadCount: 1
    ).build(in: "\(folder)/state")
    precondition(built.snapshot.count == units.reduce(0) { $0 + $1.count }, "all images are taken")
    return built.snapshot
  }
}

/// The images of one unit as input of a network; without images there is no unit.
struct AuditExamples: ExampleSource {
  let images: [Image]
  let label: Int

  /// No images.
  static let none = AuditExamples(images: [], label: 0)

  var count: Int { images.count }

  var units: [Int]? { images.map { _ in 0 } }

  func labels(in range: Range<Int>) -> [Int] { range.map { _ in label } }

  func fill(_ target: Tensor, from range: Range<Int>) {
    let numbers = images[range].flatMap { $0.bytes ?? [] }.map(PixelScale.number)
    target.assign(numbers)
  }
}
