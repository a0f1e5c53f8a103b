import Glibc

/// Applies `ImageTransform`; reuses its buffers.
///
/// Samples enter the sums as whole numbers in a fixed unit (see `SampleUnit`), and weights of the box filter
/// are whole numbers, too. Their sums stay below 2^53 for 8-bit images of every permitted size, so `Double`
/// represents them exactly and each result is rounded once, halves upwards.
struct PixelTransformer {
  private var upright: [UInt8] = []
  private var line: [Double] = []
  private var reducedLine: [Double] = []
  private var sums: [Double] = []

  /// Writes `transform.byteCount` bytes at `place`.
  ///
  /// `image` must satisfy `transform.accepts`.
  mutating func apply(
    _ transform: ImageTransform, to image: DecodedImage,
    into place: UnsafeMutablePointer<UInt8>
  ) {
    if Self.copyIfEqual(image, transform, into: place) { return }
    guard image.orientation > 1 else {
      resize(image, transform, into: place)
      return
    }
    var memory = upright
    upright = []
    if memory.count < image.byteCount { memory = [UInt8](repeating: 0, count: image.byteCount) }
    memory.withUnsafeMutableBytes { bytes in
      guard let start = bytes.baseAddress else { return }
      resize(image.uprighted(into: start), transform, into: place)
    }
    // Release the copy of a large photograph instead of keeping it for the rest of the run.
    if memory.count <= 16 << 20 { upright = memory }
  }

  /// The common case: the files already have the declared form.
  private static func copyIfEqual(
    _ image: DecodedImage, _ transform: ImageTransform, into place: UnsafeMutablePointer<UInt8>
  ) -> Bool {
    guard
      image.orientation == 1, image.bitDepth == 8, image.white(of: transform) == 255,
      image.shape.height == transform.height,
      image.shape.width == transform.width, image.shape.channels == transform.channelCount
    else { return false }
    memcpy(place, image.samples, image.byteCount)
    return true
  }

  private mutating func resize(
    _ image: DecodedImage, _ transform: ImageTransform, into place: UnsafeMutablePointer<UInt8>
  ) {
    let window = CropWindow(of: image, for: transform)
    let channelCount = transform.channelCount
    line = Self.resized(line, to: window.width * channelCount)
    reducedLine = Self.resized(reducedLine, to: transform.width * channelCount)
    sums = Self.resized(sums, to: transform.width * channelCount)
    let unit = SampleUnit(of: image, to: transform)
    let divisor = unit.value * Double(window.width) * Double(window.height)
    var reducedRow = -1
    for row in 0..<transform.height {
      for index in sums.indices { sums[index] = 0 }
      let span = BoxSpan(of: row, sourceCount: window.height, resultCount: transform.height)
      for source in span.range {
        if source != reducedRow {
          read(image, row: window.top + source, window, transform)
          reduceLine(window.width, transform.width, channelCount)
          reducedRow = source
        }
        let weight = span.weight(of: source)
        for index in sums.indices { sums[index] += weight * reducedLine[index] }
      }
      let result = place + row * transform.width * channelCount
      for index in sums.indices {
        result[index] = UInt8(min(255, (sums[index] / divisor + 0.5).rounded(.down)))
      }
    }
  }

  /// Box-filters `line` (sourceCount pixels) into `reducedLine` (resultCount pixels).
  private mutating func reduceLine(_ sourceCount: Int, _ resultCount: Int, _ channelCount: Int) {
    line.withUnsafeBufferPointer { line in
      for column in 0..<resultCount {
        let span = BoxSpan(of: column, sourceCount: sourceCount, resultCount: resultCount)
        for channel in 0..<channelCount {
          var sum = 0.0
          for source in span.range {
            sum += span.weight(of: source) * line[source * channelCount + channel]
          }
          reducedLine[column * channelCount + channel] = sum
        }
      }
    }
  }

  /// Reads one row of the window into `line`, in the unit of `SampleUnit`.
  private mutating func read(
    _ image: DecodedImage, row: Int, _ window: CropWindow, _ transform: ImageTransform
  ) {
    let offset = (row * image.shape.width + window.left) * image.bytesPerPixel
    let start = image.samples + offset
    let channels = transform.channels
    let white = Double(image.white(of: transform))
    line.withUnsafeMutableBufferPointer { line in
      if image.bitDepth == 8 {
        let samples = start.assumingMemoryBound(to: UInt8.self)
        Self.convert(samples, window.width, image.shape.channels, channels, white, into: line)
      } else {
        let samples = start.assumingMemoryBound(to: UInt16.self)
        Self.convert(samples, window.width, image.shape.channels, channels, white, into: line)
      }
    }
  }

  @inline(__always)
  private static func convert<Sample: FixedWidthInteger & UnsignedInteger>(
    _ samples: UnsafePointer<Sample>, _ count: Int, _ sourceChannels: Int,
    _ channels: ImageTransform.Channels, _ white: Double,
    into line: UnsafeMutableBufferPointer<Double>
  ) {
    let hasAlpha = sourceChannels == 2 || sourceChannels == 4
    let isColour = sourceChannels >= 3
    let opaque = Double(Sample.max)
    for pixel in 0..<count {
      let sample = samples + pixel * sourceChannels
      var red = min(white, Double(sample[0]))
      var green = isColour ? min(white, Double(sample[1])) : red
      var blue = isColour ? min(white, Double(sample[2])) : red
      if hasAlpha {
        let alpha = Double(sample[sourceChannels - 1])
        let background = white * (opaque - alpha)
        red = red * alpha + background
        green = green * alpha + background
        blue = blue * alpha + background
      }
      switch channels {
      case .rgb:
        line[3 * pixel] = red
        line[3 * pixel + 1] = green
        line[3 * pixel + 2] = blue
      case .grey:
        line[pixel] =
          isColour
          ? red * SampleUnit.redShare + green * SampleUnit.greenShare + blue * SampleUnit.blueShare
          : red
      }
    }
  }

  private static func resized(_ buffer: [Double], to count: Int) -> [Double] {
    buffer.count == count ? buffer : [Double](repeating: 0, count: count)
  }
}

/// The unit of the whole-number samples of a line: `value` represents 1 of 255.
struct SampleUnit {
  /// ITU-R BT.601 luma in 65,536ths: 0.299, 0.587, 0.114.
  ///
  /// Their sum is exactly 65,536.
  static let redShare = 19_595.0
  static let greenShare = 38_470.0
  static let blueShare = 7_471.0

  let value: Double

  init(of image: DecodedImage, to transform: ImageTransform) {
    let white = Double(image.white(of: transform))
    let channelCount = image.shape.channels
    let hasAlpha = channelCount == 2 || channelCount == 4
    let isLuma = transform.channels == .grey && channelCount >= 3
    value =
      white / 255 * (hasAlpha ? Double(image.largestSample) : 1) * (isLuma ? 65_536 : 1)
  }
}

/// The source pixels under one result pixel of a box filter along one axis, in a grid that divides
/// each source pixel into `resultCount` parts and each result pixel into `sourceCount` parts.
struct BoxSpan {
  private let start: Int
  private let end: Int
  private let resultCount: Int

  init(of index: Int, sourceCount: Int, resultCount: Int) {
    start = index * sourceCount
    end = (index + 1) * sourceCount
    self.resultCount = resultCount
  }

  /// Source pixels that overlap the result pixel.
  var range: Range<Int> { (start / resultCount)..<((end + resultCount - 1) / resultCount) }

  /// The number of parts shared by a source pixel and the result pixel; the weights of a span add up to
  /// `sourceCount`.
  @inline(__always)
  func weight(of source: Int) -> Double {
    Double(min((source + 1) * resultCount, end) - max(source * resultCount, start))
  }
}

extension DecodedImage {
  /// The sample value that becomes 255.
  func white(of transform: ImageTransform) -> Int {
    min(transform.whiteLevel ?? largestSample, largestSample)
  }

  /// A copy at `memory` with the EXIF orientation applied.
  func uprighted(into memory: UnsafeMutableRawPointer) -> DecodedImage {
    let (uprightHeight, uprightWidth) = (uprightHeight, uprightWidth)
    let pixelSize = bytesPerPixel
    for y in 0..<uprightHeight {
      for x in 0..<uprightWidth {
        let (row, column) = source(y, x)
        memcpy(
          memory + (y * uprightWidth + x) * pixelSize,
          samples + (row * shape.width + column) * pixelSize, pixelSize)
      }
    }
    return DecodedImage(
      samples: UnsafeRawPointer(memory),
      shape: ImageShape(height: uprightHeight, width: uprightWidth, channels: shape.channels),
      bitDepth: bitDepth, orientation: 1)
  }

  /// Where the pixel that is upright at (y, x) is stored (EXIF 2.32, 4.6.4 A, tag 274).
  private func source(_ y: Int, _ x: Int) -> (row: Int, column: Int) {
    let lastRow = shape.height - 1
    let lastColumn = shape.width - 1
    return switch orientation {
    case 2: (y, lastColumn - x)
    case 3: (lastRow - y, lastColumn - x)
    case 4: (lastRow - y, x)
    case 5: (x, y)
    case 6: (lastRow - x, y)
    case 7: (lastRow - x, lastColumn - y)
    case 8: (x, lastColumn - y)
    default: (y, x)
    }
  }
}
