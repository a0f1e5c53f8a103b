import Compute
import Learning

/// Draws a group of images at once, pixel by pixel.
final class PixelSampler {
  /// Images that are drawn together: full tiles of the matrix products, and few enough that their
  /// state stays in the caches.
  static let groupSize = 48

  /// The log-likelihood of each image of the last group.
  private(set) var logLikelihoods: [Double] = []
  private let columns: GatedColumns
  private let levels: PixelLevels
  private let distribution: any PixelDistribution

  init(_ columns: GatedColumns, levels: PixelLevels, distribution: any PixelDistribution) {
    self.columns = columns
    self.levels = levels
    self.distribution = distribution
  }

  /// The images of the last group, and of what lies beyond it.
  var images: Tensor { columns.images }

  /// Draws the images of `range`.
  func draw(_ sampling: PixelSampling, _ range: Range<Int>) {
    let layout = columns.layout
    var streams = range.map { Self.stream(seed: sampling.seed, index: $0) }
    logLikelihoods = [Double](repeating: 0, count: range.count)
    images.fill(0)
    let given = sampling.completion?.rows ?? 0
    if let completion = sampling.completion { keep(completion, range) }
    columns.begin(labels: Array(sampling.labels[range]))
    for row in 0..<layout.height {
      // The horizontal stack looks along its row alone, so that given rows need no pixels.
      columns.beginRow(row)
      guard row >= given else { continue }
      for column in 0..<layout.width {
        drawPixel(row, column, temperature: sampling.temperature, &streams)
      }
    }
  }

  private func drawPixel(
    _ row: Int, _ column: Int, temperature: Double, _ streams: inout [SeededStream]
  ) {
    let layout = columns.layout
    let size = layout.height * layout.width * layout.imageChannels
    let place = (row * layout.width + column) * layout.imageChannels
    let steps = distribution.steps
    for (index, channels) in steps.enumerated() {
      let outputs = columns.outputs(row: row, column: column, isFirstVisit: index == 0)
      for image in streams.indices {
        let pixel = images.pointer + image * size + place
        let own = outputs.pointer + image * layout.outputCount
        distribution.draw(
          channels, outputs: own, temperature: temperature, from: &streams[image], into: pixel)
        // The last visit's outputs hold the distributions of all channels.
        guard index == steps.count - 1 else { continue }
        logLikelihoods[image] -= distribution.loss(of: pixel, outputs: own, gradient: nil)
      }
    }
  }

  /// Copies the upper rows of the images to complete; the rows below stay zero.
  private func keep(_ completion: PixelSampling.Completion, _ range: Range<Int>) {
    let own = images.examples(from: 0, count: range.count)
    completion.images.fill(own, from: range)
    levels.quantize(own)
    let layout = columns.layout
    let size = layout.height * layout.width * layout.imageChannels
    let kept = completion.rows * layout.width * layout.imageChannels
    for image in 0..<range.count {
      (own.pointer + image * size + kept).update(repeating: 0, count: size - kept)
    }
  }

  /// The random numbers of one image.
  static func stream(seed: UInt64, index: Int) -> SeededStream {
    SeededStream(seed: seed &+ UInt64(index) &* 0xD1B5_4A32_D192_ED03)
  }
}
