import Compute
import Learning
import Models
import Privacy
import Runs

extension BenchCase {
  /// Training steps and sampling of gated pixel models of about 140,000 parameters.
  ///
  /// The models have 32 channels, a 7×7 block and six further blocks, and 28×28 pixels in ten classes.
  /// The cases use 16 levels, 256 levels with Fourier features, and 256 levels with Fourier features and
  /// copies. The PyTorch baselines use 16 levels and batches of 64 (`Benchmarks/RESULTS.md`).
  static func pixelModel(batch: Int) -> [BenchCase] {
    pixelModel("16 levels gated PixelCNN 28x28", PixelModelSettings(), batch: batch)
      + pixelModel(
        "256 levels gated PixelCNN 28x28", PixelModelSettings(bits: 8, fourierOctaves: 8),
        batch: batch)
      + pixelModel(
        "256 levels copying PixelCNN 28x28",
        PixelModelSettings(bits: 8, fourierOctaves: 8, copyReach: 3), batch: batch)
  }

  private static func pixelModel(
    _ shape: String, _ settings: PixelModelSettings, batch: Int
  ) -> [BenchCase] {
    let forward = settings.multiplyAdds(for: PixelOperands.format)
    func make(
      _ operation: String, passes: Int, _ body: @escaping (PixelOperands) -> Void
    ) -> BenchCase {
      BenchCase(
        operation: operation, shape: shape, batch: batch,
        operations: 2 * Double(passes * forward) * Double(batch), item: "ex", itemCount: batch
      ) { machine in
        let operands = PixelOperands(settings, batch: batch, on: machine)
        return { body(operands) }
      }
    }
    return [
      // Three passes: forward, gradients of the inputs, gradients of the weights.
      make("pixel-plain-step", passes: 3) { $0.step(.none(.onNoiseImages)) },
      make("pixel-private-step", passes: 3) { $0.step($0.noised) },
      make("pixel-sampling", passes: 1) { $0.sample() },
    ]
  }
}

/// A pixel model, noise images and the operands of training.
private final class PixelOperands {
  static let format = ImageSpecification(
    height: 28, width: 28, channels: 1, classes: (0..<10).map { "\($0)" })

  let noised: Protection
  private let model: PixelModel
  private let images: BenchExamples
  private let noise = NoiseStream()

  init(_ settings: PixelModelSettings, batch: Int, on machine: Machine) {
    do {
      model = try PixelModel(settings, for: Self.format, seed: 1, on: machine)
      noised = .noise(
        try SubsampledGaussian(
          samplingProbability: 0.01, noiseMultiplier: 1, clipNorm: 1, nominalBatchSize: batch))
    } catch {
      preconditionFailure("settings and a mechanism of constants are valid: \(error)")
    }
    images = BenchExamples(
      batch, shape: Self.format.shape, classes: Self.format.classes.count)
  }

  func step(_ protection: Protection) {
    let step = TrainingStep(
      index: 10, stepCount: 1000, batchSize: images.count, protection: protection, noise: noise)
    do {
      _ = try model.step(step, on: PrivateExamples(images))
    } catch {
      preconditionFailure("a pixel model's step has nothing to refuse: \(error)")
    }
  }

  func sample() {
    do {
      let labels = images.labels(in: 0..<images.count)
      try model.sample(labels: labels, seed: 1) { _, _ in }
    } catch {
      preconditionFailure("drawing has nothing to refuse: \(error)")
    }
  }
}
