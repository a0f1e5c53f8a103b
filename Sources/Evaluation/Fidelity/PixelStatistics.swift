import Compute
import Glibc

/// Statistics of pixels: brightness, contrast and the power spectrum, in which generators leave artefacts
/// that are hard to see.
public struct PixelStatistics: Sendable {
  /// Mean and standard deviation of all pixels, from 0 to 1.
  public let mean: Double, deviation: Double
  /// The share of pixels in each of 32 equal steps of brightness.
  public let histogram: [Double]
  /// The mean power at each whole radius of the discrete Fourier transform, radius 1 first.
  public let spectrum: [Double]

  /// Measures `images`; computes the spectrum from at most `spectrumLimit` of them.
  init(_ images: LabelledImages, spectrumLimit: Int = 2000, on threads: ThreadPool) {
    var counts = [Int](repeating: 0, count: 256)
    for byte in images.pixels { counts[Int(byte)] += 1 }
    let total = Double(max(1, images.pixels.count))
    let mean =
      counts.enumerated().reduce(0.0) { $0 + Double($1.offset * $1.element) } / (255 * total)
    let square =
      counts.enumerated().reduce(0.0) {
        $0 + Double($1.element) * Double($1.offset * $1.offset) / (255 * 255)
      } / total
    self.mean = mean
    deviation = max(0, square - mean * mean).squareRoot()
    histogram = (0..<32).map { bin in
      Double(counts[(bin * 8)..<(bin * 8 + 8)].reduce(0, +)) / total
    }
    spectrum = Self.spectrum(of: images, limit: spectrumLimit, on: threads)
  }

  /// Half the sum of absolute differences of the histograms, from 0 to 1.
  func histogramDistance(to other: PixelStatistics) -> Double {
    zip(histogram, other.histogram).reduce(0) { $0 + abs($1.0 - $1.1) } / 2
  }

  /// The root mean square difference of the spectra in decibels.
  func spectrumDistance(to other: PixelStatistics) -> Double {
    let differences = zip(spectrum, other.spectrum).map {
      10 * (log10($0 + 1e-12) - log10($1 + 1e-12))
    }
    let squares = differences.reduce(0) { $0 + $1 * $1 }
    return (squares / Double(max(1, differences.count))).squareRoot()
  }

  private static func spectrum(
    of images: LabelledImages, limit: Int, on threads: ThreadPool
  ) -> [Double] {
    let height = images.shape[0]
    let width = images.shape[1]
    // Direct transforms need (height + width) products per pixel, so use fewer images if they are large.
    let affordable = max(64, 4_000_000_000 / (height * width * (height + width) * 4))
    let count = min(images.count, limit, affordable)
    let radii = min(height, width) / 2
    var sums = [Double](repeating: 0, count: count * radii)
    let transform = FourierTransform(height: height, width: width)
    sums.withUnsafeMutableBufferPointer { sums in
      nonisolated(unsafe) let sums = sums
      threads.forEach(count) { image, _ in
        let power = transform.power(of: images, image)
        for radius in 1...max(1, radii) where radius <= radii {
          sums[image * radii + radius - 1] = power[radius - 1]
        }
      }
    }
    return (0..<radii).map { radius in
      (0..<count).reduce(0) { $0 + sums[$1 * radii + radius] } / Double(max(1, count))
    }
  }
}

/// The discrete Fourier transform of one image size, computed by definition: rows, then columns.
private struct FourierTransform {
  private let height: Int, width: Int
  private let rowWaves: [(cosine: Double, sine: Double)]
  private let columnWaves: [(cosine: Double, sine: Double)]

  init(height: Int, width: Int) {
    self.height = height
    self.width = width
    func waves(_ count: Int) -> [(cosine: Double, sine: Double)] {
      (0..<count).map { place in
        let angle = 2 * Double.pi * Double(place) / Double(count)
        return (cos(angle), sin(angle))
      }
    }
    rowWaves = waves(width)
    columnWaves = waves(height)
  }

  /// The mean power at each whole radius from 1 to half the shorter side, of the mean channel.
  func power(of images: LabelledImages, _ image: Int) -> [Double] {
    let radii = min(height, width) / 2
    let channels = images.shape[2]
    let bytes = images[image]
    let half = width / 2 + 1
    var real = [Double](repeating: 0, count: height * half)
    var imaginary = real
    for row in 0..<height {
      for column in 0..<width {
        let start = bytes.startIndex + (row * width + column) * channels
        var value = 0.0
        for channel in 0..<channels { value += Double(bytes[start + channel]) }
        value /= 255 * Double(channels)
        for frequency in 0..<half {
          let wave = rowWaves[frequency * column % width]
          real[row * half + frequency] += value * wave.cosine
          imaginary[row * half + frequency] -= value * wave.sine
        }
      }
    }
    var sums = [Double](repeating: 0, count: radii + 1)
    var counts = [Double](repeating: 0, count: radii + 1)
    for vertical in 0..<height {
      let signed = vertical <= height / 2 ? vertical : vertical - height
      for horizontal in 0..<half {
        let radius = Int(
          (Double(signed * signed + horizontal * horizontal)).squareRoot().rounded())
        guard radius >= 1, radius <= radii else { continue }
        var x = 0.0
        var y = 0.0
        for row in 0..<height {
          let wave = columnWaves[vertical * row % height]
          let a = real[row * half + horizontal]
          let b = imaginary[row * half + horizontal]
          x += a * wave.cosine + b * wave.sine
          y += b * wave.cosine - a * wave.sine
        }
        sums[radius] += (x * x + y * y) / Double(height * width)
        counts[radius] += 1
      }
    }
    return (1..<(radii + 1)).map { sums[$0] / max(1, counts[$0]) }
  }
}
