import Compute
import Learning

extension AveragedGenerator {
  /// What a discriminator found in the images of an update.
  struct Verdict {
    /// The mean of the generator's loss.
    let loss: Double
    /// The share of the images that it recognised as drawn.
    let recognised: Double
  }

  /// Moves the weights along the loss of what `discriminator` finds in the images of `latents`.
  ///
  /// - Parameters:
  ///   - loss: the loss of a logit; positive logits mean real.
  ///   - modeSeeking: a further term of the loss that makes images of a class differ; nil for none.
  ///   - pass: the memory of the discriminator's micro-batches.
  func update(
    on latents: LatentVectors, against discriminator: PrivateNetwork, loss: some Loss,
    modeSeeking: ModeSeeking? = nil, in pass: Pass, by optimizer: some Optimizer
  ) -> Verdict {
    parameters.gradient.fill(0)
    var total = 0.0
    var recognised = 0
    for range in latents.microBatches(of: discriminator.microBatchSize) {
      let fakes = images(range, of: latents)
      pass.begin(exampleCount: range.count, labels: latents.labels(in: range))
      let logits = discriminator.network.forward(fakes, in: pass)
      let gradient = pass.arena.make(logits.shape)
      var values = [Double](repeating: 0, count: range.count)
      values.withUnsafeMutableBufferPointer { buffer in
        loss.evaluate(logits, gradient: gradient, values: buffer, in: pass)
      }
      total += values.reduce(0, +)
      recognised += logits.buffer.count { $0 < 0 }
      let imageGradient = discriminator.network.backward(
        gradient, needsInputGradient: true, in: pass)
      guard let imageGradient else { continue }
      modeSeeking?.addGradient(to: imageGradient, of: fakes, range, latents)
      addGradient(ofImages: imageGradient)
    }
    update(dividingBy: latents.count, by: optimizer)
    let count = Double(latents.count)
    return Verdict(loss: total / count, recognised: Double(recognised) / count)
  }
}
