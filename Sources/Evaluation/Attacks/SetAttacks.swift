import Compute
import Glibc

/// Membership attacks that see only the synthetic set (and real images of their own).
struct SetAttacks {
  /// The three attacks; each raw value is part of a metric's key.
  enum Method: String, CaseIterable {
    /// Distance to the nearest synthetic image, calibrated by the nearest reference image
    /// (GAN-Leaks, Chen et al., arXiv 1909.03935).
    case distance
    /// Synthetic images in a small ball (Monte-Carlo attack, Hilprecht et al., PETS 2019).
    case monteCarlo = "monte-carlo"
    /// Synthetic density divided by reference density (DOMIAS, van Breugel et al., arXiv
    /// 2302.12580), by Gaussian kernels.
    case densityRatio = "density-ratio"

    /// The name for readers.
    var title: String {
      switch self {
      case .distance: "Nearest synthetic image, calibrated"
      case .monteCarlo: "Monte-Carlo ball"
      case .densityRatio: "Density ratio"
      }
    }
  }

  private let machine: Machine

  init(on machine: Machine) {
    self.machine = machine
  }

  /// The scores of all three attacks against one synthetic set.
  func rankings(
    of synthetic: FeatureMatrix, in space: AttackSpace
  ) -> [Method: MembershipRanking] {
    let queries = space.members.appending(space.nonMembers)
    let reference = summary(of: queries, against: space.reference)
    let own = summary(of: queries, against: synthetic)
    let radius = Self.median(own.nearest)
    let counts = weightInBall(queries, synthetic, squaredRadius: radius)
    let distance = zip(reference.nearest, own.nearest).map {
      log(Double($0) + 1e-12) - log(Double($1) + 1e-12)
    }
    let ratio = zip(own.logDensity, reference.logDensity).map { $0 - $1 }
    let memberCount = space.members.count
    func ranking(_ scores: [Double]) -> MembershipRanking {
      MembershipRanking(
        members: Array(scores.prefix(memberCount)),
        nonMembers: Array(scores.dropFirst(memberCount)))
    }
    return [
      .distance: ranking(distance), .monteCarlo: ranking(counts), .densityRatio: ranking(ratio),
    ]
  }

  private struct Summary {
    /// Squared distance of the nearest point.
    var nearest: [Float]
    /// Logarithm of the kernel density, up to a constant.
    var logDensity: [Double]
  }

  /// Computes nearest distances and kernel densities of each query, in two passes over all pairs.
  private func summary(of queries: FeatureMatrix, against points: FeatureMatrix) -> Summary {
    var nearest = [Float](repeating: .infinity, count: queries.count)
    let products = PairwiseProducts(on: machine)
    nearest.withUnsafeMutableBufferPointer { nearest in
      nonisolated(unsafe) let nearest = nearest
      products.forEachRowOfSquaredDistances(queries, points) { row, columns, distances in
        var least = nearest[row]
        for offset in 0..<columns.count { least = min(least, distances[offset]) }
        nearest[row] = least
      }
    }
    // Subtract the nearest distance, so that the largest term is one and no sum underflows; the bandwidth
    // adapts to the distance between neighbours.
    let bandwidth = max(Double(Self.median(nearest)), 1e-12)
    var sums = [Double](repeating: 0, count: queries.count)
    sums.withUnsafeMutableBufferPointer { sums in
      nonisolated(unsafe) let sums = sums
      let nearest = nearest
      products.forEachRowOfSquaredDistances(queries, points) { row, columns, distances in
        var sum = 0.0
        for offset in 0..<columns.count {
          let exponent = Double(distances[offset] - nearest[row]) / (2 * bandwidth)
          if exponent < 20 { sum += exp(-exponent) }
        }
        sums[row] += sum
      }
    }
    let logDensity = zip(sums, nearest).map { log(max($0, 1e-300)) - Double($1) / (2 * bandwidth) }
    return Summary(nearest: nearest, logDensity: logDensity)
  }

  /// The weight of the synthetic images within the ball; nearer images count more.
  private func weightInBall(
    _ queries: FeatureMatrix, _ points: FeatureMatrix, squaredRadius: Float
  ) -> [Double] {
    var weights = [Double](repeating: 0, count: queries.count)
    let radius = Double(max(squaredRadius, 1e-12))
    weights.withUnsafeMutableBufferPointer { weights in
      nonisolated(unsafe) let weights = weights
      PairwiseProducts(on: machine).forEachRowOfSquaredDistances(queries, points) {
        row, columns, distances in
        for offset in 0..<columns.count where distances[offset] <= squaredRadius {
          weights[row] += 1 - log((Double(distances[offset]) + radius * 1e-6) / radius)
        }
      }
    }
    return weights
  }

  static func median(_ values: [Float]) -> Float {
    values.isEmpty ? 0 : values.sorted()[values.count / 2]
  }
}
