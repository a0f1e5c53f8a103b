import Compute
import FoundationEssentials
import Learning
import Privacy
import TestSupport
import Testing

@testable import Models

/// The generator that learns from a teacher's images: its phases, what it keeps and what it releases.
@Suite struct DistilledTests {
  private static let format = ImageSpecification.tiny(height: 8, width: 8, classes: 2)
  private static let training = TrainingSettings(batchSize: 6, steps: 9, clipNorm: 0.5)

  private static func pixel(prior: PriorSettings? = nil) -> NestedModel {
    NestedModel(
      PixelModel.self,
      PixelModelSettings(
        channels: 8, depth: 1, firstKernel: 3, bits: 2, learningRate: 0.02, averageDecay: 0.5,
        prior: prior))
  }

  private func model(
    teacher: NestedModel = Self.pixel(), images: Int = 600, steps: Int = 10, batchSize: Int = 8,
    width: Int = 2, seed: UInt64 = 3, format: ImageSpecification = Self.format, threads: Int = 1,
    form: (inout DistilledSettings) -> Void = { _ in }
  ) throws -> Distilled {
    var settings = DistilledSettings(
      teacher: teacher, images: images, steps: steps, batchSize: batchSize, width: width,
      generatorWidth: width, latentSize: 4, discriminatorLearningRate: 0.004,
      generatorLearningRate: 0.004, averageDecay: 0.9)
    form(&settings)
    return try Distilled(
      settings, for: format, seed: seed, on: Machine(threadCount: threads))
  }

  private func draw(_ model: Distilled, steps: Range<Int>) throws {
    for index in steps {
      _ = try model.work(FreeStep(phase: Distilled.drawing, index: index, stepCount: 3))
    }
  }

  private func distil(_ model: Distilled, steps: Range<Int>, of count: Int = 10) throws {
    for index in steps {
      _ = try model.work(FreeStep(phase: Distilled.distilling, index: index, stepCount: count))
    }
  }

  private func pixels(_ model: Distilled) -> [Float] {
    var stream = SeededStream(seed: 1)
    let batch = model.images.batch(of: 50, from: &stream)
    let arena = Arena()
    let target = arena.make(Shape(50, 8, 8, 1))
    batch.fill(target, from: 0..<50)
    return withExtendedLifetime(arena) { target.array }
  }

  @Test func theTeachersPhasesComeFirstAndWhatFollowsIsFree() throws {
    let prior = PriorSettings(source: .procedural, steps: 7)
    let settings = DistilledSettings(teacher: Self.pixel(prior: prior), images: 600, steps: 50)
    let phases = Distilled.phases(of: settings, training: Self.training, for: Self.format)
    #expect(phases.map(\.name) == ["pre-training", "training", "teacher's images", "distilling"])
    #expect(phases[1].work == .training(Self.training) && phases[1].share == nil)
    #expect(phases[2].work == .free(.postProcessing, steps: 3))
    #expect(phases[3].work == .free(.postProcessing, steps: 50))
    #expect(phases[2].purpose.contains("family pixel") && phases[2].purpose.contains("600 images"))
  }

  @Test func phasesOfAnyTeacherHaveDifferentNames() throws {
    for type in NestedModel.families {
      var values = RecipeValues(complete: Distilled.self)
      values.values["model.teacher.family"] = type.family
      let recipe = try values.recipe()
      let phases = recipe.phases(training: Self.training, classes: ["a", "b"])
      #expect(Set(phases.map(\.name)).count == phases.count, "\(type.family)")
      #expect(phases.suffix(2).map(\.name) == [Distilled.drawing, Distilled.distilling])
    }
  }

  @Test func aDistilledTeacherIsRefused() throws {
    let values = RecipeValues(complete: Distilled.self)
    let error = #expect(throws: DecodingError.self) {
      try values.with(["model.teacher.family": "distilled"]).recipe()
    }
    let words = String(describing: error)
    #expect(
      words.contains("found 'distilled', expected dp-gan or pixel or multiscale or embedding"))
    #expect(words.contains("models nest once"))
  }

  @Test func aRecipeMayHaveTheFieldsOfItsTeachersFamilyAndNoOthers() throws {
    let values = RecipeValues(complete: Distilled.self)
    let recipe = try values.with(["model.teacher.family": "embedding"]).recipe()
    #expect(recipe.fields.contains("model.teacher.family"))
    #expect(recipe.fields.contains("model.teacher.features"))
    #expect(!recipe.fields.contains("model.teacher.schedule.start"))
    #expect(recipe.fields.contains("model.images") && recipe.fields.contains("training.steps"))
  }

  @Test func invalidSettingsOfTheTeacherAreRefused() throws {
    let values = RecipeValues(complete: Distilled.self).with([
      "model.teacher.family": "embedding", "model.teacher.batch_size": "3",
      "image.height": "8", "image.width": "8",
    ])
    let error = #expect(throws: RecipeFailure.self) {
      try values.recipe().validate(classes: ["a", "b"])
    }
    #expect(error?.description.contains("embedding: batch_size is 3") == true)
  }

  @Test func moreImagesThanMemoryIsMeantForAreRefused() throws {
    let large = ImageSpecification(height: 128, width: 128, channels: 3, classes: ["a"])
    let settings = DistilledSettings(teacher: Self.pixel(), images: 21_846)
    let error = #expect(throws: RecipeFailure.self) { try settings.validate(for: large) }
    #expect(error?.description.contains("images is 21846 (up to 21845 of this size") == true)
  }

  @Test func settingsAreReadAsTheyAreWritten() throws {
    let settings = DistilledSettings(
      teacher: Self.pixel(prior: PriorSettings(source: .procedural, steps: 4)), images: 70)
    let text = try JSONEncoder().encode(settings)
    #expect(try JSONDecoder().decode(DistilledSettings.self, from: text) == settings)
    var other = settings
    other.teacher = Self.pixel()
    #expect(other != settings)
  }

  /// Each form is written, changes the training, and continues from a checkpoint bit for bit.
  @Test(arguments: [false, true]) func theFormsOfTheGeneratorAreKept(normalises: Bool) throws {
    let form: (inout DistilledSettings) -> Void = {
      if normalises { $0.generatorNormalization = .batch } else { $0.modeSeeking = 1 }
    }
    let (plain, whole, first) = (try model(), try model(form: form), try model(form: form))
    for model in [plain, whole] {
      try draw(model, steps: 0..<3)
      try distil(model, steps: 0..<4)
    }
    #expect(plain.savedGenerator.tensors != whole.savedGenerator.tensors)
    try draw(first, steps: 0..<3)
    try distil(first, steps: 0..<2)
    let resumed = try model(form: form)
    try resumed.restore(from: first.savedState)
    try distil(resumed, steps: 2..<4)
    #expect(resumed.savedState.tensors == whole.savedState.tensors)
    let text = try JSONEncoder().encode(whole.settings)
    #expect(try JSONDecoder().decode(DistilledSettings.self, from: text) == whole.settings)
    #expect(whole.settings != plain.settings)
    #expect(throws: RecipeFailure.self) { try model { $0.modeSeeking = 0 } }
  }

  @Test func theTeacherDrawsAsManyImagesAsAskedForAndClassesAlternate() throws {
    let model = try model()
    try draw(model, steps: 0..<2)
    #expect(model.images.count == 512 && !model.images.isComplete)
    try draw(model, steps: 2..<3)
    #expect(model.images.count == 600 && model.images.isComplete)
    var stream = SeededStream(seed: 2)
    let batch = model.images.batch(of: 200, from: &stream)
    #expect(batch.labels(in: 0..<200) == batch.allLabels)
    #expect((60..<140).contains(batch.allLabels.count { $0 == 0 }))
  }

  @Test func aStepOfAnotherPlaceIsRefused() throws {
    let model = try model()
    try draw(model, steps: 0..<1)
    #expect(throws: Checkpoint.Failure.self) { try draw(model, steps: 2..<3) }
    #expect(throws: Checkpoint.Failure.self) { try distil(self.model(), steps: 0..<1) }
  }

  /// Images are bytes, so levels of the teacher are kept to half a byte.
  @Test func whatIsLearntFromAreTheTeachersImages() throws {
    let settings = Self.pixel()
    let teacher = try settings.makeModel(
      for: Self.format, seed: 3, on: Machine(threadCount: 1))
    var images = TeacherImages(capacity: 50, format: Self.format)
    try images.draw(80, from: teacher, seed: 9)
    #expect(images.isComplete)
    var drawn: [Float] = []
    try teacher.sample(labels: (0..<50).map { $0 % 2 }, seed: 9) { drawn += $1.array }
    var checkpoint = Checkpoint()
    images.save(into: &checkpoint)
    var restored = TeacherImages(capacity: 50, format: Self.format)
    try restored.restore(from: checkpoint)
    let arena = Arena()
    for images in [images, restored] {
      var stream = SeededStream(seed: 4)
      let batch = images.batch(of: 40, from: &stream)
      var same = SeededStream(seed: 4)
      let places = (0..<40).map { _ in Int.random(in: 0..<50, using: &same) }
      let target = arena.make(Shape(40, 64))
      batch.fill(target, from: 0..<40)
      for (index, value) in target.array.enumerated() {
        let own = drawn[places[index / 64] * 64 + index % 64]
        #expect(abs(value - own) <= 1 / 255 + 1e-6)
      }
    }
    withExtendedLifetime(arena) {}
  }

  @Test func aModelThatIsRestoredInAnyPhaseContinuesBitForBit() throws {
    let whole = try model()
    try draw(whole, steps: 0..<3)
    try distil(whole, steps: 0..<6)
    // Before drawing, inside drawing, between the two, inside distilling.
    for (drawn, distilled) in [(0, 0), (1, 0), (2, 0), (3, 0), (3, 4)] {
      let broken = try model()
      try draw(broken, steps: 0..<drawn)
      try distil(broken, steps: 0..<distilled)
      // Its own weights are others: only what is restored may matter.
      let resumed = try model(seed: 3)
      try resumed.restore(from: broken.savedState)
      try draw(resumed, steps: drawn..<3)
      try distil(resumed, steps: distilled..<6)
      #expect(resumed.savedState.tensors == whole.savedState.tensors, "\(drawn), \(distilled)")
      #expect(resumed.savedState.metadata == whole.savedState.metadata)
    }
  }

  @Test func theResultIsTheSameOnAnyNumberOfThreads() throws {
    let states = try [1, 3].map { threads in
      let model = try model(threads: threads)
      try draw(model, steps: 0..<3)
      try distil(model, steps: 0..<3)
      return model.savedState.tensors
    }
    #expect(states[0] == states[1])
  }

  /// The optimiser of a teacher that draws, and a teacher that has drawn, would only fill disks.
  @Test func checkpointsHoldOfTheTeacherWhatIsStillNeeded() throws {
    let model = try model()
    let teachers = { model.savedState.tensors.keys.filter { $0.hasPrefix("teacher.") } }
    #expect(teachers().contains { $0.contains("optimizer") })
    try draw(model, steps: 0..<1)
    #expect(!teachers().isEmpty && teachers().allSatisfy { !$0.contains("optimizer") })
    try draw(model, steps: 1..<3)
    #expect(teachers().isEmpty)
  }

  @Test func theReleasedPartIsTheGeneratorAlone() throws {
    let model = try model()
    try draw(model, steps: 0..<3)
    try distil(model, steps: 0..<3)
    let released = model.savedGenerator
    #expect(released.tensors.keys.allSatisfy { $0.hasPrefix("generator.") })
    #expect(released.metadata.isEmpty)
    let other = try self.model(seed: 8)
    try other.restoreGenerator(from: released)
    #expect(other.images.count == 0)
    func samples(_ model: Distilled) throws -> [Float] {
      var values: [Float] = []
      try model.sample(labels: [0, 1, 1], seed: 5) { values += $1.array }
      return values
    }
    #expect(try samples(other) == samples(model))
  }

  @Test(arguments: [false, true])
  func curvesLeaveOnlyIfNoiseProtectsTheTeacher(_ isProtected: Bool) throws {
    let model = try model()
    try draw(model, steps: 0..<1)
    let report = try model.work(
      FreeStep(
        phase: Distilled.distilling, index: 0, stepCount: 10, isProtected: isProtected))
    #expect(report.curves.count == (isProtected ? 2 : 0))
    #expect(report.privateCurves.count == (isProtected ? 0 : 2))
  }

  @Test func damagedImagesDoNotEndTheProcess() throws {
    let model = try model()
    try draw(model, steps: 0..<3)
    let good = model.savedState
    var damaged = good
    let array = try #require(good.tensors["teacher_images"])
    damaged.tensors["teacher_images"] = Checkpoint.Array(
      shape: array.shape, values: array.values.map { _ in .nan })
    try model.restore(from: damaged)
    #expect(pixels(model).allSatisfy { $0 == -1 })
    for text in ["601", "-1", "599999999999", ""] {
      damaged = good
      damaged.metadata["teacher_images.count"] = text
      #expect(throws: Checkpoint.Failure.self) { try model.restore(from: damaged) }
    }
    damaged = good
    damaged.metadata["teacher_images.count"] = "300"
    #expect(throws: Checkpoint.Failure.self) { try model.restore(from: damaged) }
  }

  @Test func imagesWithoutClassesAreDistilledToo() throws {
    let plain = ImageSpecification.tiny(height: 8, width: 8, channels: 3, classes: 1)
    let teacher = NestedModel(
      Embedding.self, EmbeddingSettings(features: 2, generatorWidth: 2, latentSize: 4, steps: 4))
    let model = try model(teacher: teacher, images: 20, format: plain)
    try draw(model, steps: 0..<1)
    try distil(model, steps: 0..<2)
    try model.sample(labels: [0, 0], seed: 1) { #expect($1.array.allSatisfy { $0.isFinite }) }
  }

  @Test func theGeneratorLearnsWhatItsTeacherDraws() throws {
    let model = try model(images: 512, steps: 400, batchSize: 32, width: 4)
    var images = TeacherImages(capacity: 512, format: Self.format)
    try images.draw(512, from: FlatTeacher(), seed: 1)
    var state = model.savedState
    images.save(into: &state)
    try model.restore(from: state)
    try distil(model, steps: 0..<400, of: 400)
    var means = [0.0, 0.0]
    try model.sample(labels: (0..<64).map { $0 % 2 }, seed: 9) { first, drawn in
      for index in 0..<drawn.shape[0] {
        let image = drawn.examples(from: index, count: 1).array
        means[(first + index) % 2] += Double(image.reduce(0, +)) / Double(32 * image.count)
      }
    }
    #expect(means[0] < -0.4 && means[1] > 0.4, "\(means)")
  }

  @Test func itsCardSaysThatTheTeacherIsNotReleased() {
    let remark = DistilledSettings(teacher: Self.pixel(), images: 70).releaseRemark
    #expect(remark?.contains("distilled") == true && remark?.contains("`pixel`") == true)
    #expect(remark?.contains("drew 70 images") == true)
    #expect(PixelModelSettings().releaseRemark == nil)
  }
}

/// A teacher whose images are flat: dark in class 0, bright in class 1.
private final class FlatTeacher: SteppingModel {
  static let family = "flat"
  let privateParameterCount = 0

  convenience init() {
    self.init(NoSettings(), for: .tiny(height: 8, width: 8), seed: 0, on: Machine(threadCount: 1))
  }

  init(_ settings: NoSettings, for format: ImageSpecification, seed: UInt64, on machine: Machine) {}

  func step(_ step: TrainingStep, on images: PrivateExamples) throws -> StepReport { StepReport() }

  func sample(
    _ request: SampleRequest, _ receive: (_ first: Int, _ images: Tensor) throws -> Void
  ) throws {
    let arena = Arena()
    let images = arena.make(Shape(request.labels.count, 8, 8, 1))
    images.assign(request.labels.flatMap { [Float](repeating: $0 == 0 ? -0.8 : 0.8, count: 64) })
    try withExtendedLifetime(arena) { try receive(0, images) }
  }
}
