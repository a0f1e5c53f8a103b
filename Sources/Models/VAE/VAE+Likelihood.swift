import Compute
import Glibc
public import Learning

// The importance-weighted bound of the likelihood (Burda, Grosse and Salakhutdinov 2016, arXiv 1509.00519).
extension VAE {
  /// Samples of the code of each image in the bound.
  static let importanceSamples = 256
  /// Codes that are decoded together.
  private static let blockSize = 32

  public var bits: Int { settings.bits }

  public var importanceSampleCount: Int? { Self.importanceSamples }

  /// An upper bound of minus the log-likelihood of each image in nats under the averaged weights, on average over
  /// the drawn codes; use it only for held-out or public images.
  public func negativeLogLikelihoods(of images: any ExampleSource) -> [Double] {
    negativeLogLikelihoods(of: images, samples: Self.importanceSamples)
  }

  /// The bound from a number of samples of each image: −log of the mean of p(x | z) p(z) / q(z | x).
  public func negativeLogLikelihoods(of images: any ExampleSource, samples: Int) -> [Double] {
    let examples = QuantizedImages(images: images, levels: levels)
    let arena = Arena()
    let image = arena.make(format.shape.batched(1))
    return withExtendedLifetime(arena) {
      averaged.withAverage { _ in
        (0..<examples.count).map { index in
          examples.fill(image, from: index..<(index + 1))
          let label = examples.labels(in: index..<(index + 1)).first ?? 0
          return bound(of: image, label, samples: samples)
        }
      }
    }
  }

  private func bound(of image: Tensor, _ label: Int, samples: Int) -> Double {
    pass.begin(exampleCount: 1, labels: [label], purpose: .sampling)
    _ = (layers.encoder as [any Layer]).forward(image, in: pass)
    let (means, logVariances) = layers.codes.distribution(of: 0)
    var stream = Reparameterization.stream(
      key: layers.images.keys[0], seed: seed, round: .max - 1)
    var logWeights: [Double] = []
    while logWeights.count < samples {
      let count = min(Self.blockSize, samples - logWeights.count)
      pass.begin(
        exampleCount: count, labels: [Int](repeating: label, count: count), purpose: .sampling)
      let codes = pass.make(Shape(settings.latentSize))
      let ratios = (0..<count).map { sample in
        let noise = means.map { _ in stream.gaussian() }
        let code = means.indices.map { means[$0] + exp(logVariances[$0] / 2) * noise[$0] }
        for (place, value) in code.enumerated() {
          codes.pointer[sample * code.count + place] = Float(value)
        }
        let logPosterior = means.indices.reduce(0.0) {
          $0 - (noise[$1] * noise[$1] + logVariances[$1] + log(2 * .pi)) / 2
        }
        return logDensity(ofCode: code, label) - logPosterior
      }
      let losses = losses(of: image, under: layers.decode(codes, in: pass), count: count)
      logWeights += zip(ratios, losses).map { $0 - $1 }
    }
    return log(Double(samples)) - logSumExp(logWeights.count) { logWeights[$0] }
  }

  /// Minus the log-likelihood of one image under each of several outputs of the decoder.
  private func losses(of image: Tensor, under outputs: Tensor, count: Int) -> [Double] {
    let size = outputs.count / max(1, count)
    var losses = [Double](repeating: 0, count: count)
    losses.withUnsafeMutableBufferPointer { buffer in
      let target = buffer
      pass.machine.threads.forEach(count) { [distribution, format] sample, _ in
        target[sample] = distribution.loss(
          ofImage: image.pointer, format.shape, outputs: outputs.pointer + sample * size,
          gradient: nil)
      }
    }
    return losses
  }
}
