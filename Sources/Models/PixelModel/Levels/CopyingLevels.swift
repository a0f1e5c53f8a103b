import Compute
import Glibc
import Learning

/// A softmax over the levels of each channel that can copy: the network also predicts how much
/// likelier the level of each nearby pixel becomes, and every level that has occurred in the image
/// before.
///
/// Scaled, windowed and compressed images repeat some of their levels exactly, at pixels that
/// differ from image to image. Without copying, a network can learn this only separately for every
/// level. This is the pointer of Merity and others (2016, arXiv 1609.07843) and the cache of Grave
/// and others (2016, arXiv 1612.04426), for pixels. Both are added to the logits instead of mixed
/// with probabilities, so that a copied level must also be likely by itself.
///
/// Outputs per channel: the levels' logits; for each earlier pixel within `reach` rows and columns,
/// an addend to the logit of that pixel's level; a factor of log(1 + n) for a level that occurred n
/// times among the earlier pixels.
struct CopyingLevels: PixelDistribution {
  let levels: CategoricalLevels
  /// Rows and columns of the images.
  let height: Int, width: Int
  /// The earlier pixels whose levels may be copied, as distances in rows (upwards) and columns.
  private let sources: [(up: Int, right: Int)]
  /// log(1 + n) for every number of occurrences.
  private let logarithms: [Float]

  init(_ levels: CategoricalLevels, height: Int, width: Int, reach: Int) {
    self.levels = levels
    self.height = height
    self.width = width
    sources = (0...reach).flatMap { up in
      (-reach...reach).filter { up > 0 || $0 < 0 }.map { (up, $0) }
    }
    logarithms = (0...(height * width)).map { log1p(Float($0)) }
  }

  private var channelCount: Int { levels.channelCount }

  private var levelCount: Int { levels.levels.count }

  /// Outputs of one channel.
  private var stride: Int { levelCount + sources.count + 1 }

  var outputCount: Int { channelCount * stride }

  var groupCount: Int { levels.groupCount }

  var steps: [Range<Int>] { levels.steps }

  /// The number of occurrences of each level of each channel, followed by the logarithms.
  var memoryCount: Int { 2 * channelCount * levelCount }

  func remember(_ place: PixelPlace, in memory: UnsafeMutablePointer<Float>) {
    let pixel = place.pixel(channelCount)
    for channel in 0..<channelCount {
      let index = channel * levelCount + levels.levels.level(of: pixel[channel])
      memory[index] += 1
      memory[channelCount * levelCount + index] = logarithms[Int(memory[index])]
    }
  }

  /// log(1 + n) of each level of a channel.
  private func memory(of channel: Int, at place: PixelPlace) -> UnsafePointer<Float> {
    place.memory + (channelCount + channel) * levelCount
  }

  /// Calls `body` with each source inside the image and the level that a channel has there.
  private func forEachSource(
    _ channel: Int, of place: PixelPlace, _ body: (_ source: Int, _ level: Int) -> Void
  ) {
    let (row, column) = (place.position / width, place.position % width)
    for (index, source) in sources.enumerated() {
      let (above, beside) = (row - source.up, column + source.right)
      guard above >= 0, beside >= 0, beside < width else { continue }
      let value = place.image[(above * width + beside) * channelCount + channel]
      body(index, levels.levels.level(of: value))
    }
  }

  /// The logits of a channel after copying.
  private func raise(
    _ channel: Int, of place: PixelPlace, outputs: UnsafePointer<Float>,
    into logits: UnsafeMutablePointer<Float>
  ) {
    let own = outputs + channel * stride
    let seen = memory(of: channel, at: place)
    let factor = own[stride - 1]
    for level in 0..<levelCount { logits[level] = own[level] + factor * seen[level] }
    forEachSource(channel, of: place) { source, level in
      logits[level] += own[levelCount + source]
    }
  }

  func loss(
    of place: PixelPlace, outputs: UnsafePointer<Float>, gradient: UnsafeMutablePointer<Float>?
  ) -> Double {
    let count = channelCount * levelCount
    return withUnsafeTemporaryAllocation(of: Float.self, capacity: 2 * count) { memory in
      guard let logits = memory.baseAddress else { return 0 }
      for channel in 0..<channelCount {
        raise(channel, of: place, outputs: outputs, into: logits + channel * levelCount)
      }
      let slopes = logits + count
      let loss = levels.loss(
        of: place, outputs: logits, gradient: gradient == nil ? nil : slopes)
      guard let gradient else { return loss }
      for channel in 0..<channelCount {
        spread(
          slopes + channel * levelCount, channel, of: place, to: gradient + channel * stride)
      }
      return loss
    }
  }

  /// The gradient of a channel's outputs from that of its logits.
  private func spread(
    _ slopes: UnsafePointer<Float>, _ channel: Int, of place: PixelPlace,
    to gradient: UnsafeMutablePointer<Float>
  ) {
    gradient.update(from: slopes, count: levelCount)
    (gradient + levelCount).update(repeating: 0, count: sources.count)
    forEachSource(channel, of: place) { source, level in
      gradient[levelCount + source] = slopes[level]
    }
    let seen = memory(of: channel, at: place)
    var sum: Float = 0
    for level in 0..<levelCount { sum += slopes[level] * seen[level] }
    gradient[stride - 1] = sum
  }

  func draw(
    _ channels: Range<Int>, at place: PixelPlace, outputs: UnsafePointer<Float>,
    temperature: Double, from stream: inout SeededStream, into pixel: UnsafeMutablePointer<Float>
  ) {
    withUnsafeTemporaryAllocation(of: Float.self, capacity: channelCount * levelCount) { memory in
      guard let logits = memory.baseAddress else { return }
      for channel in channels {
        raise(channel, of: place, outputs: outputs, into: logits + channel * levelCount)
      }
      levels.draw(
        channels, at: place, outputs: logits, temperature: temperature, from: &stream, into: pixel)
    }
  }
}
