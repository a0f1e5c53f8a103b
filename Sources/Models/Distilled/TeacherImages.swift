import Compute
import Datasets
import Learning

/// Labelled images that a teacher drew, one byte for each channel of a pixel.
///
/// Classes alternate, so that every part of the images has them in equal shares.
struct TeacherImages {
  /// The number of images when all are drawn.
  let capacity: Int
  private let format: ImageSpecification
  private var bytes: [UInt8] = []

  /// No images yet, of `capacity`.
  init(capacity: Int, format: ImageSpecification) {
    self.capacity = capacity
    self.format = format
  }

  /// The number of images that are drawn.
  var count: Int { bytes.count / format.shape.count }

  /// Whether all images are drawn.
  var isComplete: Bool { count == capacity }

  /// Lets `teacher` draw the next images, at most `number` of them.
  mutating func draw(_ number: Int, from teacher: any GenerativeModel, seed: UInt64) throws {
    let labels = (count..<min(capacity, count + number)).map(label)
    var drawn: [UInt8] = []
    drawn.reserveCapacity(labels.count * format.shape.count)
    try teacher.sample(SampleRequest(labels: labels, seed: seed)) { _, images in
      drawn += images.buffer.lazy.map { PixelScale.byte(of: $0) }
    }
    bytes += drawn
  }

  /// Some images by lot, with their labels.
  ///
  /// - Precondition: There are images.
  func batch(of size: Int, from stream: inout SeededStream) -> TeacherBatch {
    precondition(count > 0, "a batch of no images")
    let places = (0..<size).map { _ in Int.random(in: 0..<count, using: &stream) }
    return TeacherBatch(images: self, places: places)
  }

  /// The class of an image.
  func label(of place: Int) -> Int { place % max(1, format.classes.count) }

  /// Whether a network for these images is conditional.
  fileprivate var hasClasses: Bool { format.classes.count > 1 }

  /// Writes an image as numbers in [−1, 1].
  fileprivate func copy(_ place: Int, to target: UnsafeMutablePointer<Float>) {
    let size = format.shape.count
    bytes.withUnsafeBufferPointer { bytes in
      for index in 0..<size { target[index] = PixelScale.number(of: bytes[place * size + index]) }
    }
  }
}

/// Some of a teacher's images as training examples.
struct TeacherBatch: ExampleSource {
  fileprivate let images: TeacherImages
  fileprivate let places: [Int]

  var count: Int { places.count }

  /// The class of every image, also where there is only one class.
  var allLabels: [Int] { places.map(images.label) }

  func labels(in range: Range<Int>) -> [Int] {
    images.hasClasses ? places[range].map(images.label) : []
  }

  func fill(_ target: Tensor, from range: Range<Int>) {
    let size = target.count / max(1, range.count)
    for (index, place) in places[range].enumerated() {
      images.copy(place, to: target.pointer + index * size)
    }
  }
}

// Checkpoints consist of floats, each of which has room for three bytes as a whole number.
extension TeacherImages {
  private static let name = "teacher_images"
  static let countKey = "teacher_images.count"
  private static let bytesPerNumber = 3

  /// Saves the images.
  func save(into checkpoint: inout Checkpoint) {
    checkpoint.metadata[Self.countKey] = String(count)
    guard count > 0 else { return }
    let numbers = Self.packed(bytes)
    checkpoint.tensors[Self.name] = Checkpoint.Array(shape: [numbers.count], values: numbers)
  }

  /// Restores what `save` saved.
  mutating func restore(from checkpoint: Checkpoint) throws {
    let found = try checkpoint.count(Self.countKey)
    guard found <= capacity else {
      throw Checkpoint.Failure.badMetadata(key: Self.countKey, found: String(found))
    }
    bytes = []
    guard found > 0 else { return }
    let size = found * format.shape.count
    let numbers = (size + Self.bytesPerNumber - 1) / Self.bytesPerNumber
    bytes = Self.unpacked(
      try checkpoint.array(Self.name, shape: [numbers]).values, count: size)
  }

  private static func packed(_ bytes: [UInt8]) -> [Float] {
    let count = (bytes.count + bytesPerNumber - 1) / bytesPerNumber
    return [Float](unsafeUninitializedCapacity: count) { buffer, initialized in
      bytes.withUnsafeBufferPointer { bytes in
        for index in 0..<count {
          var number: UInt32 = 0
          for place in (index * bytesPerNumber)..<min(bytes.count, (index + 1) * bytesPerNumber) {
            number = number << 8 | UInt32(bytes[place])
          }
          buffer[index] = Float(number)
        }
      }
      initialized = count
    }
  }

  /// A number that three bytes do not give, in a damaged file, counts as zero.
  private static func unpacked(_ numbers: [Float], count: Int) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
      for (index, value) in numbers.enumerated() {
        var number = UInt32(exactly: value) ?? 0
        let start = index * bytesPerNumber
        for place in (start..<min(count, start + bytesPerNumber)).reversed() {
          buffer[place] = UInt8(truncatingIfNeeded: number)
          number >>= 8
        }
      }
      initialized = count
    }
  }
}
