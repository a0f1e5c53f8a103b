import Learning
import Compute
import Glibc

/// A mixture of logistic distributions, discretised into the levels' bins.
///
/// It is the mixture of PixelCNN++ (Salimans and others 2017, arXiv 1701.05517, section 2).
///
/// Outputs: K logits; then K means per channel; then K logarithms of scales per channel; and for
/// colour three times K coefficients, whose tanh couples green to red and blue to both. The first
/// and the last bin extend to infinity.
struct LogisticMixture: PixelDistribution {
  let levels: PixelLevels
  let channelCount: Int
  let componentCount: Int

  /// Scales are at least e⁻⁷, as published: far narrower than a bin of 256.
  static let leastLogScale: Double = -7

  /// The largest `channelCount`.
  private static let mostChannels = 3

  private var couplingCount: Int { channelCount == 1 ? 0 : 3 }

  var outputCount: Int { componentCount * (1 + 2 * channelCount + couplingCount) }

  /// Channels depend on each other through the coupled means, not through the network.
  var groupCount: Int { 1 }

  var steps: [Range<Int>] { [0..<channelCount] }

  private func meanIndex(_ channel: Int, _ component: Int) -> Int {
    (1 + channel) * componentCount + component
  }

  private func scaleIndex(_ channel: Int, _ component: Int) -> Int {
    (1 + channelCount + channel) * componentCount + component
  }

  private func couplingIndex(_ coupling: Int, _ component: Int) -> Int {
    (1 + 2 * channelCount + coupling) * componentCount + component
  }

  /// The couplings in a channel's mean, each with the channel that it multiplies: green has red;
  /// blue has red and green.
  private func couplings(of channel: Int) -> [(coupling: Int, source: Int)] {
    switch channel {
    case 1: [(0, 0)]
    case 2: [(1, 0), (2, 1)]
    default: []
    }
  }

  /// The mean of a channel in a component, given the earlier channels of the pixel.
  func mean(
    _ channel: Int, _ component: Int, _ outputs: UnsafePointer<Float>, _ pixel: UnsafePointer<Float>
  ) -> Double {
    couplings(of: channel).reduce(Double(outputs[meanIndex(channel, component)])) { mean, term in
      let coefficient = tanh(Double(outputs[couplingIndex(term.coupling, component)]))
      return mean + coefficient * Double(pixel[term.source])
    }
  }

  func loss(
    of place: PixelPlace, outputs: UnsafePointer<Float>, gradient: UnsafeMutablePointer<Float>?
  ) -> Double {
    let pixel = place.pixel(channelCount)
    return withUnsafeTemporaryAllocation(
      of: Double.self, capacity: componentCount * (2 + 2 * Self.mostChannels)
    ) { memory in
      guard let joint = memory.baseAddress else { return 0 }
      // joint: logarithm of component and pixel together; prior: of the component alone;
      // slopes: of each channel's term by mean and by logarithm of scale.
      let prior = joint + componentCount
      let slopes = prior + componentCount
      let normaliser = logSumExp(componentCount) { Double(outputs[$0]) }
      for component in 0..<componentCount {
        prior[component] = Double(outputs[component]) - normaliser
        joint[component] = prior[component]
        for channel in 0..<channelCount {
          let term = logProbability(
            of: Double(pixel[channel]), mean: mean(channel, component, outputs, pixel),
            logScale: Double(outputs[scaleIndex(channel, component)]))
          joint[component] += term.value
          slopes[2 * (channel * componentCount + component)] = term.meanSlope
          slopes[2 * (channel * componentCount + component) + 1] = term.scaleSlope
        }
      }
      let total = logSumExp(componentCount) { joint[$0] }
      if let gradient {
        for component in 0..<componentCount {
          let share = exp(joint[component] - total)
          gradient[component] = Float(exp(prior[component]) - share)
          for channel in 0..<channelCount {
            let slope = slopes + 2 * (channel * componentCount + component)
            write(
              channel, component, meanSlope: -share * slope[0], scaleSlope: -share * slope[1],
              outputs: outputs, pixel: pixel, to: gradient)
          }
        }
      }
      return -total
    }
  }

  private func write(
    _ channel: Int, _ component: Int, meanSlope: Double, scaleSlope: Double,
    outputs: UnsafePointer<Float>, pixel: UnsafePointer<Float>,
    to gradient: UnsafeMutablePointer<Float>
  ) {
    gradient[meanIndex(channel, component)] = Float(meanSlope)
    gradient[scaleIndex(channel, component)] = Float(scaleSlope)
    for term in couplings(of: channel) {
      let index = couplingIndex(term.coupling, component)
      let coefficient = tanh(Double(outputs[index]))
      gradient[index] = Float(
        meanSlope * Double(pixel[term.source]) * (1 - coefficient * coefficient))
    }
  }

  /// The logarithm of a bin's probability under one logistic, and its slopes.
  ///
  /// With p and m the bin's upper and lower edges in units of the scale and σ the sigmoid, σ(p) −
  /// σ(m) = σ(p) · σ(−m) · (1 − e^(m−p)), a form without a difference of nearly equal numbers.
  private func logProbability(
    of value: Double, mean: Double, logScale: Double
  ) -> (value: Double, meanSlope: Double, scaleSlope: Double) {
    let isFree = logScale > Self.leastLogScale
    let inverse = exp(-max(logScale, Self.leastLogScale))
    let centre = (value - mean) * inverse
    let width = 2 * levels.halfWidth * inverse
    let (upper, lower) = (centre + width / 2, centre - width / 2)
    let isFirst = value < -1 + levels.halfWidth
    let isLast = value > 1 - levels.halfWidth
    var result = 0.0
    var centreSlope = 0.0
    var widthSlope = 0.0
    if !isLast {
      result += logSigmoid(upper)
      centreSlope += sigmoid(-upper)
      widthSlope += sigmoid(-upper) / 2
    }
    if !isFirst {
      result += logSigmoid(-lower)
      centreSlope -= sigmoid(lower)
      widthSlope += sigmoid(lower) / 2
    }
    if !isFirst, !isLast {
      result += log(-expm1(-width))
      widthSlope += 1 / expm1(width)
    }
    return (
      result, -inverse * centreSlope,
      isFree ? -centre * centreSlope - width * widthSlope : 0
    )
  }

  func draw(
    _ channels: Range<Int>, at place: PixelPlace, outputs: UnsafePointer<Float>,
    temperature: Double, from stream: inout SeededStream, into pixel: UnsafeMutablePointer<Float>
  ) {
    let normaliser = logSumExp(componentCount) { Double(outputs[$0]) / temperature }
    var left = stream.uniform()
    var component = 0
    while component < componentCount - 1 {
      left -= exp(Double(outputs[component]) / temperature - normaliser)
      if left < 0 { break }
      component += 1
    }
    for channel in channels {
      let scale = exp(
        max(Double(outputs[scaleIndex(channel, component)]), Self.leastLogScale))
      // The uniform's grid is shifted away from zero, where the quantile is infinite.
      let uniform = stream.uniform() + 0x1p-54
      let quantile = log(uniform) - log1p(-uniform)
      let value = mean(channel, component, outputs, pixel) + scale * temperature * quantile
      pixel[channel] = levels.value(of: levels.level(of: Float(max(-2, min(2, value)))))
    }
  }
}

private func sigmoid(_ x: Double) -> Double {
  1 / (1 + exp(-x))
}

private func logSigmoid(_ x: Double) -> Double {
  x > 0 ? -log1p(exp(-x)) : x - log1p(exp(x))
}
