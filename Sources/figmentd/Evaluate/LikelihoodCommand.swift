import ArgumentParser
import Compute
import Control
import Datasets
import Evaluation
import Learning
import Models
import Runs

/// `figmentd likelihood`: measures the bits that a released model needs for unseen images.
struct LikelihoodCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "likelihood",
    abstract: "Measure the likelihood of images under a model that has one.",
    discussion: """
      Fewer bits per dimension mean a better model; models with different numbers of levels are not \
      comparable. For a variational autoencoder, the figures are an upper bound by importance sampling. \
      Use images that are public or were held out from training. The figures are computed \
      from them without noise: show the figures only to people who may see the images.
      """)

  @Option(help: ArgumentHelp("A release, or its model/generator.safetensors.", valueName: "path"))
  var model: String
  @Option(help: ArgumentHelp("The images, in a sub-folder for each class.", valueName: "dir"))
  var images: String
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Use a random subset of this size. (default: all images)", valueName: "number"))
  var limit: Int?
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Samples for each image of an upper bound by importance sampling. (default: 256)",
      valueName: "number"))
  var samples: Int?
  @OptionGroup var levels: LevelOptions
  @OptionGroup var threads: ThreadOptions
  @Flag(help: "Print one JSON object instead of text.")
  var json = false

  func validate() throws {
    if let limit, limit < 1 {
      throw ValidationError(
        "--limit: \(limit) given (1 or more expected). Drop it to use all images.")
    }
    if let samples, !(1...1_000_000).contains(samples) {
      throw ValidationError(
        "--samples: \(samples) given (1 to 1,000,000 expected). Drop it for the usual number.")
    }
  }

  func run() throws {
    let meter = ProgressMeter()
    let report = try LikelihoodReport(
      ofModelAt: model, forImagesIn: images, as: levels.rules, limit: limit, samples: samples,
      on: threads.machine, makeDecoder: { DecoderProcess() }
    ) { meter.show($0, $1) }
    meter.finish()
    try json ? StandardOutput.write(json: report) : StandardOutput.write(report.text)
  }
}

/// The result of `figmentd likelihood`.
struct LikelihoodReport: Encodable, Equatable {
  /// The mean number of bits per channel of a pixel, and its standard error over the images.
  let bitsPerDimension: Double, standardError: Double
  /// The mean negative log-likelihood of an image.
  let natsPerImage: Double
  /// The number of images.
  let images: Int
  /// Levels of a channel.
  let levels: Int
  /// Samples for each image of an importance-weighted bound; nil where nothing is sampled.
  let importanceSamples: Int?

  private enum CodingKeys: String, CodingKey {
    case bitsPerDimension = "bits_per_dimension"
    case standardError = "standard_error"
    case natsPerImage = "nats_per_image"
    case images, levels
    case importanceSamples = "importance_samples"
  }

  /// Summarises the negative log-likelihoods of one or more images.
  init(_ nats: [Double], of format: ImageSpecification, bits: Int, importanceSamples: Int? = nil) {
    self.importanceSamples = importanceSamples
    images = nats.count
    levels = 1 << bits
    let mean = nats.reduce(0, +) / Double(nats.count)
    natsPerImage = mean
    bitsPerDimension = format.bitsPerDimension(nats: mean)
    let squares = nats.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    let deviation =
      nats.count > 1 ? (squares / Double(nats.count - 1) / Double(nats.count)).squareRoot() : 0
    standardError = format.bitsPerDimension(nats: deviation)
  }

  /// Reads a model and images and measures; `progress` receives the stage and its completed share.
  ///
  /// - Parameters:
  ///   - rules: the declared white level and colours of the images.
  ///   - limit: the size of a random subset; nil for all images.
  ///   - samples: samples for each image of an importance-weighted bound; nil for the model's usual number.
  ///   - makeDecoder: makes the decoder of one thread.
  init(
    ofModelAt path: String, forImagesIn folder: String, as rules: DatasetRules = DatasetRules(),
    limit: Int? = nil, samples: Int? = nil, on machine: Machine,
    makeDecoder: @escaping @Sendable () throws -> any ImageDecoder,
    progress: (_ stage: String, _ share: Double) -> Void = { _, _ in }
  ) throws {
    let released = try ReleasedModel(path, on: machine)
    guard let model = released.model.drawingModel as? any LikelihoodModel else {
      throw ModelFileError.noLikelihood(path, family: released.recipe.family)
    }
    if samples != nil, model.importanceSampleCount == nil {
      throw ControlError.invalid(
        "--samples: the likelihood of family \(released.recipe.family) is computed without sampling (a variational "
          + "autoencoder expected). Drop it.")
    }
    let count = samples ?? model.importanceSampleCount
    let read = try ImageFolder(folder, makeDecoder: makeDecoder).load(
      released.recipe.transform.under(rules), classNames: released.classes, on: machine
    ) { progress("reading images", $0) }.images
    let chosen = limit.map { read.sample(min($0, read.count), seed: 1) } ?? read
    var nats: [Double] = []
    // Progress is told after each block, and more samples take longer.
    let block = count.map { max(1, 256 * 256 / $0) } ?? 256
    for first in stride(from: 0, to: chosen.count, by: block) {
      let places = first..<min(chosen.count, first + block)
      let examples = LabelledExamples(images: chosen, places: places)
      nats +=
        count.map { model.negativeLogLikelihoods(of: examples, samples: $0) }
        ?? model.negativeLogLikelihoods(of: examples)
      progress("likelihood", Double(places.upperBound) / Double(chosen.count))
    }
    self.init(nats, of: model.format, bits: model.bits, importanceSamples: count)
  }

  /// The figures as text.
  var text: String {
    let digits = { (value: Double, scale: Double) in (value * scale).rounded() / scale }
    let bound = importanceSamples.map {
      "; an upper bound by importance sampling, \($0) samples for each image"
    }
    return """
      \(digits(bitsPerDimension, 1e4)) bits per dimension, standard error \
      \(digits(standardError, 1e4)), of \(levels) levels each; \(digits(natsPerImage, 100)) nats \
      per image, \(images) images\(bound ?? "")

      """
  }
}
