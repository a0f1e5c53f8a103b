import Compute
import Control
import Datasets
import Evaluation
import FoundationEssentials
import Glibc
import Models

/// Small sheets of synthetic images at evenly spaced steps of a training, in the run's internal folder.
///
/// All are drawn with one seed, so a report shows how the images of the same latent vectors change. Drawing
/// reads only the generator: with privacy it is post-processing, and previews may be released.
struct TrainingPreviews {
  /// The number of previews of a whole training.
  static let count = 8
  /// The number of images of a preview; few, because pixel models draw slowly.
  private static let imageCount = 80
  private static let columns = 10
  private static let prefix = "step-"
  private static let suffix = ".png"

  private let folder: String
  private let format: ImageSpecification
  private let points: Set<Int>
  /// Steps between two points.
  private let interval: Int
  private let seed: UInt64

  /// Describes the previews of a run with internal files in `internalFiles`.
  init(in internalFiles: String, _ plan: ResolvedPlan) {
    folder = internalFiles + "/previews"
    format = plan.recipe.format(classes: plan.classes)
    points = Set((1...Self.count).map { plan.stepCount * $0 / Self.count })
    interval = plan.stepCount / Self.count
    seed = plan.seed &+ 3
  }

  /// Draws a preview if one is due after `step`, or if it is `lastStep`; both are counted over all phases.
  func draw(_ model: any GenerativeModel, after step: Int, of lastStep: Int) throws {
    // A table has no pictures.
    guard format.hasImages, points.contains(step) || step == lastStep else { return }
    var pixels = [UInt8](repeating: 0, count: sheetShape.sampleCount)
    let line = format.width * format.channels
    try model.sample(labels: labels, seed: seed) { first, images in
      for place in 0..<images.shape[0] {
        let source = images.pointer + place * format.height * line
        let start = origin(of: first + place)
        for row in 0..<format.height {
          for offset in 0..<line {
            pixels[start + row * Self.columns * line + offset] =
              PixelScale.byte(of: source[row * line + offset])
          }
        }
      }
    }
    try DurableFile.makeFolder(folder)
    if !points.contains(step) {
      // A crash made the run shorter: its last preview replaces one that is so near that the two could not
      // show whether the images had settled.
      for near in try steps() where near > step - interval / 2 { unlink(file(of: near)) }
    }
    let encoder = PNGEncoder(texts: SyntheticMark(version: Version.current).texts)
    try DurableFile.write(
      Data(encoder.encode(Image(shape: sheetShape, bytes: pixels))), to: file(of: step))
  }

  /// Removes previews of steps after `step`, which a crash lost.
  func forget(after step: Int) throws {
    for lost in try steps() where lost > step { unlink(file(of: lost)) }
  }

  /// The existing previews, in the order of their steps; unreadable ones are left out.
  func sheets() throws -> [ProgressSheet] {
    let codec = ImageCodec()
    return try steps().compactMap { step in
      guard let data = try? DurableFile.read(file(of: step)),
        let image = data.withUnsafeBytes({ try? codec.decode($0) })?.image,
        image.shape == sheetShape, let bytes = image.bytes
      else { return nil }
      return ProgressSheet(step: step, images: images(of: bytes))
    }
  }

  private func images(of sheet: [UInt8]) -> LabelledImages {
    let line = format.width * format.channels
    var pixels: [UInt8] = []
    pixels.reserveCapacity(sheet.count)
    for place in 0..<Self.imageCount {
      for row in 0..<format.height {
        let start = origin(of: place) + row * Self.columns * line
        pixels += sheet[start..<(start + line)]
      }
    }
    return LabelledImages(
      shape: Shape(format.height, format.width, format.channels), classNames: format.classes,
      labels: labels, pixels: pixels)
  }

  /// Equal shares of the classes, or a sample of very many.
  private var labels: [Int] {
    (0..<Self.imageCount).map { $0 * format.classes.count / Self.imageCount }
  }

  private var sheetShape: ImageShape {
    ImageShape(
      height: format.height * (Self.imageCount / Self.columns),
      width: format.width * Self.columns, channels: format.channels)
  }

  /// The first byte of an image in the sheet.
  private func origin(of place: Int) -> Int {
    let line = format.width * format.channels
    return place / Self.columns * format.height * Self.columns * line
      + place % Self.columns * line
  }

  private func steps() throws -> [Int] {
    try DurableFile.names(in: folder).compactMap { name in
      guard name.hasPrefix(Self.prefix), name.hasSuffix(Self.suffix) else { return nil }
      return Int(name.dropFirst(Self.prefix.count).dropLast(Self.suffix.count))
    }.filter { (0...TrainingSettings.mostSteps).contains($0) }.sorted()
  }

  private func file(of step: Int) -> String { "\(folder)/\(Self.prefix)\(step)\(Self.suffix)" }
}
