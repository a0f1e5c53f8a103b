import Compute
import Datasets
import Learning

@testable import Models

/// Images in memory as training examples.
struct ImageArray: ExampleSource {
  let shape: Shape
  var values: [Float]
  var classes: [Int]
  /// The unit of each image; nil if every image is its own unit.
  var units: [Int]?

  /// Images with uniform random numbers from −1 to 1.
  static func random(
    _ count: Int, _ format: ImageSpecification, seed: UInt64 = 1
  ) -> ImageArray {
    var stream = SeededStream(seed: seed)
    return ImageArray(
      shape: format.shape,
      values: (0..<(count * format.shape.count)).map { _ in Float(2 * stream.uniform() - 1) },
      classes: (0..<count).map { $0 % max(1, format.classes.count) })
  }

  var count: Int { classes.count }

  func labels(in range: Range<Int>) -> [Int] { Array(classes[range]) }

  func fill(_ target: Tensor, from range: Range<Int>) {
    target.assign(
      Array(values[(range.lowerBound * shape.count)..<(range.upperBound * shape.count)]))
  }

  /// The image at `index` alone.
  subscript(index: Int) -> [Float] {
    Array(values[(index * shape.count)..<((index + 1) * shape.count)])
  }
}

extension ImageSpecification {
  static func tiny(
    height: Int = 5, width: Int = 4, channels: Int = 1, classes: Int = 3
  ) -> ImageSpecification {
    ImageSpecification(
      height: height, width: width, channels: channels, classes: (0..<classes).map { "\($0)" })
  }
}

/// The variants of pixel models in the tests.
enum PixelModelCase: CaseIterable, CustomStringConvertible {
  case greySoftmax, greyRegions, greyGuided, greyFourier, greyAttention, greyCopies
  case greyLogistics
  case greyColumns, greyGuidedColumns, colourColumns
  case colourSoftmax, colourFourier, colourAttention, colourCopies, colourLogistics

  var format: ImageSpecification {
    switch self {
    case .greySoftmax, .greyRegions, .greyGuided, .greyFourier, .greyAttention, .greyCopies,
      .greyLogistics:
      .tiny()
    case .colourSoftmax, .colourFourier, .colourAttention, .colourCopies, .colourLogistics:
      .tiny(channels: 3)
    case .greyColumns, .greyGuidedColumns: .tiny().with(Self.columns)
    case .colourColumns: .tiny(channels: 3).with(Self.columns)
    }
  }

  /// Two columns beside the images, with two and four codes.
  private static let columns = [
    ColumnDomain(name: "sex", values: .categories(["f", "m"]), allowsMissing: false),
    ColumnDomain(
      name: "age", values: .numbers(minimum: 0, maximum: 90, bins: 3, areIntegers: true)),
  ]

  /// The labels of images of these classes: with columns, each of another combination of codes.
  func labels(_ classes: [Int]) -> [Int] {
    let conditions = format.conditions
    return classes.enumerated().map { place, label in
      (label + conditions.classCount * (3 * place + label)) % conditions.labelCount
    }
  }

  var settings: PixelModelSettings {
    switch self {
    case .greySoftmax: PixelModelSettings(channels: 9, depth: 2, firstKernel: 5, bits: 2)
    case .greyRegions:
      PixelModelSettings(channels: 9, depth: 2, firstKernel: 5, bits: 2, classRegions: 3)
    case .greyGuided:
      PixelModelSettings(channels: 9, depth: 2, firstKernel: 5, bits: 2, labelDropout: 0.5)
    case .greyFourier:
      PixelModelSettings(channels: 9, depth: 2, firstKernel: 5, bits: 2, fourierOctaves: 2)
    case .greyAttention:
      PixelModelSettings(
        channels: 9, depth: 2, firstKernel: 3, bits: 2, attentionLayers: 2, attentionHeads: 3)
    case .greyCopies:
      PixelModelSettings(
        channels: 9, depth: 2, firstKernel: 5, bits: 2, copyReach: 2, headChannels: 15)
    case .greyLogistics:
      PixelModelSettings(
        channels: 10, depth: 2, firstKernel: 5, bits: 4, output: .logistics, components: 3)
    case .greyColumns:
      PixelModelSettings(channels: 9, depth: 2, firstKernel: 5, bits: 2, classRegions: 2)
    case .greyGuidedColumns:
      PixelModelSettings(channels: 9, depth: 2, firstKernel: 5, bits: 2, labelDropout: 0.5)
    case .colourColumns: PixelModelSettings(channels: 12, depth: 2, firstKernel: 5, bits: 2)
    case .colourSoftmax: PixelModelSettings(channels: 12, depth: 2, firstKernel: 5, bits: 2)
    case .colourFourier:
      PixelModelSettings(channels: 12, depth: 2, firstKernel: 5, bits: 2, fourierOctaves: 2)
    case .colourAttention:
      PixelModelSettings(
        channels: 12, depth: 2, firstKernel: 3, bits: 2, attentionLayers: 1, attentionHeads: 6)
    case .colourCopies:
      PixelModelSettings(
        channels: 12, depth: 2, firstKernel: 5, bits: 2, copyReach: 1, headChannels: 18)
    case .colourLogistics:
      PixelModelSettings(
        channels: 12, depth: 2, firstKernel: 5, bits: 3, output: .logistics, components: 2)
    }
  }

  var description: String {
    switch self {
    case .greySoftmax: "grey softmax"
    case .greyRegions: "grey softmax with class regions"
    case .greyGuided: "grey softmax with absent labels"
    case .greyFourier: "grey softmax with Fourier features"
    case .greyAttention: "grey softmax with attention"
    case .greyCopies: "grey softmax that copies, with a wide head"
    case .greyLogistics: "grey logistics"
    case .greyColumns: "grey softmax with class regions and columns"
    case .greyGuidedColumns: "grey softmax with absent labels and columns"
    case .colourColumns: "colour softmax with columns"
    case .colourSoftmax: "colour softmax"
    case .colourFourier: "colour softmax with Fourier features"
    case .colourAttention: "colour softmax with attention"
    case .colourCopies: "colour softmax that copies, with a wide head"
    case .colourLogistics: "colour logistics"
    }
  }

  /// A model with all parameters away from zero, so that every connection has an effect.
  func model(seed: UInt64 = 3, threads: Int = 1) throws -> PixelModel {
    let model = try PixelModel(
      settings, for: format, seed: seed, on: Machine(threadCount: threads))
    model.randomize(deviation: 0.35, seed: seed)
    return model
  }
}

extension ImageSpecification {
  /// The same images beside a table with these columns.
  func with(_ columns: [ColumnDomain]) -> ImageSpecification {
    ImageSpecification(
      height: height, width: width, channels: channels, classes: classes, columns: columns)
  }
}

extension PixelDistribution {
  /// Calls `body` with a pixel of an image and the memory of the preceding pixels.
  private func withPlace<Result>(
    _ position: Int, of image: [Float], _ body: (PixelPlace) -> Result
  ) -> Result {
    let arena = Arena(blockByteCount: 1 << 10)
    let pixels = arena.make(Shape(image.count))
    pixels.assign(image)
    let memory = arena.makeZeros(Shape(max(1, memoryCount)))
    func place(_ position: Int) -> PixelPlace {
      PixelPlace(
        image: UnsafePointer(pixels.pointer), position: position,
        memory: UnsafePointer(memory.pointer))
    }
    for earlier in 0..<position { remember(place(earlier), in: memory.pointer) }
    return withExtendedLifetime(arena) { body(place(position)) }
  }

  /// The loss of one pixel of an image whose earlier pixels are known.
  func loss(
    of image: [Float], at position: Int = 0, outputs: [Float],
    gradient: UnsafeMutablePointer<Float>? = nil
  ) -> Double {
    withPlace(position, of: image) { loss(of: $0, outputs: outputs, gradient: gradient) }
  }

  /// Draws channels of one pixel of an image whose earlier pixels are known.
  func draw(
    _ channels: Range<Int>, at position: Int, of image: [Float], outputs: [Float],
    temperature: Double = 1, from stream: inout SeededStream
  ) -> [Float] {
    let count = steps.map(\.count).reduce(0, +)
    var pixel = Array(image[(position * count)..<((position + 1) * count)])
    withPlace(position, of: image) {
      draw(
        channels, at: $0, outputs: outputs, temperature: temperature, from: &stream, into: &pixel)
    }
    return pixel
  }
}
