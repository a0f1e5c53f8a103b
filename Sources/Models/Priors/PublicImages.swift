public import Datasets
public import Learning
import Compute

/// Images that an administrator declares public: a model may learn from them at no privacy cost.
///
/// Nothing but such a declaration makes images public. A run makes this type from a folder that was declared, after
/// it has checked that no private image lies there too.
public struct PublicImages {
  let examples: any ExampleSource

  /// The images of a snapshot of a public folder.
  public init(declaredPublic snapshot: DatasetSnapshot) {
    examples = BatchExamples(
      batch: Batch(snapshot: snapshot, images: (0..<Int32(snapshot.count)).map { $0 }))
  }

  /// Examples that show nobody, such as the noise with which a plan is timed.
  public init(withoutPeople examples: any ExampleSource) {
    self.examples = examples
  }

  private init(_ examples: any ExampleSource) { self.examples = examples }

  /// The number of images.
  public var count: Int { examples.count }

  /// The images at a fraction of their size.
  func reduced(from format: ImageSpecification, by factor: Int) -> PublicImages {
    PublicImages(ReducedImages(images: examples, format: format, factor: factor))
  }
}

/// Public images picked by lot, each with a class by lot: a network learns to ignore their classes.
struct PickedImages: ExampleSource {
  let count: Int
  private let images: PublicImages
  private let places: [Int]
  private let classes: [Int]

  /// Picks `count` images; one may be picked again.
  init(_ count: Int, of images: PublicImages, classCount: Int, seed: UInt64) {
    precondition(images.count > 0, "a folder without images is refused")
    self.count = count
    self.images = images
    var stream = SeededStream(seed: seed ^ 0x9B1C_5EED)
    places = (0..<count).map { _ in Int.random(in: 0..<images.count, using: &stream) }
    classes =
      classCount > 1
      ? (0..<count).map { _ in Int.random(in: 0..<classCount, using: &stream) } : []
  }

  func labels(in range: Range<Int>) -> [Int] { classes.isEmpty ? [] : Array(classes[range]) }

  func fill(_ target: Tensor, from range: Range<Int>) {
    for (index, place) in places[range].enumerated() {
      images.examples.fill(target.examples(from: index, count: 1), from: place..<(place + 1))
    }
  }
}

extension PriorSettings {
  /// The key of all that is drawn by lot in a step of pre-training.
  static func key(of step: FreeStep, seed: UInt64) -> UInt64 {
    seed &+ UInt64(step.index) &* 0xD6E8_FEB8_6659_FD93
  }

  /// The images of one step of pre-training, different ones in every step.
  func images(of step: FreeStep, format: ImageSpecification, seed: UInt64) -> any ExampleSource {
    let key = Self.key(of: step, seed: seed)
    switch source {
    case .procedural:
      return ProceduralImages(count: batchSize, format: format, seed: key)
    case .publicImages:
      guard let images = step.publicImages else {
        preconditionFailure("a run passes public images to recipes that need them")
      }
      return PickedImages(batchSize, of: images, classCount: format.classes.count, seed: key)
    case .release: preconditionFailure("a released model has learnt already: no step is made")
    }
  }
}
