import Compute
import Learning
import Testing

@testable import Models

/// Images that a program draws: the same for a seed, natural in their statistics, of any form.
@Suite struct ProceduralImagesTests {
  private let arena = Arena()

  private func images(
    _ count: Int, height: Int = 28, width: Int = 28, channels: Int = 1, seed: UInt64 = 5,
    from first: Int = 0
  ) -> [Float] {
    let format = ImageSpecification.tiny(height: height, width: width, channels: channels)
    let source = ProceduralImages(count: first + count, format: format, seed: seed)
    let target = arena.make(Shape(count, height, width, channels))
    source.fill(target, from: first..<(first + count))
    return target.array
  }

  @Test func aSeedDrawsTheSameImagesWhereverTheyAreCutIntoBatches() {
    let whole = images(12)
    #expect(images(12) == whole)
    #expect(images(5, from: 7) == Array(whole[(7 * 784)...]))
    #expect(images(12, seed: 6) != whole)
    let different = Set(
      stride(from: 0, to: whole.count, by: 784).map { Array(whole[$0..<($0 + 784)]) })
    #expect(different.count == 12)
  }

  @Test(arguments: [(28, 28, 1), (32, 32, 3), (20, 44, 3), (128, 96, 1), (2, 3, 1)])
  func everyFormIsFilledWithinItsRange(_ height: Int, _ width: Int, _ channels: Int) {
    let values = images(40, height: height, width: width, channels: channels)
    #expect(values.count == 40 * height * width * channels)
    #expect(values.allSatisfy { $0 >= -1 && $0 <= 1 })
    let mean = values.reduce(0, +) / Float(values.count)
    let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Float(values.count)
    #expect(variance > 0.05, "\(variance)")
  }

  /// Neighbours are alike, and less so with distance: what a model can learn before it sees a real image.
  @Test func neighboursAreAlikeAsInNaturalImages() {
    let values = images(200)
    let mean = values.reduce(0, +) / Float(values.count)
    let centred = values.map { $0 - mean }
    func correlation(_ distance: Int) -> Float {
      var (product, square): (Float, Float) = (0, 0)
      for image in 0..<200 {
        for row in 0..<28 {
          for column in 0..<(28 - distance) {
            let index = image * 784 + row * 28 + column
            product += centred[index] * centred[index + distance]
            square += centred[index] * centred[index]
          }
        }
      }
      return product / square
    }
    let (near, middle, far) = (correlation(1), correlation(4), correlation(12))
    #expect(near > 0.8 && near > middle && middle > far, "\(near) \(middle) \(far)")
  }
}

/// Pre-training of the pixel model on drawn images.
@Suite struct PixelModelPriorTests {
  private func settings(steps: Int) -> PixelModelSettings {
    PixelModelSettings(
      channels: 4, depth: 1, firstKernel: 3, bits: 2, averageDecay: 0.9,
      prior: PriorSettings(source: .procedural, steps: steps, batchSize: 8, learningRate: 0.01))
  }

  private func model(steps: Int, seed: UInt64 = 3) throws -> PixelModel {
    try PixelModel(
      settings(steps: steps), for: .tiny(height: 12, width: 12), seed: seed,
      on: Machine(threadCount: 1))
  }

  @Test func itIsAFreePhaseBeforeTraining() {
    let training = TrainingSettings(batchSize: 4, steps: 9, clipNorm: 1)
    let phases = PixelModel.phases(of: settings(steps: 20), training: training, for: .tiny())
    #expect(phases.map(\.name) == ["pre-training", "training"])
    #expect(phases.first?.work == .free(.publicData, steps: 20))
    #expect(phases.last?.work == .training(training))
    let without = PixelModel.phases(
      of: PixelModelSettings(), training: training, for: .tiny())
    #expect(without.map(\.name) == ["training"])
  }

  @Test func imagesThatTheProgramDrawsLaterBecomeLikelier() throws {
    let model = try model(steps: 60)
    let later = ProceduralImages(count: 100, format: .tiny(height: 12, width: 12), seed: 999)
    let before = model.bitsPerDimension(of: later)
    for step in 0..<60 {
      _ = try model.work(FreeStep(phase: "pre-training", index: step, stepCount: 60))
    }
    let after = model.bitsPerDimension(of: later)
    #expect(after < 0.8 * before, "\(before) \(after)")
  }

  @Test func theFirstNoisyStepForgetsMomentsAndAverage() throws {
    let model = try model(steps: 5)
    for step in 0..<5 {
      _ = try model.work(FreeStep(phase: "pre-training", index: step, stepCount: 5))
    }
    #expect(model.averaged.optimizer.stepCount == 5)
    model.averaged.restartAfterPreTraining()
    #expect(model.averaged.optimizer.stepCount == 0 && model.averaged.average.updateCount == 0)
    #expect(model.averaged.optimizer.state.allSatisfy { $0.tensor.buffer.allSatisfy { $0 == 0 } })
    #expect(model.averaged.average.values.array == model.network.parameters.values.array)
  }

  @Test func settingsOutOfRangeAreRefusedByName() {
    for (field, change) in [
      ("prior.steps", { $0.steps = 0 }), ("prior.batch_size", { $0.batchSize = 0 }),
      ("prior.learning_rate", { $0.learningRate = 1 }),
    ] as [(String, (inout PriorSettings) -> Void)] {
      var settings = settings(steps: 5)
      settings.prior.map { old in
        var prior = old
        change(&prior)
        settings.prior = prior
      }
      let error = #expect(throws: RecipeFailure.self) {
        try settings.validate(for: .tiny(height: 12, width: 12))
      }
      #expect(error?.description.contains(field) == true)
    }
  }
}

/// The loop of a phase that costs nothing.
@Suite struct FreeWorkTests {
  private final class Counter: SteppingModel {
    static let family = "counter"
    let privateParameterCount = 1
    var steps: [Int] = []

    init(
      _ settings: NoSettings, for format: ImageSpecification, seed: UInt64, on machine: Machine
    ) throws {}

    func step(_ step: TrainingStep, on images: PrivateExamples) throws -> StepReport {
      Issue.record("a free phase makes no step on private images")
      return StepReport()
    }

    func work(_ step: FreeStep) throws -> StepReport {
      steps.append(step.index)
      return StepReport()
    }
  }

  private func work(from step: Int) throws -> (FreeWork, Counter) {
    let model = try Counter(.init(), for: .tiny(), seed: 1, on: Machine(threadCount: 1))
    let phase = Phase("warm-up", "drawn images", .free(.publicData, steps: 10))
    return (FreeWork(model, phase: phase, step: step), model)
  }

  @Test func everyBlockEndsWithACheckpointAndAResumedPhaseMakesTheRest() throws {
    let (work, model) = try work(from: 3)
    var saved: [Int] = []
    let ending = try work.run(
      blockSize: 4, shouldStop: { false }, report: { _ in }, blockEnded: { saved.append(work.step) }
    )
    guard case .finished = ending else {
      Issue.record("stopped")
      return
    }
    #expect(model.steps == Array(3..<10) && saved == [7, 10])
  }

  @Test func aStoppedPhaseIsSavedWhereItStopped() throws {
    let (work, model) = try work(from: 0)
    var saved: [Int] = []
    let ending = try work.run(
      blockSize: 4, shouldStop: { work.step == 6 }, report: { _ in },
      blockEnded: { saved.append(work.step) })
    guard case .stopped = ending else {
      Issue.record("finished")
      return
    }
    #expect(model.steps == Array(0..<6) && saved == [4, 6])
  }
}
