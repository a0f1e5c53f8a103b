import Compute

/// The Fréchet distance between normal distributions fitted to two feature sets.
///
/// ‖μ₁ − μ₂‖² + tr Σ₁ + tr Σ₂ − 2 tr (Σ₁^½ Σ₂ Σ₁^½)^½ (Dowson & Landau 1982; Heusel et al., arXiv
/// 1706.08500). The symmetric product has real, non-negative eigenvalues even if the covariances are
/// singular, so no jitter is added. The estimate is biased upwards for few images: compare equal counts.
struct FrechetDistance {
  private let reference: Moments
  private let root: SquareMatrix
  private let threads: ThreadPool

  /// Prepares comparisons with one reference set; computes its matrix square root once.
  init(to reference: Moments, on threads: ThreadPool) {
    self.reference = reference
    self.threads = threads
    root = SymmetricEigensystem(reference.covariance, wantsVectors: true)
      .applying({ max(0, $0).squareRoot() }, on: threads)
  }

  /// The distance of another set.
  func distance(to other: Moments) -> Double {
    precondition(other.mean.count == reference.mean.count, "feature sets of different width")
    let shift = zip(reference.mean, other.mean).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
    var product = root.multiplied(by: other.covariance, on: threads)
      .multiplied(by: root, on: threads)
    product.symmetrize()
    let overlap = SymmetricEigensystem(product, wantsVectors: false).values
      .reduce(0) { $0 + max(0, $1).squareRoot() }
    return max(0, shift + reference.covariance.trace + other.covariance.trace - 2 * overlap)
  }
}
