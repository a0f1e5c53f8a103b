public import Compute

/// Images of one size with their classes, eight bits a channel, in memory.
public struct LabelledImages: Sendable {
  /// The shape of one image: height × width × channels.
  public let shape: Shape
  /// The names of the classes; a label is an index into this list.
  ///
  /// There is one name if there are no classes.
  public let classNames: [String]
  /// The class of each image.
  public let labels: [Int]
  /// count × height × width × channels.
  public let pixels: [UInt8]
  /// count × classes: what a private teacher thinks of drawn images; nil where there is none.
  public let teacherProbabilities: [Float]?

  /// Creates a set; `pixels` contains the images one after the other, and so do probabilities.
  public init(
    shape: Shape, classNames: [String], labels: [Int], pixels: [UInt8],
    teacherProbabilities: [Float]? = nil
  ) {
    precondition(shape.rank == 3 && shape.count > 0, "images of shape \(shape)")
    precondition(
      pixels.count == labels.count * shape.count,
      "\(pixels.count) bytes for \(labels.count) images of \(shape)")
    precondition(
      labels.allSatisfy { classNames.indices.contains($0) }, "a label without a class name")
    precondition(
      teacherProbabilities.map { $0.count == labels.count * classNames.count } ?? true,
      "\(teacherProbabilities?.count ?? 0) probabilities of \(classNames.count) classes")
    self.shape = shape
    self.classNames = classNames
    self.labels = labels
    self.pixels = pixels
    self.teacherProbabilities = teacherProbabilities
  }

  /// A set without any image, for a synthetic set that is a table alone.
  public static func none(of classNames: [String] = []) -> LabelledImages {
    LabelledImages(shape: Shape(1, 1, 1), classNames: classNames, labels: [], pixels: [])
  }

  /// The number of images.
  public var count: Int { labels.count }

  /// The bytes of one image.
  public subscript(image: Int) -> ArraySlice<UInt8> {
    pixels[(image * shape.count)..<((image + 1) * shape.count)]
  }

  /// The class that the teacher thinks most probable for each image; nil without a teacher.
  var teacherLabels: [Int]? {
    teacherProbabilities.map { all in
      let classCount = classNames.count
      return (0..<count).map { image in
        (0..<classCount).max { all[image * classCount + $0] < all[image * classCount + $1] } ?? 0
      }
    }
  }

  /// The same images with the teacher's most probable classes as their labels; nil without a teacher.
  func labelledByTeacher() -> LabelledImages? {
    teacherLabels.map {
      LabelledImages(
        shape: shape, classNames: classNames, labels: $0, pixels: pixels,
        teacherProbabilities: teacherProbabilities)
    }
  }

  /// The number of images of each class.
  public var classCounts: [Int] {
    labels.reduce(into: [Int](repeating: 0, count: classNames.count)) { $0[$1] += 1 }
  }

  /// The share of these images that are of the class with the most images in another set.
  func share(ofLargestClassOf other: LabelledImages) -> Double {
    let counts = other.classCounts
    guard let largest = counts.indices.max(by: { counts[$0] < counts[$1] }), count > 0 else {
      return 0
    }
    return Double(classCounts[largest]) / Double(count)
  }

  /// The images at the given indices, in that order.
  public func images(at places: some Collection<Int>) -> LabelledImages {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(places.count * shape.count)
    for place in places { bytes += self[place] }
    let classCount = classNames.count
    return LabelledImages(
      shape: shape, classNames: classNames, labels: places.map { labels[$0] }, pixels: bytes,
      teacherProbabilities: teacherProbabilities.map { all in
        places.flatMap { all[($0 * classCount)..<(($0 + 1) * classCount)] }
      })
  }

  /// The indices of the images of one class.
  public func places(ofClass label: Int) -> [Int] {
    labels.indices.filter { labels[$0] == label }
  }

  /// At most `limit` images, drawn without replacement in an order determined by `seed`.
  public func sample(_ limit: Int, seed: UInt64) -> LabelledImages {
    images(at: shuffledPlaces(seed: seed).prefix(limit))
  }

  /// Two disjoint random parts: the first of `count` images, the second of all others.
  public func split(
    first count: Int, seed: UInt64
  ) -> (first: LabelledImages, second: LabelledImages) {
    let order = shuffledPlaces(seed: seed)
    return (images(at: order.prefix(count)), images(at: order.dropFirst(count)))
  }

  /// At most `limit` images at random, in two parts: one that chooses the epoch of a classifier, and one to train on.
  func forClassifier(
    _ limit: Int, seed: UInt64
  ) -> (selection: LabelledImages, training: LabelledImages) {
    let (selection, training) = sample(limit, seed: seed)
      .split(first: Self.selectionCount(of: limit), seed: seed &+ 77)
    return (selection, training)
  }

  /// The number of images, of `count`, that choose the epoch of a classifier.
  static func selectionCount(of count: Int) -> Int { min(5000, count / 10) }

  /// All images of both sets, which must agree in shape and classes.
  public func appending(_ other: LabelledImages) -> LabelledImages {
    precondition(
      shape == other.shape && classNames == other.classNames, "image sets that do not match")
    return LabelledImages(
      shape: shape, classNames: classNames, labels: labels + other.labels,
      pixels: pixels + other.pixels,
      teacherProbabilities: teacherProbabilities.flatMap { own in
        other.teacherProbabilities.map { own + $0 }
      })
  }

  /// The images of both sets alternately, starting with the first of each.
  func interleaved(with other: LabelledImages) -> LabelledImages {
    let count = min(count, other.count)
    let all = appending(other)
    return all.images(at: (0..<count).flatMap { [$0, self.count + $0] })
  }

  private func shuffledPlaces(seed: UInt64) -> [Int] {
    var stream = SeededStream(seed: seed)
    return Array(0..<count).shuffled(using: &stream)
  }

  /// Writes the images of `places` to `target` (places × shape) as scale·byte + offset.
  ///
  /// By default, bytes become numbers from −1 to 1 for every set; no statistic of private images is used.
  public func fill(
    _ target: Tensor, at places: some Collection<Int>, scale: Float = 2 / 255, offset: Float = -1
  ) {
    let size = shape.count
    pixels.withUnsafeBufferPointer { bytes in
      for (index, place) in places.enumerated() {
        let output = target.pointer + index * size
        for offsetInImage in 0..<size {
          output[offsetInImage] = scale * Float(bytes[place * size + offsetInImage]) + offset
        }
      }
    }
  }

  /// Writes images like `fill`, each moved by its own shift; repeats the border's pixels.
  func fill(
    _ target: Tensor, at places: [Int], shiftedBy shifts: [(rows: Int, columns: Int)],
    scale: Float = 2 / 255, offset: Float = -1
  ) {
    precondition(places.count == shifts.count, "a shift for every image")
    let (height, width, channels) = (shape[0], shape[1], shape[2])
    pixels.withUnsafeBufferPointer { bytes in
      for (index, place) in places.enumerated() {
        let image = place * shape.count
        let output = target.pointer + index * shape.count
        for row in 0..<height {
          let sourceRow = max(0, min(height - 1, row - shifts[index].rows))
          for column in 0..<width {
            let sourceColumn = max(0, min(width - 1, column - shifts[index].columns))
            let source = image + (sourceRow * width + sourceColumn) * channels
            let place = (row * width + column) * channels
            for channel in 0..<channels {
              output[place + channel] = scale * Float(bytes[source + channel]) + offset
            }
          }
        }
      }
    }
  }
}
