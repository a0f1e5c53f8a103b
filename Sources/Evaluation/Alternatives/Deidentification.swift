import Compute

/// The usual ways to make real images less recognisable without a model and without noise.
///
/// None of them bounds what it reveals about an image. They are applied here to show what each costs and protects.
enum Deidentification: String, CaseIterable, Sendable {
  /// Squares of pixels are replaced by their mean.
  case pixelated
  /// Each pixel is replaced by a weighted mean of its neighbours.
  case blurred
  /// Similar images of a class are replaced by their mean (k-Same: Newton, Sweeney and Malin, "Preserving privacy
  /// by de-identifying face images", IEEE TKDE 17(2), 2005).
  case averaged

  /// The number of squares along the shorter side of a pixelated image.
  static let squares = 8
  /// The standard deviation of the blur, as a part of the shorter side.
  static let blur = 1.0 / 14
  /// The number of images that become one mean.
  static let groupSize = 5

  /// The name for readers.
  var title: String {
    switch self {
    case .pixelated: "Pixelated real images"
    case .blurred: "Blurred real images"
    case .averaged: "Averages of \(Self.groupSize) similar real images"
    }
  }

  /// What was done, for readers.
  var meaning: String {
    switch self {
    case .pixelated: "\(Self.squares) squares along the shorter side"
    case .blurred: "a Gaussian blur of a fourteenth of the shorter side"
    case .averaged: "of the same class (k-Same with k = \(Self.groupSize))"
    }
  }

  /// The de-identified set, one image for each.
  ///
  /// - Parameter seed: decides which similar images form a group.
  func applied(to images: LabelledImages, seed: UInt64) -> LabelledImages {
    switch self {
    case .pixelated: images.pixelated(squares: Self.squares)
    case .blurred: images.blurred(deviation: Double(images.shorterSide) * Self.blur)
    case .averaged: images.averaged(inGroupsOf: Self.groupSize, seed: seed)
    }
  }

  /// What an attacker compares a de-identified set with: a candidate after the same treatment, where it treats each
  /// image alone.
  func asAttackersCompare(_ candidates: LabelledImages) -> LabelledImages {
    self == .averaged ? candidates : applied(to: candidates, seed: 0)
  }
}

extension LabelledImages {
  /// The smaller of height and width.
  var shorterSide: Int { min(shape[0], shape[1]) }

  /// The same labels with other pixels.
  func with(pixels: [UInt8]) -> LabelledImages {
    LabelledImages(shape: shape, classNames: classNames, labels: labels, pixels: pixels)
  }

  /// Squares of pixels replaced by their mean, so that `squares` of them fit along the shorter side.
  fileprivate func pixelated(squares: Int) -> LabelledImages {
    let (height, width, channels) = (shape[0], shape[1], shape[2])
    let side = max(2, (shorterSide + squares - 1) / squares)
    var result = pixels
    for image in 0..<count {
      for top in stride(from: 0, to: height, by: side) {
        for left in stride(from: 0, to: width, by: side) {
          let (rows, columns) = (top..<min(height, top + side), left..<min(width, left + side))
          for channel in 0..<channels {
            let places = rows.flatMap { row in
              columns.map { image * shape.count + (row * width + $0) * channels + channel }
            }
            let sum = places.reduce(0) { $0 + Int(pixels[$1]) }
            let mean = UInt8((Double(sum) / Double(places.count)).rounded())
            for place in places { result[place] = mean }
          }
        }
      }
    }
    return with(pixels: result)
  }

  /// Each image replaced by the mean of its group: images of its class that resemble one another.
  ///
  /// Groups are formed greedily around images in random order. The rest of a class, too few for a group, joins the
  /// last one.
  fileprivate func averaged(inGroupsOf size: Int, seed: UInt64) -> LabelledImages {
    let points = PointMaker.pixels(atMost: 256).points(self)
    var stream = SeededStream(seed: seed)
    var result = pixels
    for label in classNames.indices {
      var left = places(ofClass: label).shuffled(using: &stream)
      while let center = left.first {
        var group = left
        if left.count >= 2 * size {
          let distances = Dictionary(
            uniqueKeysWithValues: left.map {
              ($0, points.squaredDistance(center, to: $0, of: points))
            })
          group.sort { distances[$0, default: 0] < distances[$1, default: 0] }
          group.removeLast(group.count - size)
        }
        let members = Set(group)
        left.removeAll { members.contains($0) }
        let mean = mean(of: group)
        for place in group {
          result.replaceSubrange((place * shape.count)..<((place + 1) * shape.count), with: mean)
        }
      }
    }
    return with(pixels: result)
  }

  private func mean(of places: [Int]) -> [UInt8] {
    var sums = [Int](repeating: 0, count: shape.count)
    for place in places {
      for (index, byte) in self[place].enumerated() { sums[index] += Int(byte) }
    }
    return sums.map { UInt8((Double($0) / Double(places.count)).rounded()) }
  }
}
