import Compute
import Control
import Datasets
import FoundationEssentials
import Glibc
import Learning
import Models
import Testing

@testable import Runs
@testable import figmentd

/// A model that is read from a release.
@Suite struct ReleasedModelTests {
  private let scratch = ScratchFolder()
  private let machine = Machine(threadCount: 1)

  private func samples(_ model: any GenerativeModel) throws -> [Float] {
    var values: [Float] = []
    try model.sample(labels: [0, 1, 0], seed: 9) { _, images in values += images.array }
    return values
  }

  @Test func aReleaseDrawsAgainWhatItsModelDrew() throws {
    let bench = try RunBench(steps: 3)
    #expect(try bench.run().isFinished)
    let released = try ReleasedModel(bench.places.release, on: machine)
    #expect(released.recipe.name == "tiny")
    #expect(released.classes == (try DurableFile.names(in: bench.order.root)).sorted())
    let again = try ReleasedModel(
      bench.places.release + "/model/generator.safetensors", on: machine)
    #expect(try samples(again.model) == samples(released.model))
    let untrained = try released.recipe.makeModel(classes: released.classes, seed: 0, on: machine)
    #expect(try samples(untrained) != samples(released.model))
  }

  @Test func aPixelModelOfAReleaseGivesTheLikelihoodOfFolders() throws {
    let recipe = try RecipeLibrary.read(
      scratch.write("pixels.yaml", RunBench.pixelRecipe(steps: 2)))
    try GlyphGenerator(seed: 3).write(count: 24, to: scratch.path + "/images")
    let classes = try DurableFile.names(in: scratch.path + "/images").sorted()
    let model = try #require(
      try recipe.makeModel(classes: classes, seed: 4, on: machine) as? PixelModel)
    var checkpoint = Checkpoint()
    model.saveGenerator(into: &checkpoint)
    checkpoint.metadata["recipe"] = String(
      decoding: try JSONEncoder().encode(recipe), as: UTF8.self)
    checkpoint.metadata["classes"] = String(
      decoding: try JSONEncoder().encode(classes), as: UTF8.self)
    let file = scratch.path + "/generator.safetensors"
    try Safetensors.encode(checkpoint).write(to: URL(filePath: file))

    let images = scratch.path + "/images"
    let report = try LikelihoodReport(
      ofModelAt: scratch.path, forImagesIn: images, on: machine, makeDecoder: { ImageCodec() })
    #expect(report.images == 24)
    #expect(report.levels == 4)
    // An untrained model is close to uniform: two bits for each of four levels.
    #expect(abs(report.bitsPerDimension - 2) < 0.1)
    #expect(report.standardError > 0)
    let few = try LikelihoodReport(
      ofModelAt: file, forImagesIn: images, limit: 6, on: machine, makeDecoder: { ImageCodec() })
    #expect(few.images == 6)
    #expect(few.importanceSamples == nil)
    let error = #expect(throws: ControlError.self) {
      try LikelihoodReport(
        ofModelAt: file, forImagesIn: images, samples: 5000, on: machine,
        makeDecoder: { ImageCodec() })
    }
    #expect(error?.message.hasPrefix("--samples: the likelihood of family pixel") == true)
  }

  @Test func bitsAreThoseOfTheMeanImage() {
    // Images of 4 numbers at 1 and 3 bits for each.
    let format = ImageSpecification(height: 2, width: 2, channels: 1, classes: [])
    let report = LikelihoodReport([4 * log(2), 12 * log(2)], of: format, bits: 3)
    #expect(abs(report.bitsPerDimension - 2) < 1e-12)
    #expect(abs(report.standardError - 1) < 1e-12)
    #expect(abs(report.natsPerImage - 8 * log(2)) < 1e-12)
    #expect(report.levels == 8)
    #expect(report.text.hasPrefix("2.0 bits per dimension, standard error 1.0, of 8 levels each"))
  }

  @Test func whatIsNoPixelModelIsRefusedByName() throws {
    let bench = try RunBench(steps: 1)
    #expect(try bench.run().isFinished)
    func refusal(_ model: String) throws -> String {
      let error = #expect(throws: ModelFileError.self) {
        try LikelihoodReport(
          ofModelAt: model, forImagesIn: bench.order.root, on: machine,
          makeDecoder: { ImageCodec() })
      }
      return error.map { "\($0)" } ?? ""
    }
    #expect(
      try refusal(bench.places.release).contains(
        "family dp-gan has no likelihood (one of the families pixel, multiscale, vae expected)"))
    #expect(try refusal(scratch.path).contains("cannot be read"))
    try scratch.write("other.safetensors", "no such thing")
    #expect(try refusal(scratch.path + "/other.safetensors").contains("no model of Figment's"))
  }
}
