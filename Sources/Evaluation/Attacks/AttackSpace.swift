import Compute

/// The images of an attack as points of one space.
struct AttackSpace {
  /// "pixels" or "scattering": part of an attack's name.
  let name: String
  /// Images that were trained on, and images that were not.
  let members: FeatureMatrix, nonMembers: FeatureMatrix
  /// Real images of neither kind, to calibrate with.
  let reference: FeatureMatrix
}

/// A map from images to points of an attack's space.
struct PointMaker {
  /// The name of the space of pixels.
  static let pixelSpace = "pixels"

  let name: String
  let points: (LabelledImages) -> FeatureMatrix

  /// Pixels from 0 to 1, averaged over squares until at most `limit` numbers remain.
  static func pixels(atMost limit: Int = 4096) -> PointMaker {
    PointMaker(name: pixelSpace) { images in
      var size = 1
      while images.shape.count / (size * size) > limit, 2 * size <= images.shorterSide { size *= 2 }
      return averaged(images, over: size)
    }
  }

  /// Scattering features, rotated to the principal axes of `reference` and scaled to unit variance: a few
  /// directions of equal weight.
  static func scattering(
    width: Int, reference: LabelledImages, on machine: Machine
  ) -> PointMaker {
    let extractor = Scattering(on: machine)
    let axes = PrincipalAxes(
      of: extractor.features(of: reference), count: width, on: machine.threads)
    return PointMaker(name: "scattering") { images in
      axes.project(extractor.features(of: images))
    }
  }

  private static func averaged(_ images: LabelledImages, over size: Int) -> FeatureMatrix {
    let shape = images.shape
    let rows = shape[0] / size
    let columns = shape[1] / size
    let channels = shape[2]
    let width = rows * columns * channels
    let share = 1 / (255 * Float(size * size))
    return FeatureMatrix(count: images.count, width: width) { target in
      for image in 0..<images.count {
        let bytes = images[image]
        for row in 0..<(rows * size) {
          for column in 0..<(columns * size) {
            for channel in 0..<channels {
              let source =
                bytes.startIndex + (row * shape[1] + column) * channels + channel
              target[
                image * width + (row / size * columns + column / size) * channels + channel] +=
                share * Float(bytes[source])
            }
          }
        }
      }
    }
  }
}

/// The directions of largest variance of a feature set.
struct PrincipalAxes {
  private let center: [Double]
  /// The axes, count × width, scaled so that projections have unit variance.
  private let axes: [[Double]]

  /// Finds at most `count` axes; directions without variance are left out.
  init(of features: FeatureMatrix, count: Int, on threads: ThreadPool) {
    let moments = Moments(features, on: threads)
    let system = SymmetricEigensystem(moments.covariance, wantsVectors: true)
    let width = features.width
    let largest = max(system.values.last ?? 0, 0)
    center = moments.mean
    axes = (0..<width).reversed().prefix(count)
      .filter { system.values[$0] > largest * 1e-9 }
      .map { index in
        let scale = 1 / system.values[index].squareRoot()
        return system.vectors[(index * width)..<((index + 1) * width)].map { $0 * scale }
      }
  }

  /// The coordinates of features along the axes.
  func project(_ features: FeatureMatrix) -> FeatureMatrix {
    FeatureMatrix(count: features.count, width: max(1, axes.count)) { target in
      for row in 0..<features.count {
        let values = features[row]
        for (index, axis) in axes.enumerated() {
          var sum = 0.0
          for column in 0..<features.width {
            sum += axis[column] * (Double(values[values.startIndex + column]) - center[column])
          }
          target[row * axes.count + index] = Float(sum)
        }
      }
    }
  }
}
