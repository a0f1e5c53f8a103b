import Compute
import Learning

/// Draws a group of images at once, pixel by pixel.
final class PixelSampler {
  /// Images that are drawn together: enough for full tiles of the matrix products, and few enough
  /// that their state fits in the caches.
  static let groupSize = 48

  /// The log-likelihood of each image of the last group.
  private(set) var logLikelihoods: [Double] = []
  private let columns: GatedColumns
  private let levels: PixelLevels
  private let distribution: any PixelDistribution
  private let absentLabel: Int?
  private let guidance: Double
  private let memory = Arena(blockByteCount: 1 << 12)
  /// One pixel's outputs with guidance.
  private let guided: Tensor
  /// The memory of the distribution for each image.
  private let memories: Tensor

  init(
    _ columns: GatedColumns, levels: PixelLevels, distribution: any PixelDistribution,
    absentLabel: Int?, guidance: Double
  ) {
    self.columns = columns
    self.levels = levels
    self.distribution = distribution
    self.absentLabel = absentLabel
    self.guidance = guidance
    guided = memory.make(Shape(columns.layout.outputCount))
    memories = memory.make(Shape(columns.capacity, max(1, distribution.memoryCount)))
  }

  /// The images of the last group; with guidance, their copies without a class follow.
  var images: Tensor { columns.images }

  /// Draws the images of `range`.
  func draw(
    _ request: SampleRequest, completing completion: Completion?, _ range: Range<Int>
  ) {
    let layout = columns.layout
    var streams = range.map { Self.stream(seed: request.seed, index: $0) }
    logLikelihoods = [Double](repeating: 0, count: range.count)
    images.fill(0)
    memories.fill(0)
    let given = completion?.rows ?? 0
    if let completion { keep(completion, range) }
    let labels = Array(request.labels[range])
    let absent = guidance == 1 ? nil : absentLabel
    columns.begin(labels: labels + (absent.map { Array(repeating: $0, count: labels.count) } ?? []))
    for row in 0..<layout.height {
      columns.beginRow(row)
      guard row >= given else {
        passRow(row, imageCount: range.count)
        continue
      }
      for column in 0..<layout.width {
        drawPixel(row, column, request, isGuided: absent != nil, &streams)
      }
    }
  }

  /// Remembers the pixels of a given row, and visits them if attention needs them; convolutions of
  /// the horizontal stack read only their own row.
  private func passRow(_ row: Int, imageCount: Int) {
    for column in 0..<columns.layout.width {
      if columns.needsEveryPixel {
        _ = columns.outputs(row: row, column: column, isFirstVisit: true)
      }
      for image in 0..<imageCount { remember(place(row, column, of: image), of: image) }
    }
  }

  private func place(_ row: Int, _ column: Int, of image: Int) -> PixelPlace {
    let layout = columns.layout
    return PixelPlace(
      image: images.pointer + image * layout.height * layout.width * layout.imageChannels,
      position: row * layout.width + column,
      memory: memories.pointer + image * distribution.memoryCount)
  }

  private func remember(_ place: PixelPlace, of image: Int) {
    distribution.remember(place, in: memories.pointer + image * distribution.memoryCount)
  }

  private func drawPixel(
    _ row: Int, _ column: Int, _ request: SampleRequest, isGuided: Bool,
    _ streams: inout [SeededStream]
  ) {
    let layout = columns.layout
    let size = layout.height * layout.width * layout.imageChannels
    let offset = (row * layout.width + column) * layout.imageChannels
    let steps = distribution.steps
    for (index, channels) in steps.enumerated() {
      let outputs = columns.outputs(row: row, column: column, isFirstVisit: index == 0)
      for image in streams.indices {
        let place = place(row, column, of: image)
        let pixel = images.pointer + image * size + offset
        let own = outputs.pointer + image * layout.outputCount
        if isGuided {
          let other = outputs.pointer + (image + streams.count) * layout.outputCount
          guide(own, away: other, by: Float(guidance))
        }
        distribution.draw(
          channels, at: place,
          outputs: isGuided ? UnsafePointer(guided.pointer) : UnsafePointer(own),
          temperature: request.temperature, from: &streams[image], into: pixel)
        if isGuided {
          (pixel + streams.count * size).update(from: pixel, count: layout.imageChannels)
        }
        // The last visit's outputs contain the distributions of all channels.
        guard index == steps.count - 1 else { continue }
        logLikelihoods[image] -= distribution.loss(of: place, outputs: own, gradient: nil)
        remember(place, of: image)
      }
    }
  }

  /// Moves outputs from those without a class towards, and beyond, those with the class.
  private func guide(
    _ own: UnsafePointer<Float>, away other: UnsafePointer<Float>, by factor: Float
  ) {
    for index in 0..<guided.count {
      guided.pointer[index] = other[index] + factor * (own[index] - other[index])
    }
  }

  /// Copies the upper rows of the images to complete; the rows below stay zero.
  private func keep(_ completion: Completion, _ range: Range<Int>) {
    let own = images.examples(from: 0, count: range.count)
    completion.images.fill(own, from: range)
    levels.quantize(own)
    let layout = columns.layout
    let size = layout.height * layout.width * layout.imageChannels
    let kept = completion.rows * layout.width * layout.imageChannels
    for image in 0..<range.count {
      (own.pointer + image * size + kept).update(repeating: 0, count: size - kept)
    }
    if guidance != 1 {
      images.examples(from: range.count, count: range.count).copy(from: own)
    }
  }

  /// The random numbers of one image.
  static func stream(seed: UInt64, index: Int) -> SeededStream {
    SeededStream(seed: seed &+ UInt64(index) &* 0xD1B5_4A32_D192_ED03)
  }
}
